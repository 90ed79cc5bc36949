// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_MACHINES_LARGEST_ALLOCATION_HPP
#define PROCPOOL_TESTS_MACHINES_LARGEST_ALLOCATION_HPP

#include <cstddef>

namespace procpool::testing {

/// Watches the largest piece that operator new is asked for, from its making on. One at a time; for one thread.
class largest_allocation {
public:
    largest_allocation() noexcept;
    largest_allocation(const largest_allocation&) = delete;
    largest_allocation& operator=(const largest_allocation&) = delete;

    std::size_t bytes() const noexcept;
};

} // namespace procpool::testing

#endif
