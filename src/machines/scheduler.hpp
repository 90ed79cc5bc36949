// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_MACHINES_SCHEDULER_HPP
#define PROCPOOL_MACHINES_SCHEDULER_HPP

#include <machines/load_index.hpp>
#include <machines/task_list.hpp>
#include <machines/waiting_queue.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace procpool::machines {

/// Decides which task goes to which worker, and when one is moved to another.
/**
 * Knows neither processes nor time: it is told what happened and answers what to do. After telling it something, call
 * next() and do what it says until it says nothing more.
 *
 * - A task that waits goes to an idle worker first. When none is idle, tasks are sent ahead, evenly, so that a worker
 *   that finishes one has the next at hand: waiting for the pool's answer is what makes short tasks slow.
 * - When the queue is empty and a worker is idle, half of what waits behind another worker's running task is asked back
 *   and goes to the idle one. So being sent ahead never makes a task wait for a long one while a worker has nothing to do.
 * - When a task waits that is more urgent than some that were sent ahead, those are asked back, and it goes first. When one
 *   that was sent ahead waits behind a long one, it is fetched from there before a less urgent one is begun elsewhere.
 * - Nothing more is sent ahead to a worker from which something was taken back until it finishes a task.
 */
class scheduler {
public:
    struct limits {
        std::size_t tasks_ahead;                        ///< so many tasks may be with one worker
        std::size_t bytes_ahead = std::size_t{1} << 20; ///< so many bytes; every task has some, and may have more
    };

    enum class action_kind : std::uint8_t { send, recall };

    struct action {
        action_kind kind;
        std::uint32_t worker;
        schedulable* task;
    };

    /// What becomes of a task whose worker is gone.
    enum class fate : std::uint8_t {
        again, ///< it had not begun: back to the front of the queue
        over,  ///< it is not the scheduler's any more
    };

    static constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

    explicit scheduler(limits bounds) : limits_(bounds), open_(std::max<std::size_t>(bounds.tasks_ahead, 1)) {}

    // What happened.

    void add(schedulable& task);

    /// A task that is to be next of all those as urgent.
    void add_in_front(schedulable& task);

    /// A worker that was not.
    /// @param allowance so many items may be sent to the worker; the last task may stand for more than are left of them
    void worker_ready(std::uint32_t worker, std::uint64_t allowance = no_limit);

    /// The worker is about to end: it is given nothing more. What it has stays with it until worker_gone().
    void worker_leaving(std::uint32_t worker);

    /// The worker is given nothing more for now. What it has stays with it.
    void worker_held(std::uint32_t worker) { worker_leaving(worker); }
    void worker_released(std::uint32_t worker);

    /// The task's result came. It is not the scheduler's any more.
    void finished(schedulable& task);

    /// The answer to a recall. If it was not begun, it waits again, at the front, unless it was cancelled: then it is
    /// not the scheduler's any more, and the answer is false. If it was, all that were sent to the worker before it were
    /// begun, too: a worker takes them in that order.
    bool recall_answered(schedulable& task, bool was_not_begun);

    enum class cancel_answer : std::uint8_t {
        removed,  ///< it waited, and is not the scheduler's any more
        recall,   ///< it is with a worker: ask it back, then tell recall_answered()
        started,  ///< it is known to run
        recalled, ///< it is being asked back already
    };
    cancel_answer cancel(schedulable& task);

    /// Somebody wants a task back from its worker. False if it is asked back already, or known to have begun.
    bool ask_back(schedulable& task);

    /// The worker is gone. `decide(task)` is asked for each task that it had, in the order in which they were sent.
    template <class Decide>
    void worker_gone(std::uint32_t worker, Decide decide) {
        task_list had = forget_worker(worker);
        task_list again;
        while (schedulable* task = had.pop_front()) {
            task->state = task_state::fresh;
            if (decide(*task) == fate::again)
                again.push_back(*task);
        }
        put_back(again);
    }

    /// Takes a task from the queue, whichever is next; null when none waits.
    schedulable* take_waiting();

    // What to do.

    std::optional<action> next();

    // What is the case.

    std::size_t waiting() const noexcept { return queue_.size(); }
    std::size_t with_workers() const noexcept { return with_workers_; }
    std::size_t ready_workers() const noexcept { return ready_; }
    std::size_t idle_workers() const noexcept { return idle_.size(); }
    std::size_t busy_workers() const noexcept { return ready_ - idle_.size(); }
    bool empty() const noexcept { return queue_.empty() && with_workers_ == 0; }
    /// Whether the worker was sent all that it may be sent, and has finished it.
    bool used_up(std::uint32_t worker) const {
        const worker_entry& one = workers_[worker];
        return one.ready && one.used_up() && one.tasks.empty();
    }
    const task_list& tasks_of(std::uint32_t worker) const {
        static const task_list none;
        return worker < workers_.size() ? workers_[worker].tasks : none;
    }

private:
    struct worker_entry {
        task_list tasks;
        std::size_t bytes = 0;
        std::size_t recallable = 0; ///< how many of them are in state `sent`
        std::uint64_t allowance = no_limit;
        std::uint64_t given =
            0; ///< so many items were sent to it and not taken back; the last task may exceed the allowance
        bool ready = false;
        /// Something was taken back from it since it last finished a task. What was sent is still on its way to the
        /// worker, unread; so nothing more is sent ahead, or a worker with a long task could be sent things without end.
        bool has_unread = false;

        bool used_up() const noexcept { return given >= allowance; }
    };

    std::size_t behind(const worker_entry& worker) const noexcept;
    action send(std::uint32_t worker);
    void detach(schedulable& task);
    void note_started_before(const schedulable& begun) noexcept;
    void note_urgency(const schedulable& task) noexcept;
    std::optional<action> make_way();
    std::optional<action> fetch_urgent();
    bool would_pass_by(const schedulable& task, std::uint32_t at) const noexcept;
    void may_be_idle(std::uint32_t worker);
    void reconsider(std::uint32_t worker);
    std::optional<action> send_ahead();
    std::optional<action> rebalance();
    task_list forget_worker(std::uint32_t worker);
    void put_back(task_list& tasks);

    limits limits_;
    waiting_queue queue_;
    std::vector<worker_entry> workers_;
    std::vector<std::uint32_t> idle_;
    load_index open_; ///< those that have something and may be sent more, if it is not too large
    std::size_t ready_ = 0;
    std::size_t with_workers_ = 0;
    std::size_t with_leaving_ = 0; ///< of those, how many are with workers that are given nothing more

    // No task that was sent ahead is less urgent than this. It may be that none is as little urgent.
    int least_urgent_sent_ = std::numeric_limits<int>::max();
    bool make_way_ = false; ///< a task waits that is more urgent
    // None behind a worker's first is more urgent than this. It may be that none is as urgent.
    int most_urgent_sent_ = std::numeric_limits<int>::min();

    // A rebalancing under way: so many tasks are still to be asked back from this worker.
    std::uint32_t recall_from_ = 0;
    std::size_t to_recall_ = 0;
    std::size_t recalls_unanswered_ = 0;
};

} // namespace procpool::machines

#endif
