// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*this type cannot be carried to another process; give it a serialize function

#include <procpool/procpool.hpp>

struct point {
    int x;
    int y;
};

int norm(const point& value);

void use(procpool::process_pool& pool) {
    (void)pool.submit(norm, point{1, 2});
}
