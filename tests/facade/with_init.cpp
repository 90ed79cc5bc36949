// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// A program that uses procpool as it should. It says on standard output what it was started with.

#include <procpool/procpool.hpp>

#include <cstdio>

int main(int argc, char** argv) {
    procpool::init(argc, argv);
    std::printf("main was run with %d arguments, %s\n", argc - 1, procpool::is_worker() ? "as a worker" : "as itself");
}
