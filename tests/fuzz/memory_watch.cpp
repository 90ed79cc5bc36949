// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <fuzz/memory_watch.hpp>

#include <algorithm>
#include <cstdint>

// As sanitizer/allocator_interface.h declares them, but there only if the program has the sanitizer.
extern "C" {
[[gnu::weak]] int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void*, std::size_t),
                                                            void (*)(const volatile void*));
[[gnu::weak]] std::size_t __sanitizer_get_allocated_size(const volatile void*);
}

namespace procpool::fuzz {

namespace {

thread_local std::int64_t in_use = 0;
thread_local std::int64_t most_in_use = 0;

void allocated(const volatile void*, std::size_t size) {
    in_use += static_cast<std::int64_t>(size);
    most_in_use = std::max(most_in_use, in_use);
}

void freed(const volatile void* memory) {
    if (memory)
        in_use -= static_cast<std::int64_t>(__sanitizer_get_allocated_size(memory));
}

} // namespace

memory_watch::memory_watch() noexcept {
    static const int hooks = __sanitizer_install_malloc_and_free_hooks && __sanitizer_get_allocated_size
                                 ? __sanitizer_install_malloc_and_free_hooks(&allocated, &freed)
                                 : 0;
    (void)hooks;
    in_use = 0;
    most_in_use = 0;
}

std::size_t memory_watch::most() const noexcept {
    return static_cast<std::size_t>(most_in_use);
}

} // namespace procpool::fuzz
