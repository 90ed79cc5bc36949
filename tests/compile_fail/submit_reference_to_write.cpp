// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*a reference to write through, but its arguments are copies in another process; return the result instead

#include <procpool/procpool.hpp>

void increment(int& value);

void use(procpool::process_pool& pool, int value) {
    (void)pool.submit(increment, value);
}
