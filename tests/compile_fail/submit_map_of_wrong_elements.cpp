// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*an argument does not convert to the type of the function's parameter

#include <procpool/procpool.hpp>

#include <string>
#include <vector>

int twice(int value);

void use(procpool::process_pool& pool, const std::vector<std::string>& texts) {
    (void)pool.map(twice, texts);
}
