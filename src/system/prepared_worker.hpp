// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_PREPARED_WORKER_HPP
#define PROCPOOL_SYSTEM_PREPARED_WORKER_HPP

#include <procpool/output.hpp>

#include <system/channel.hpp>
#include <system/descriptor_channel.hpp>
#include <system/descriptor_plan.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace procpool::system {

/// What to start as a worker on this machine.
struct worker_command {
    std::filesystem::path program;
    std::vector<std::string> arguments; ///< from argv[0] on; the worker's own argument is added
    int pipe_size = 64 * 1024;
    output standard_output = output::inherit;
    output standard_error = output::inherit;
    int orders = -1; ///< for a fork server: the socket by which it gets its orders
};

/// Both ends of all that a worker and its pool have between them. It is there before the worker's process is.
struct prepared_worker {
    shared_mapping shared = shared_mapping::create();
    pipe_ends calls;
    pipe_ends answers;
    pipe_ends printed;    ///< if standard output is captured
    pipe_ends complained; ///< if standard error is
    descriptor_channel_ends descriptor_channel;
    descriptor_plan descriptors;

    /// Gives up the worker's ends, once it has them.
    void close_workers_ends() noexcept;
};

/// Throws boost::system::system_error.
/**
 * @param own_process a descriptor from open_own_process()
 */
prepared_worker prepare_worker(const worker_command& command, int own_process);

/// A process that runs already: a child of this one, which leads a process group of its own.
struct started_process {
    pid_t pid = -1;
    unique_fd pidfd;
    std::size_t own_size = 0; ///< how much memory it began with at most, before it became what it is
};

} // namespace procpool::system

#endif
