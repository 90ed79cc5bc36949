// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <machines/largest_allocation.hpp>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace {

thread_local std::size_t largest = 0;

} // namespace

void* operator new(std::size_t size) {
    largest = std::max(largest, size);
    if (void* const got = std::malloc(size != 0 ? size : 1))
        return got;
    throw std::bad_alloc();
}

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    largest = std::max(largest, size);
    return std::malloc(size != 0 ? size : 1);
}

void operator delete(void* memory) noexcept {
    std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

namespace procpool::testing {

largest_allocation::largest_allocation() noexcept {
    largest = 0;
}

std::size_t largest_allocation::bytes() const noexcept {
    return largest;
}

} // namespace procpool::testing
