// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*a view into memory of this process

#include <procpool/procpool.hpp>

#include <string>
#include <string_view>

std::string_view trim(const std::string& text);

void use(procpool::process_pool& pool) {
    (void)pool.submit(trim, "text");
}
