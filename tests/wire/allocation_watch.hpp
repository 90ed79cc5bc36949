// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_WIRE_ALLOCATION_WATCH_HPP
#define PROCPOOL_TESTS_WIRE_ALLOCATION_WATCH_HPP

#include <cstddef>

namespace procpool::testing {

/// Watches what payloads and their builders ask of malloc and realloc on this thread, from its making on. One at a time.
/**
 * The program is linked so that these calls come here first. That does not reach into a shared library; there it sees
 * nothing, and what is to be at most something still is.
 */
class allocation_watch {
public:
    allocation_watch() noexcept;
    allocation_watch(const allocation_watch&) = delete;
    allocation_watch& operator=(const allocation_watch&) = delete;

    std::size_t largest() const noexcept; ///< the largest single piece, in bytes
    std::size_t count() const noexcept;   ///< how many pieces
};

} // namespace procpool::testing

#endif
