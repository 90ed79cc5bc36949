// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <wire/allocation_watch.hpp>

#include <algorithm>
#include <cstddef>

namespace {
thread_local std::size_t largest_piece = 0;
thread_local std::size_t pieces = 0;

void note(std::size_t size) {
    largest_piece = std::max(largest_piece, size);
    ++pieces;
}
} // namespace

// The names are the linker's, see --wrap in its manual.
extern "C" {
void* __real_malloc(std::size_t size);
void* __real_realloc(void* memory, std::size_t size);

void* __wrap_malloc(std::size_t size) {
    note(size);
    return __real_malloc(size);
}

void* __wrap_realloc(void* memory, std::size_t size) {
    note(size);
    return __real_realloc(memory, size);
}
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
