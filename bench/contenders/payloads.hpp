// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_BENCH_PAYLOADS_HPP
#define PROCPOOL_BENCH_PAYLOADS_HPP

#include "ready_pool.hpp"

#include <cstddef>
#include <vector>

namespace bench {

/// Much data, to a worker and back. All sizes in bytes, all answers in seconds.
class payloads {
public:
    double argument(std::size_t size);
    double result(std::size_t size);

    /// A shared_buffer that the program has filled, until a worker has looked into it and said so.
    double shared_with_worker(std::size_t size);

    /// One that a worker has filled before, until the program has looked into it.
    double shared_by_worker(std::size_t size);

private:
    ready_pool one_{{.workers = 1}};
    std::vector<char> large_;
};

} // namespace bench

#endif
