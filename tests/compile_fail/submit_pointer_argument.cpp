// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*a raw pointer cannot be carried to another process

#include <procpool/procpool.hpp>

int first(const int* values);

void use(procpool::process_pool& pool, const int* values) {
    (void)pool.submit(first, values);
}
