// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*this type cannot be carried to another process; give it a serialize function

#include <procpool/procpool.hpp>

struct adder {
    int addend;
    int operator()(int value) const { return value + addend; }
};

void use(procpool::process_pool& pool) {
    (void)pool.submit(adder{5}, 1);
}
