// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/procpool.hpp>

#include <iostream>

int multiply(int a, int b) {
    return a * b;
}

int main(int argc, char** argv) {
    procpool::init(argc, argv);
    procpool::process_pool pool{{.workers = 1}};
    std::cout << "6 times 7 is " << pool.submit(multiply, 6, 7).get() << ", says a worker\n";
}
