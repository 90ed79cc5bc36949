// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*map wants a range of arguments

#include <procpool/procpool.hpp>

int twice(int value);

void use(procpool::process_pool& pool) {
    (void)pool.map(twice, 5);
}
