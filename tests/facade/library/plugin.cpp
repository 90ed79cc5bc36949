// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include "plugin.hpp"

namespace {

int calls = 0;

int calls_so_far() {
    return calls;
}

int square(int value) {
    ++calls;
    return value * value;
}

procpool::submission<int> submit(procpool::process_pool& pool, int value) {
    return pool.submit([](int inner) { return square(inner) + 1; }, value);
}

} // namespace

extern "C" const plugin_interface* procpool_test_plugin() {
    static const plugin_interface offered{&calls_so_far, &square, &submit};
    return &offered;
}
