// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_WORKER_WORKER_MODE_HPP
#define PROCPOOL_WORKER_WORKER_MODE_HPP

#include <cstddef>

namespace procpool::worker {

/// What this process is, as far as procpool knows. Set by procpool::init.
struct process_role {
    bool init_was_called = false;
    bool is_worker = false;
    std::size_t index = 0; ///< of a worker
};

// Kept apart from init itself, so that a program which makes pools but never calls init does not have it linked in: that is
// how such a program, started as a worker, is told apart before its main runs.
process_role& role() noexcept;

/// Whether the last of the program's arguments says that it is to be a worker.
bool asked_to_be_worker(int argc, const char* const* argv) noexcept;

/// The same for a pool's fork server.
bool asked_to_be_fork_server(int argc, const char* const* argv) noexcept;

} // namespace procpool::worker

#endif
