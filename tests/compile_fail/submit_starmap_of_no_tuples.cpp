// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*procpool: .*tuple

#include <procpool/procpool.hpp>

#include <vector>

int twice(int value);

void use(procpool::process_pool& pool, const std::vector<int>& values) {
    (void)pool.starmap(twice, values);
}
