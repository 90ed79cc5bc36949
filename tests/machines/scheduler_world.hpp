// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_MACHINES_SCHEDULER_WORLD_HPP
#define PROCPOOL_TESTS_MACHINES_SCHEDULER_WORLD_HPP

#include <machines/scheduler.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace procpool::testing {

/// A scheduler with a model of the pool around it: workers that begin and finish what they were sent, somebody who cancels.
/**
 * Whatever happens is told to the scheduler, and each of its answers is compared with what the model says must come: by
 * which rules tasks are sent and asked back, in which order, and what has to be the case when it has nothing more to do.
 * If something is wrong, it throws an error that says what and tells the whole story until then.
 */
class world {
public:
    struct course {
        std::size_t workers;
        std::size_t tasks;
        machines::scheduler::limits bounds;
        bool recalls_answered_at_once = true;  ///< as with a ledger; else it is an event of its own
        bool cancels = true;                   ///< tasks may be called off
        bool asks_back = false;                ///< somebody may want single tasks back
        bool leaves = true;                    ///< workers may be about to end
        bool dies = true;                      ///< workers may be gone
        bool takes_waiting = false;            ///< what waits may be taken away
        bool holds = false;                    ///< workers may be given nothing more for a while
        bool adds_in_front = false;            ///< tasks may be submitted as the next of those as urgent
        std::vector<std::size_t> sizes = {};   ///< of the tasks, in bytes, over and over; empty: 1
        std::vector<int> priorities = {};      ///< of the tasks, over and over; empty: 0
        std::vector<std::uint32_t> items = {}; ///< that the tasks stand for, over and over; empty: 1
        std::uint64_t allowance = machines::scheduler::no_limit; ///< so many items may be sent to each worker
    };

    enum class happening : std::uint8_t {
        add,           ///< task `index` is submitted
        add_in_front,  ///< the same, before all that are as urgent
        ready,         ///< worker `index`
        leaving,       ///< worker `index`
        held,          ///< worker `index`
        released,      ///< worker `index`
        gone,          ///< worker `index`; what it had not begun is done again
        gone_retrying, ///< worker `index`; all that it had is done again
        gone_with_all, ///< worker `index`; nothing that it had is done again
        begin,         ///< worker `index` begins its next task, which nobody is told
        finish,        ///< task `index`
        answer,        ///< to the recall of task `index`, as the truth is
        cancel,        ///< task `index`
        ask_back,      ///< task `index`
        take,          ///< the first that waits
    };

    struct event {
        happening what;
        std::uint32_t index;
    };

    explicit world(const course& how);
    world(const world&) = delete;
    world& operator=(const world&) = delete;

    /// All that may happen now.
    std::vector<event> possible() const;

    /// Lets it happen, and does all that the scheduler then wants. Without `look` only the model is kept up to date.
    void happen(event now, bool look = true);

    /// Lets all tasks come to their end, and looks whether each came to one. The world is over then.
    void finish_all();

    /// All that can be seen of where everything stands, as a key.
    std::string state() const;

private:
    enum class place : std::uint8_t { outside, queued, sent, recalled, started, over };

    struct task : machines::schedulable {
        place where = place::outside;
        bool begun = false;
        int runs = 0; ///< how often it was begun
        int allowed_runs = 1;
        int sends_now = 0; ///< since the last event
        int recalls_now = 0;
    };

    struct worker {
        bool ready = false;
        bool alive = false;
        bool held = false;
        std::uint64_t given = 0; ///< so many items were sent to it since it became ready, and not taken back
        bool has_unread = false; ///< a task was taken back from it and it has finished none since
        std::deque<task*> tasks;
        std::size_t bytes() const;
    };

    void tell(event now);
    void queue_back(task& waiting);
    void queue_front(task& waiting);
    void settle();
    void on_send(std::uint32_t to, task& sent);
    void on_recall(std::uint32_t from, task& recalled);
    void expect_rebalancing(std::uint32_t from);
    void answer(task& recalled);
    void bury(std::uint32_t index, happening how);
    void take_from_worker(task& gone);
    void compare() const;
    void compare_counts() const;
    void compare_lists() const;
    void check_nothing_to_do() const;
    std::size_t behind(const worker& of) const;
    std::size_t ready_workers() const;
    std::size_t with_workers() const;
    /// How many tasks each ready worker would have if they had all that is to be done among them.
    std::size_t share() const;
    std::size_t unanswered() const;
    bool may_be_given(const worker& one) const { return one.ready && one.given < course_.allowance; }
    bool is_idle(const worker& one) const { return may_be_given(one) && one.tasks.empty(); }
    bool is_used_up(const worker& one) const { return one.ready && !may_be_given(one) && one.tasks.empty(); }
    bool some_idle() const;
    bool has_room(const worker& in, const task& for_it) const;
    void require(bool holds, const char* what) const {
        if (!holds)
            fail(what);
    }
    [[noreturn]] void fail(const std::string& what) const;

    const course course_;
    machines::scheduler scheduler_;
    std::vector<task> tasks_;
    std::vector<worker> workers_;
    std::deque<task*> queue_;
    std::size_t added_ = 0;
    std::uint32_t workers_known_ = 0;
    std::size_t left_in_round_ = 0; ///< so many must still be asked back
    std::uint32_t round_from_ = 0;
    std::vector<event> story_;
};

} // namespace procpool::testing

#endif
