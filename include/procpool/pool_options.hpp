// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_POOL_OPTIONS_HPP
#define PROCPOOL_POOL_OPTIONS_HPP

#include <procpool/available_parallelism.hpp>
#include <procpool/bound_call.hpp>
#include <procpool/output.hpp>
#include <procpool/start_method.hpp>
#include <procpool/worker_event.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
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

    /// So many workers are always there; further ones, up to `workers`, are started when there are more tasks than workers, and
    /// end when they have been idle for a while. At most `workers`.
    std::size_t min_workers = workers;

    /// How long a worker above `min_workers` may be idle before it ends.
    std::chrono::milliseconds idle_timeout = std::chrono::seconds(30);

    /// How workers are started.
    start_method method = start_method::spawn;

    /// Runs in each worker before any task, also in those that replace others: `procpool::bind(f, args...)`.
    /**
     * If it throws, or its worker dies of it, that worker is of no use. When no other is there, the operations that wait fail
     * with `errc::initializer_failed`, which carries the exception as a nested one (std::rethrow_if_nested), and it is tried
     * again for later ones. It may take as long as `task_timeout` allows, so by default for ever.
     */
    bound_call initializer = {};

    /// A worker is replaced after so many tasks; each item of a batch counts as one. 0: no limit.
    /**
     * A chunk of a batch is finished where it was begun, so a worker may come to run some more.
     */
    std::size_t max_tasks_per_worker = 0;

    /// A worker that has more bytes resident when a task is over is replaced. 0: no limit.
    std::size_t max_memory_per_worker = 0;

    /// How long any task may run; see submission::timeout, by which a single one can be given another limit. 0: no limit.
    std::chrono::milliseconds task_timeout{0};

    /// How long a task that is asked to stop gets for it, and then, after SIGTERM, until SIGKILL.
    std::chrono::milliseconds kill_grace = std::chrono::seconds(1);

    /// So many operations may be under way; one more fails with `errc::queue_full`. 0: no limit.
    /**
     * A batch, and a stream, counts as one. process_pool::wait_for_room() waits until there are fewer.
     */
    std::size_t max_pending = 0;

    /// What becomes of what workers write to standard output.
    output standard_output = output::inherit;

    /// What becomes of what workers write to standard error. If it is captured, the last lines stand in the post_mortem of a
    /// worker that dies.
    output standard_error = output::inherit;

    /// Called with each line of what is captured, on the pool's executor.
    /**
     * It is not called twice at the same time, nor at the same time as on_event. The lines of one stream of one worker come in
     * order; a line may come before or after the result of the task that wrote it. As long as it does not return, the pool
     * reads no more of that stream: a worker that writes much then waits. What a worker had written when it died is read first.
     * Once the pool is destroyed it is not called any more, though a call may still be under way in another thread that runs
     * the executor. What it throws comes out of the context's `run()`; on the thread of a pool that has one, that ends the
     * program.
     */
    std::function<void(const output_line&)> on_output = {};

    /// Called when a worker was started, is ready, has ended, or was replaced, on the pool's executor.
    /**
     * It is not called twice at the same time, nor at the same time as on_output; events come in the order in which they
     * happened. Once the pool is destroyed it is not called any more, so the last workers' end is only told if join() or
     * shutdown() was awaited, which complete after that. What it throws is dealt with as for on_output.
     */
    std::function<void(const worker_event&)> on_event = {};

    /// The program that a worker runs. Empty: this very program, even if its file was replaced since it was started.
    /**
     * Anything else has to end up as the same build of this program with the arguments that it was given at the end of
     * its own: a wrapper such as `numactl` or `valgrind`, for which `worker_args` then names the program. A name
     * without a slash is looked for in PATH.
     */
    std::filesystem::path worker_program = {};

    /// Arguments for the worker's program, before the one by which the worker knows that it is one.
    std::vector<std::string> worker_args = {};

    /// Runs once in the fork server, before any worker is forked: `procpool::bind(f, args...)`. With start_method::forkserver
    /// alone; else the pool's constructor throws std::invalid_argument.
    /**
     * What it leaves in memory, all workers have from their beginning, and share until one of them writes to it. So do they
     * have the descriptors that it leaves open. It must not leave threads running, since a forked process has none but the one
     * that forks; that is refused with `errc::worker_start_failed`. Handlers of signals that it installs, and functions that it
     * gives to `pthread_atfork`, do not run in workers; those that it gives to `atexit` run at the end of each.
     *
     * If it throws, or the fork server dies of it, operations fail as with an initializer, with `errc::initializer_failed`. It
     * may take as long as `task_timeout` allows, so by default for ever. Should the fork server die later, workers go on; it is
     * started again, and the preload run again, when the next worker is to be started. Workers that are alive then do not
     * notice.
     *
     * What it prints and is captured comes with the worker's index `workers`. What it leaves in memory counts as each worker's
     * for `max_memory_per_worker`.
     */
    bound_call preload = {};

    /// How long a worker that has run a task looks out for the next one before it sleeps, and how long a thread that runs the
    /// pool's executor looks out for the result of what it has just sent. 0: neither does.
    /**
     * To wake a thread takes longer than a short task: for tasks that come one at a time, each awaited before the next, some
     * ten microseconds' looking out makes a round several times as fast. It costs processor time: for so long after its last
     * task a worker uses one CPU without need. While a result is looked out for, the executor's other handlers go on running,
     * in between. Where this process may use one CPU only nobody ever looks out, and the executor's thread does not while as
     * many workers have tasks as there are CPUs. See doc/design/spinning.md for figures.
     */
    std::chrono::microseconds spin{0};
};

} // namespace procpool

#endif
