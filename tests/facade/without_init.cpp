// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// A program whose author forgot procpool::init. It says on standard output that it was here, and what it was told.

#include <procpool/procpool.hpp>

#include <cstdio>

int main() {
    std::puts("main was run");
    try {
        const procpool::process_pool pool({.workers = 1});
        std::puts("a pool was made");
    } catch (const procpool::pool_error& error) {
        std::printf("%s: %s\n", error.code() == procpool::errc::not_initialized ? "not_initialized" : "other",
                    error.what());
        return 3;
    }
}
