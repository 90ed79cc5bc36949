// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*a pointer to a member cannot be submitted; pass a captureless lambda that calls it

#include <procpool/procpool.hpp>

struct counter {
    int count() const;
};

void use(procpool::process_pool& pool, const counter& object) {
    (void)pool.submit(&counter::count, object);
}
