// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*a raw pointer cannot be carried to another process

#include <procpool/procpool.hpp>

int* find(int value);

void use(procpool::process_pool& pool) {
    (void)pool.submit(find, 1);
}
