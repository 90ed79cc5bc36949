// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_WORD_WAIT_HPP
#define PROCPOOL_SYSTEM_WORD_WAIT_HPP

#include <atomic>
#include <cstdint>

namespace procpool::system {

/// Sleeps as long as a word in shared memory has this value. It may also return for no reason.
void wait_while_equal(const std::atomic<std::uint32_t>& word, std::uint32_t value) noexcept;

/// Wakes whoever sleeps so, in any process. After the word was changed.
void wake_waiters(const std::atomic<std::uint32_t>& word) noexcept;

} // namespace procpool::system

#endif
