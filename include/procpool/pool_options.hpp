// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_POOL_OPTIONS_HPP
#define PROCPOOL_POOL_OPTIONS_HPP

#include <procpool/available_parallelism.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace procpool {

/// How a pool is to be. An aggregate: name what differs from the defaults.
/**
 * @code
 * procpool::process_pool pool(io_context, {.workers = 4});
 * @endcode
 */
struct pool_options {
    /// How many workers run tasks at the same time; from 1 to 4096.
    std::size_t workers = available_parallelism();

    /// The program that a worker runs. Empty: this very program, even if its file was replaced since it was started.
    /**
     * Anything else has to end up as the same build of this program with the arguments that it was given at the end of
     * its own: a wrapper such as `numactl` or `valgrind`, for which `worker_args` then names the program. A name
     * without a slash is looked for in PATH.
     */
    std::filesystem::path worker_program = {};

    /// Arguments for the worker's program, before the one by which the worker knows that it is one.
    std::vector<std::string> worker_args = {};
};

} // namespace procpool

#endif
