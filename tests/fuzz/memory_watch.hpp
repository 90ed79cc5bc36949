// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_FUZZ_MEMORY_WATCH_HPP
#define PROCPOOL_TESTS_FUZZ_MEMORY_WATCH_HPP

#include <cstddef>

namespace procpool::fuzz {

/// How much memory of this thread's own is in use at once, beyond what was when this was made. One at a time.
/**
 * It asks AddressSanitizer. In a program built without it, it sees nothing, and what is to be at most something still is.
 */
class memory_watch {
public:
    memory_watch() noexcept;
    memory_watch(const memory_watch&) = delete;
    memory_watch& operator=(const memory_watch&) = delete;

    /// The most that was in use at any time.
    std::size_t most() const noexcept;
};

} // namespace procpool::fuzz

#endif
