// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*captures do not cross a process boundary; pass them as arguments

#include <procpool/procpool.hpp>

#include <vector>

void use(procpool::process_pool& pool, int captured) {
    (void)pool.map([&captured](int value) { return captured + value; }, std::vector{1, 2});
}
