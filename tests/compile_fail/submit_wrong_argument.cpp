// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*an argument does not convert to the type of the function's parameter

#include <procpool/procpool.hpp>

#include <string>

int length(const std::string& text);

void use(procpool::process_pool& pool) {
    (void)pool.submit(length, 5);
}
