// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// How evenly work is spread, in simulated time: no process, no clock.

#include <machines/scheduler.hpp>
#include <machines/seed.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <deque>
#include <numeric>
#include <random>
#include <stdexcept>
#include <vector>

using namespace procpool::machines;
using procpool::testing::first_seed;

namespace {

/// Workers that take a while for each task, and the pool that gives them tasks.
class simulation {
public:
    struct course {
        std::size_t workers;
        std::vector<std::uint64_t> durations;
        std::size_t tasks_ahead = 504;
        bool one_by_one = false;                       ///< the tasks are submitted one after another, else all at once
        std::uint64_t told_every = 0;                  ///< the pool sees answers only at multiples of this; 0: at once
        std::vector<std::uint64_t> arrivals = {};      ///< when each is submitted, ascending; empty: at once
        std::vector<int> priorities = {};              ///< of each; empty: all alike
        std::uint64_t allowance = scheduler::no_limit; ///< so many tasks, and a worker is replaced
    };

    std::uint64_t makespan = 0;
    std::vector<std::uint64_t> done;  ///< how many tasks each worker did
    std::vector<std::uint64_t> began; ///< when each task did
    std::size_t recalls = 0;
    std::size_t replaced = 0;
    std::uint64_t most_in_a_life = 0;

    explicit simulation(const course& how)
        : done(how.workers), began(how.durations.size()), how_(how), scheduler_({.tasks_ahead = how.tasks_ahead}),
          tasks_(how.durations.size()), workers_(how.workers) {
        for (std::uint32_t index = 0; index != workers_.size(); ++index)
            scheduler_.worker_ready(index, how_.allowance);
        for (std::size_t index = 0; index != tasks_.size(); ++index) {
            tasks_[index].id = index;
            if (!how_.priorities.empty())
                tasks_[index].priority = how_.priorities[index];
        }
        submit();
        while (!scheduler_.empty() || submitted_ != tasks_.size())
            next_moment();
    }

private:
    struct worker {
        std::deque<schedulable*> waits; ///< what it was sent and has not begun
        schedulable* runs = nullptr;
        std::uint64_t until = 0;
        std::deque<schedulable*> untold; ///< what it has done and the pool has not seen
        std::uint64_t sent = 0;          ///< in this life, and not taken back
    };

    /// All that arrives now.
    void submit() {
        while (submitted_ != tasks_.size() && (how_.arrivals.empty() || how_.arrivals[submitted_] <= now_)) {
            scheduler_.add(tasks_[submitted_++]);
            if (how_.one_by_one)
                settle();
        }
        settle();
    }

    void begin(worker& one) {
        if (one.runs || one.waits.empty())
            return;
        one.runs = one.waits.front();
        one.waits.pop_front();
        one.until = now_ + how_.durations[one.runs->id];
        began[one.runs->id] = now_;
    }

    void settle() {
        while (const auto next = scheduler_.next()) {
            worker& one = workers_[next->worker];
            if (next->kind == scheduler::action_kind::send) {
                one.waits.push_back(next->task);
                most_in_a_life = std::max(most_in_a_life, ++one.sent);
                begin(one);
            } else {
                ++recalls;
                const auto at = std::ranges::find(one.waits, next->task);
                const bool back = at != one.waits.end();
                if (back) {
                    one.waits.erase(at);
                    --one.sent;
                }
                scheduler_.recall_answered(*next->task, back);
            }
        }
    }

    void tell(worker& one) {
        for (schedulable* const task : one.untold)
            scheduler_.finished(*task);
        one.untold.clear();
        const auto index = static_cast<std::uint32_t>(&one - workers_.data());
        if (!scheduler_.used_up(index))
            return;
        // As a pool does it, but without losing any time.
        scheduler_.worker_leaving(index);
        scheduler_.worker_gone(index, [](schedulable&) -> scheduler::fate { throw std::logic_error("it had a task"); });
        scheduler_.worker_ready(index, how_.allowance);
        one.sent = 0;
        ++replaced;
    }

    void next_moment() {
        std::uint64_t next = ~std::uint64_t{0};
        for (const worker& one : workers_)
            if (one.runs)
                next = std::min(next, one.until);
        if (submitted_ != tasks_.size())
            next = std::min(next, how_.arrivals[submitted_]);
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
        submit();
    }

    const course how_;
    scheduler scheduler_;
    std::vector<schedulable> tasks_;
    std::vector<worker> workers_;
    std::size_t submitted_ = 0;
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

BOOST_AUTO_TEST_CASE(an_urgent_task_waits_for_nothing_but_what_runs_already) {
    // However many are sent ahead: it begins when the first worker finishes what it runs.
    for (const std::size_t workers : {1u, 2u, 7u}) {
        for (const std::size_t ahead : {1u, 2u, 16u, 504u}) {
            BOOST_TEST_CONTEXT(workers << " workers, " << ahead << " ahead") {
                constexpr std::size_t usual = 3000;
                constexpr std::size_t urgent = 40;
                simulation::course how{.workers = workers, .durations = {}, .tasks_ahead = ahead};
                how.durations.assign(usual + urgent, 10);
                how.arrivals.assign(usual + urgent, 0);
                how.priorities.assign(usual + urgent, 0);
                for (std::size_t index = 0; index != urgent; ++index) {
                    how.arrivals[usual + index] = 13 + index * 97;
                    how.priorities[usual + index] = 1 + static_cast<int>(index % 3);
                }
                const simulation ran(how);
                for (std::size_t index = usual; index != usual + urgent; ++index)
                    BOOST_TEST(ran.began[index] - how.arrivals[index] <= 10u);
                BOOST_TEST(sum(ran.done) == usual + urgent);
                const std::uint64_t all = 10 * (usual + urgent);
                if (all / workers > how.arrivals.back())
                    BOOST_TEST(ran.makespan * workers <= all + 10 * workers); // and nobody was idle for that
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(an_urgent_task_does_not_wait_behind_a_long_one_while_less_urgent_ones_begin) {
    simulation::course how{.workers = 2, .durations = std::vector<std::uint64_t>(53, 10)};
    how.durations[1] = 1000;
    how.arrivals.assign(53, 2);
    how.arrivals[0] = how.arrivals[1] = 0;
    how.arrivals[2] = 1;
    how.priorities.assign(53, 0);
    how.priorities[2] = 1;
    const simulation ran(how);
    BOOST_TEST(ran.began[2] == 10u); // when the worker with the short task is free
}

BOOST_AUTO_TEST_CASE(tasks_of_any_priorities_are_all_run_and_by_a_single_worker_the_more_urgent_ones_first) {
    const std::uint64_t first = first_seed();
    for (std::uint64_t story = 0; story != 200; ++story) {
        BOOST_TEST_CONTEXT("PROCPOOL_TEST_SEED=" << first << ", story " << story) {
            std::mt19937_64 random(first * 1000 + story);
            simulation::course how{
                .workers = 1 + random() % 2 * (random() % 6), .durations = {}, .tasks_ahead = 1 + random() % 60};
            how.durations.resize(1 + random() % 500);
            const std::uint64_t levels = 1 + random() % 5;
            const std::uint64_t period = 1 + random() % (3 * 10 * how.durations.size() / how.workers);
            for (auto& duration : how.durations) {
                duration = 1 + random() % 20;
                how.priorities.push_back(static_cast<int>(random() % levels));
                how.arrivals.push_back(random() % period);
            }
            std::ranges::sort(how.arrivals);
            const simulation ran(how);
            BOOST_TEST(sum(ran.done) == how.durations.size());
            // Each task asks back what was sent ahead at most once, and there is some evening out at the end.
            BOOST_TEST(ran.recalls <= how.durations.size() * (how.tasks_ahead + 20));
            if (how.workers != 1)
                continue;
            // Who is more urgent, and was there, has begun before, unless it was next at a worker that ran something.
            std::size_t passed = 0;
            for (std::size_t one = 0; one != how.durations.size(); ++one) {
                std::size_t less_urgent_first = 0;
                for (std::size_t other = 0; other != how.durations.size(); ++other)
                    less_urgent_first += how.priorities[other] < how.priorities[one] &&
                                                 ran.began[other] > how.arrivals[one] &&
                                                 ran.began[other] < ran.began[one]
                                             ? 1
                                             : 0;
                passed = std::max(passed, less_urgent_first);
            }
            BOOST_TEST(passed == 0u);
        }
    }
}

BOOST_AUTO_TEST_CASE(workers_that_are_replaced_after_some_tasks_do_no_more_than_these_and_all_together_do_all) {
    for (const std::uint64_t allowance : {1u, 2u, 10u, 1000u}) {
        for (const std::size_t workers : {1u, 2u, 7u}) {
            for (const std::size_t ahead : {1u, 16u, 504u}) {
                BOOST_TEST_CONTEXT(workers << " workers, " << ahead << " ahead, " << allowance << " allowed") {
                    std::mt19937_64 random(allowance);
                    simulation::course how{.workers = workers, .durations = {}, .tasks_ahead = ahead};
                    how.allowance = allowance;
                    for (int count = 0; count != 3000; ++count)
                        how.durations.push_back(1 + random() % 30);
                    const simulation ran(how);
                    BOOST_TEST(sum(ran.done) == 3000u);
                    BOOST_TEST(ran.most_in_a_life <= allowance);
                    BOOST_TEST(ran.replaced <= 3000 / allowance + 1);
                    BOOST_TEST(ran.replaced + workers >= 3000 / allowance);
                    BOOST_TEST(static_cast<double>(ran.makespan) <= ideal(how.durations, workers) + 30);
                }
            }
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
