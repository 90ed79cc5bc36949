// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*a view into memory of this process

#include <procpool/procpool.hpp>

#include <span>
#include <vector>

int sum(std::span<const int> values);

void use(procpool::process_pool& pool, const std::vector<int>& values) {
    (void)pool.submit(sum, values);
}
