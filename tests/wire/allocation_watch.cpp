// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Replaces the program's operator new by one that takes note. Only linked into the program of the tests that watch.

#include <wire/allocation_watch.hpp>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace {
thread_local std::size_t largest_piece = 0;
thread_local std::size_t pieces = 0;
} // namespace

void* operator new(std::size_t size) {
    largest_piece = std::max(largest_piece, size);
    ++pieces;
    if (void* const memory = std::malloc(std::max<std::size_t>(size, 1)))
        return memory;
    throw std::bad_alloc();
}

void* operator new[](std::size_t size) {
    return ::operator new(size);
}

void operator delete(void* memory) noexcept {
    std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

void operator delete[](void* memory) noexcept {
    std::free(memory);
}

void operator delete[](void* memory, std::size_t) noexcept {
    std::free(memory);
}

namespace procpool::testing {

allocation_watch::allocation_watch() noexcept {
    largest_piece = 0;
    pieces = 0;
}

std::size_t allocation_watch::largest() const noexcept {
    return largest_piece;
}

std::size_t allocation_watch::count() const noexcept {
    return pieces;
}

} // namespace procpool::testing
