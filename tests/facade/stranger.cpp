// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// A program that uses procpool as it should, and is not the program of the test that starts it as a worker.

#include <procpool/procpool.hpp>

#include <cstdio>

namespace {

int half(int value) {
    return value / 2;
}

} // namespace

int main(int argc, char** argv) {
    procpool::init(argc, argv);
    procpool::process_pool pool({.workers = 1});
    std::printf("%d\n", pool.submit(half, 84).get());
}
