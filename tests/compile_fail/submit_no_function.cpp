// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*procpool:

#include <procpool/procpool.hpp>

void use(procpool::process_pool& pool) {
    (void)pool.submit(5, 1);
}
