// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*a reference to write through, but its arguments are copies in another process; return the result instead

#include <procpool/procpool.hpp>

void fill(char* text);

void use(procpool::process_pool& pool, char* text) {
    (void)pool.submit(fill, text);
}
