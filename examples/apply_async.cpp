// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Shows `start`: the work begins at once, and a handle stands for the result until somebody wants it. Python calls this
// `apply_async`.

#include <procpool/procpool.hpp>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

long factorial(int n) {
    if (n > 20)
        throw std::overflow_error(std::to_string(n) + "! does not fit into a long");
    long product = 1;
    for (int i = 2; i <= n; ++i)
        product *= i;
    return product;
}

int main(int argc, char** argv) {
    procpool::init(argc, argv);

    procpool::process_pool pool{{.workers = 2}};

    std::vector<procpool::task_handle<long>> handles;
    for (const int n : {5, 10, 15, 20, 25})
        handles.push_back(pool.submit(factorial, n).start());

    // Both workers have been at it since. Now the results, and also the error, come to where they are asked for.
    for (auto& handle : handles) {
        try {
            std::printf("%ld\n", handle.get());
        } catch (const std::overflow_error& error) {
            std::printf("%s\n", error.what());
        }
    }
}
