// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*include <boost/serialization/unique_ptr.hpp>

#include <procpool/procpool.hpp>

#include <memory>

int take(std::unique_ptr<int> value);

void use(procpool::process_pool& pool) {
    (void)pool.submit(take, std::make_unique<int>(1));
}
