// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*the function cannot be called with these arguments

#include <procpool/procpool.hpp>

int add(int left, int right);

void use(procpool::process_pool& pool) {
    (void)pool.submit(add, 1);
}
