// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*a raw pointer cannot be carried to another process

#include <procpool/procpool.hpp>

#include <vector>

void use(procpool::process_pool& pool, const std::vector<int*>& values) {
    (void)pool.submit([](auto all) { return all.size(); }, values);
}
