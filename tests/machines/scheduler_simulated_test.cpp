// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// How evenly work is spread, in simulated time: no process, no clock.

#include <machines/scheduler.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <deque>
#include <numeric>
#include <random>
#include <stdexcept>
#include <vector>

using namespace procpool::machines;

namespace {

/// Workers that take a while for each task, and the pool that gives them tasks.
class simulation {
public:
    struct course {
        std::size_t workers;
        std::vector<std::uint64_t> durations;
        std::size_t tasks_ahead = 504;
        bool one_by_one = false;      ///< the tasks are submitted one after another, else all at once
        std::uint64_t told_every = 0; ///< the pool sees answers only at multiples of this; 0: at once
    };

    std::uint64_t makespan = 0;
    std::vector<std::uint64_t> done; ///< how many tasks each worker did

    explicit simulation(const course& how)
        : done(how.workers), how_(how), scheduler_({.tasks_ahead = how.tasks_ahead}), tasks_(how.durations.size()),
          workers_(how.workers) {
        for (std::uint32_t index = 0; index != workers_.size(); ++index)
            scheduler_.worker_ready(index);
        for (std::size_t index = 0; index != tasks_.size(); ++index) {
            tasks_[index].id = index;
            scheduler_.add(tasks_[index]);
            if (how_.one_by_one)
                settle();
        }
        settle();
        while (!scheduler_.empty())
            next_moment();
    }

private:
    struct worker {
        std::deque<schedulable*> waits; ///< what it was sent and has not begun
        schedulable* runs = nullptr;
        std::uint64_t until = 0;
        std::deque<schedulable*> untold; ///< what it has done and the pool has not seen
    };

    void begin(worker& one) {
        if (one.runs || one.waits.empty())
            return;
        one.runs = one.waits.front();
        one.waits.pop_front();
        one.until = now_ + how_.durations[one.runs->id];
    }

    void settle() {
        while (const auto next = scheduler_.next()) {
            worker& one = workers_[next->worker];
            if (next->kind == scheduler::action_kind::send) {
                one.waits.push_back(next->task);
                begin(one);
            } else {
                const auto at = std::ranges::find(one.waits, next->task);
                const bool back = at != one.waits.end();
                if (back)
                    one.waits.erase(at);
                scheduler_.recall_answered(*next->task, back);
            }
        }
    }

    void tell(worker& one) {
        for (schedulable* const task : one.untold)
            scheduler_.finished(*task);
        one.untold.clear();
    }

    void next_moment() {
        std::uint64_t next = ~std::uint64_t{0};
        for (const worker& one : workers_)
            if (one.runs)
                next = std::min(next, one.until);
        const bool some_untold = std::ranges::any_of(workers_, [](const worker& one) { return !one.untold.empty(); });
        if (some_untold)
            next = std::min(next, (now_ / how_.told_every + 1) * how_.told_every);
        if (next == ~std::uint64_t{0})
            throw std::logic_error("tasks wait and no worker does anything");
        now_ = next;
        for (std::size_t index = 0; index != workers_.size(); ++index) {
            worker& one = workers_[index];
            if (!one.runs || one.until != now_)
                continue;
            ++done[index];
            one.untold.push_back(one.runs);
            one.runs = nullptr;
            makespan = now_;
            begin(one);
            if (how_.told_every == 0) {
                tell(one);
                settle();
            }
        }
        if (how_.told_every != 0 && now_ % how_.told_every == 0) {
            for (worker& one : workers_)
                tell(one);
            settle();
        }
    }

    const course how_;
    scheduler scheduler_;
    std::vector<schedulable> tasks_;
    std::vector<worker> workers_;
    std::uint64_t now_ = 0;
};

std::uint64_t sum(const std::vector<std::uint64_t>& durations) {
    return std::accumulate(durations.begin(), durations.end(), std::uint64_t{0});
}

/// What no order can beat.
double ideal(const std::vector<std::uint64_t>& durations, std::size_t workers) {
    return std::max(static_cast<double>(*std::ranges::max_element(durations)),
                    static_cast<double>(sum(durations)) / static_cast<double>(workers));
}

} // namespace

BOOST_AUTO_TEST_SUITE(scheduler_simulated)

BOOST_AUTO_TEST_CASE(ten_thousand_equal_tasks_are_spread_within_one_task_of_even) {
    for (const std::size_t workers : {1u, 2u, 7u}) {
        for (const std::size_t ahead : {1u, 2u, 16u, 504u}) {
            for (const bool one_by_one : {false, true}) {
                BOOST_TEST_CONTEXT(workers << " workers, " << ahead << " ahead, one by one: " << one_by_one) {
                    const simulation ran({.workers = workers,
                                          .durations = std::vector<std::uint64_t>(10000, 10),
                                          .tasks_ahead = ahead,
                                          .one_by_one = one_by_one});
                    const auto [least, most] = std::ranges::minmax(ran.done);
                    BOOST_TEST(most - least <= 1);
                    BOOST_TEST(sum(ran.done) == 10000u);
                    BOOST_TEST(ran.makespan == (10000 + workers - 1) / workers * 10);
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_few_tasks_on_many_workers_run_all_at_once) {
    for (std::size_t tasks = 1; tasks <= 7; ++tasks) {
        const simulation ran({.workers = 7, .durations = std::vector<std::uint64_t>(tasks, 10)});
        BOOST_TEST(ran.makespan == 10u);
    }
}

BOOST_AUTO_TEST_CASE(a_long_task_in_front_of_ten_thousand_short_ones_holds_none_of_them_up) {
    for (const std::uint64_t length : {100u, 5000u, 9000u, 10000u, 20000u}) {
        for (const std::size_t ahead : {2u, 16u, 504u}) {
            for (const bool one_by_one : {false, true}) {
                BOOST_TEST_CONTEXT("a task as long as " << length << ", " << ahead << " ahead") {
                    std::vector<std::uint64_t> durations(10001, 10);
                    durations[0] = length * 10;
                    const simulation ran(
                        {.workers = 2, .durations = durations, .tasks_ahead = ahead, .one_by_one = one_by_one});
                    BOOST_TEST(static_cast<double>(ran.makespan) <= 1.05 * ideal(durations, 2));
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(long_tasks_anywhere_hold_nothing_up_although_the_pool_learns_of_answers_late) {
    for (const std::size_t workers : {2u, 7u}) {
        for (std::uint64_t seed = 1; seed <= 10; ++seed) {
            BOOST_TEST_CONTEXT(workers << " workers, seed " << seed) {
                std::mt19937_64 random(seed);
                std::vector<std::uint64_t> durations(10000, 10);
                for (int count = 0; count != 5; ++count)
                    durations[random() % 9000] = 4000;
                const simulation ran({.workers = workers, .durations = durations, .told_every = 100});
                BOOST_TEST(static_cast<double>(ran.makespan) <= 1.05 * ideal(durations, workers) + 4000);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(no_worker_is_ever_idle_while_a_task_has_not_begun) {
    // If that holds, the last task begins when all workers are busy, so the whole takes no longer than the even share of
    // the rest and that task (Graham 1966).
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            std::mt19937_64 random(seed);
            const std::size_t workers = 1 + random() % 8;
            std::vector<std::uint64_t> durations(1 + random() % 400);
            for (auto& duration : durations)
                duration = 1 + (random() % 20 == 0 ? random() % 2000 : random() % 30);
            const simulation ran({.workers = workers,
                                  .durations = durations,
                                  .tasks_ahead = 1 + random() % 60,
                                  .one_by_one = random() % 2 == 0});
            const std::uint64_t longest = *std::ranges::max_element(durations);
            BOOST_TEST(ran.makespan * workers <= sum(durations) + (workers - 1) * longest);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
