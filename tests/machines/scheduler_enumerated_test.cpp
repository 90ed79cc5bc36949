// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// All that can happen to a few tasks and workers, in every order.

#include <machines/scheduler_world.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <unordered_set>
#include <vector>

using namespace procpool::testing;

namespace {

using path = std::vector<world::event>;

/// Visits every state that can be reached, each by every last event, and lets everything come to an end from each.
std::size_t explore(const world::course& course) {
    std::unordered_set<std::string> seen;
    std::vector<path> edge{path{}};
    std::size_t visits = 0;
    while (!edge.empty()) {
        std::vector<path> next_edge;
        for (path& way : edge) {
            // Tasks are linked through themselves, so a world cannot be copied, but made again.
            std::vector<world::event> possible;
            {
                world here(course);
                for (const auto event : way)
                    here.happen(event, false);
                possible = here.possible();
            }
            for (const auto event : possible) {
                world there(course);
                for (const auto past : way)
                    there.happen(past, false);
                there.happen(event);
                ++visits;
                // What cannot be seen, such as whose turn it is, depends on the past: the last event stands for that.
                std::string key = there.state();
                key.push_back(static_cast<char>('a' + static_cast<int>(event.what)));
                key.push_back(static_cast<char>('0' + event.index));
                if (!seen.insert(std::move(key)).second)
                    continue;
                there.finish_all();
                next_edge.push_back(way);
                next_edge.back().push_back(event);
            }
        }
        edge = std::move(next_edge);
    }
    BOOST_TEST_MESSAGE(seen.size() << " states, " << visits << " visits");
    return seen.size();
}

/// Every sequence of events up to a length, without regard to whether it leads to a known state.
std::size_t walk(const world::course& course, path& way, std::size_t steps) {
    std::vector<world::event> possible;
    {
        world here(course);
        for (std::size_t index = 0; index != way.size(); ++index)
            here.happen(way[index], index + 1 == way.size());
        possible = here.possible();
        if (steps == 0) {
            here.finish_all();
            return 1;
        }
    }
    std::size_t count = 1;
    for (const auto event : possible) {
        way.push_back(event);
        count += walk(course, way, steps - 1);
        way.pop_back();
    }
    return count;
}

} // namespace

BOOST_AUTO_TEST_SUITE(scheduler_enumerated)

BOOST_AUTO_TEST_CASE(two_workers_and_three_tasks_keep_all_rules_when_recalls_are_answered_at_once) {
    BOOST_TEST(explore({.workers = 2, .tasks = 3, .bounds = {.tasks_ahead = 2}}) > 1000u);
}

BOOST_AUTO_TEST_CASE(two_workers_and_three_tasks_keep_all_rules_when_recalls_are_answered_later) {
    BOOST_TEST(explore({.workers = 2, .tasks = 3, .bounds = {.tasks_ahead = 2}, .recalls_answered_at_once = false}) >
               1000u);
}

BOOST_AUTO_TEST_CASE(two_workers_and_three_tasks_keep_all_rules_when_any_task_may_be_asked_back) {
    BOOST_TEST(explore({.workers = 2,
                        .tasks = 3,
                        .bounds = {.tasks_ahead = 2},
                        .recalls_answered_at_once = false,
                        .cancels = false,
                        .asks_back = true,
                        .leaves = false,
                        .takes_waiting = true}) > 1000u);
}

BOOST_AUTO_TEST_CASE(two_workers_and_four_tasks_keep_all_rules_while_workers_die) {
    BOOST_TEST(explore({.workers = 2, .tasks = 4, .bounds = {.tasks_ahead = 3}, .cancels = false, .leaves = false}) >
               1000u);
}

BOOST_AUTO_TEST_CASE(one_worker_and_four_tasks_keep_all_rules_when_any_task_may_be_asked_back) {
    BOOST_TEST(explore({.workers = 1,
                        .tasks = 4,
                        .bounds = {.tasks_ahead = 4},
                        .recalls_answered_at_once = false,
                        .cancels = false,
                        .asks_back = true,
                        .leaves = false}) > 100u);
}

BOOST_AUTO_TEST_CASE(three_workers_and_four_tasks_keep_all_rules_while_nobody_dies) {
    BOOST_TEST(explore({.workers = 3,
                        .tasks = 4,
                        .bounds = {.tasks_ahead = 3},
                        .recalls_answered_at_once = false,
                        .cancels = false,
                        .leaves = false,
                        .dies = false}) > 1000u);
}

BOOST_AUTO_TEST_CASE(tasks_of_different_sizes_keep_all_rules) {
    BOOST_TEST(explore({.workers = 2,
                        .tasks = 4,
                        .bounds = {.tasks_ahead = 4, .bytes_ahead = 4},
                        .cancels = false,
                        .leaves = false,
                        .dies = false,
                        .sizes = {3, 1, 6, 2}}) > 100u);
}

BOOST_AUTO_TEST_CASE(tasks_of_two_priorities_keep_all_rules) {
    for (const bool at_once : {true, false}) {
        for (const std::vector<int>& priorities : {std::vector<int>{0, 0, 1}, {0, 1, 0}, {0, 1, 1}}) {
            BOOST_TEST(explore({.workers = 2,
                                .tasks = 3,
                                .bounds = {.tasks_ahead = 3},
                                .recalls_answered_at_once = at_once,
                                .leaves = false,
                                .priorities = priorities}) > 1000u);
        }
    }
}

BOOST_AUTO_TEST_CASE(one_worker_and_tasks_of_three_priorities_keep_all_rules) {
    for (const bool at_once : {true, false}) {
        BOOST_TEST(explore({.workers = 1,
                            .tasks = 5,
                            .bounds = {.tasks_ahead = 4},
                            .recalls_answered_at_once = at_once,
                            .cancels = false,
                            .leaves = false,
                            .dies = false,
                            .adds_in_front = true,
                            .priorities = {0, 0, 1, 2, 1}}) > 100u);
    }
}

BOOST_AUTO_TEST_CASE(workers_that_are_held_for_a_while_keep_all_rules) {
    for (const std::vector<int>& priorities : {std::vector<int>{0}, {0, 0, 1}}) {
        BOOST_TEST(explore({.workers = 2,
                            .tasks = 3,
                            .bounds = {.tasks_ahead = 3},
                            .cancels = false,
                            .leaves = false,
                            .dies = false,
                            .holds = true,
                            .priorities = priorities}) > 1000u);
    }
}

BOOST_AUTO_TEST_CASE(workers_that_are_allowed_a_few_items_keep_all_rules) {
    for (const std::uint64_t allowance : {1u, 2u, 3u}) {
        for (const bool at_once : {true, false}) {
            BOOST_TEST(explore({.workers = 2,
                                .tasks = 4,
                                .bounds = {.tasks_ahead = 3},
                                .recalls_answered_at_once = at_once,
                                .cancels = false,
                                .leaves = false,
                                .dies = false,
                                .allowance = allowance}) > 500u);
        }
        BOOST_TEST(explore({.workers = 2,
                            .tasks = 3,
                            .bounds = {.tasks_ahead = 3},
                            .asks_back = true,
                            .leaves = false,
                            .dies = false,
                            .priorities = {0, 0, 1},
                            .items = {2, 1, 3},
                            .allowance = allowance}) > 500u);
    }
}

BOOST_AUTO_TEST_CASE(every_sequence_of_seven_events_keeps_all_rules) {
    for (const bool at_once : {true, false}) {
        path way;
        const world::course course{
            .workers = 2, .tasks = 3, .bounds = {.tasks_ahead = 2}, .recalls_answered_at_once = at_once};
        const std::size_t count = walk(course, way, 7);
        BOOST_TEST(count > 1000u);
        BOOST_TEST_MESSAGE(count << " sequences");
    }
}

BOOST_AUTO_TEST_SUITE_END()
