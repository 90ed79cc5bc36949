// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*std::function cannot be carried to another process

#include <procpool/procpool.hpp>

#include <functional>

void use(procpool::process_pool& pool, const std::function<int(int)>& function) {
    (void)pool.submit(function, 1);
}
