// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*cannot be carried to another

#include <procpool/procpool.hpp>

#include <functional>

void use(procpool::process_pool& pool, int& value) {
    (void)pool.submit([](auto inner) { return inner.get(); }, std::ref(value));
}
