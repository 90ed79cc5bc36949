// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_WORKER_SERVE_HPP
#define PROCPOOL_WORKER_SERVE_HPP

#include <system/worker_process.hpp>

#include <optional>

namespace procpool::worker {

/// A worker's life: says hello, and runs one task after the other until the pool has no more for it.
/**
 * @return the exit code
 */
int serve(system::worker_channel channel);

/// A fork server's life: says hello, runs the preload if there is one, and forks a worker for each order. Ends the process when
/// the pool has no more for it.
/**
 * @return in each worker that is forked: its channel
 */
std::optional<system::worker_channel> serve_forks(system::fork_server_channel channel);

} // namespace procpool::worker

#endif
