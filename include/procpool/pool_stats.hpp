// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_POOL_STATS_HPP
#define PROCPOOL_POOL_STATS_HPP

#include <cstddef>
#include <cstdint>

namespace procpool {

/// What a pool holds and has done, as of one moment.
/**
 * A task is one call, or one chunk of a batch. `tasks_submitted` is always the sum of the tasks that wait, are with
 * workers, completed, failed and were cancelled.
 */
struct pool_stats {
    std::size_t workers_starting = 0; ///< launched, not yet ready
    std::size_t workers_idle = 0;     ///< ready, without a task
    std::size_t workers_busy = 0;     ///< ready, with at least one task

    std::size_t tasks_waiting = 0;      ///< in the queue
    std::size_t tasks_with_workers = 0; ///< running, or sent ahead to a worker

    std::uint64_t tasks_submitted = 0; ///< accepted or refused, since the pool was made
    std::uint64_t tasks_completed = 0; ///< over, with a result
    std::uint64_t tasks_failed = 0;    ///< over, with an exception of the task or an error of the pool
    std::uint64_t tasks_cancelled = 0; ///< over, called off by the program

    std::uint64_t workers_started = 0; ///< launches since the pool was made
    std::uint64_t workers_died = 0;    ///< ended though nobody wanted it, before or after they were ready
};

} // namespace procpool

#endif
