// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_WORKER_SERVE_HPP
#define PROCPOOL_WORKER_SERVE_HPP

#include <system/worker_process.hpp>

namespace procpool::worker {

/// A worker's life: says hello, and runs one task after the other until the pool has no more for it.
/**
 * @return the exit code
 */
int serve(system::worker_channel channel);

} // namespace procpool::worker

#endif
