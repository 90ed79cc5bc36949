// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// The inbox on one thread.

#include <core/inbox.hpp>

#include <boost/test/unit_test.hpp>

#include <deque>
#include <random>
#include <vector>

using procpool::core::inbox;
using procpool::machines::schedulable;

BOOST_AUTO_TEST_SUITE(inbox_alone)

BOOST_AUTO_TEST_CASE(an_empty_inbox_has_nothing_and_says_that_nothing_is_on_its_way) {
    inbox box;
    for (int again = 0; again != 3; ++again) {
        BOOST_TEST(!box.take());
        BOOST_TEST(!box.interrupted());
    }
}

BOOST_AUTO_TEST_CASE(what_was_put_in_comes_out_in_order) {
    for (std::size_t count = 1; count != 10; ++count) {
        std::vector<schedulable> tasks(count);
        inbox box;
        for (int round = 0; round != 3; ++round) { // the same objects again, as soon as they came out
            for (schedulable& task : tasks)
                box.put(task);
            for (schedulable& task : tasks)
                BOOST_TEST(box.take() == &task);
            BOOST_TEST(!box.take());
            BOOST_TEST(!box.interrupted());
        }
    }
}

BOOST_AUTO_TEST_CASE(putting_and_taking_by_turns_in_every_order_keeps_the_order) {
    // Every sequence of twelve puts and takes.
    std::vector<schedulable> tasks(12);
    for (unsigned sequence = 0; sequence != 1u << 12; ++sequence) {
        inbox box;
        std::deque<schedulable*> expected;
        std::size_t next = 0;
        for (unsigned step = 0; step != 12; ++step) {
            if ((sequence >> step & 1) != 0) {
                box.put(tasks[next]);
                expected.push_back(&tasks[next++]);
            } else {
                schedulable* const due = expected.empty() ? nullptr : expected.front();
                BOOST_REQUIRE(box.take() == due);
                BOOST_REQUIRE(!box.interrupted());
                if (due)
                    expected.pop_front();
            }
        }
        for (schedulable* const due : expected)
            BOOST_REQUIRE(box.take() == due);
        BOOST_REQUIRE(!box.take());
    }
}

BOOST_AUTO_TEST_CASE(a_task_that_came_out_is_not_linked_to_anything_of_the_inbox) {
    // The core links tasks into its own lists by the same pointers.
    inbox box;
    std::vector<schedulable> tasks(5);
    for (schedulable& task : tasks)
        box.put(task);
    for (schedulable& task : tasks) {
        BOOST_REQUIRE(box.take() == &task);
        task.next = &task;
        task.previous = &task;
    }
    schedulable last;
    box.put(last);
    BOOST_TEST(box.take() == &last);
    BOOST_TEST(!box.take());
}

BOOST_AUTO_TEST_CASE(exactly_the_first_put_asks_for_a_wake_up_until_the_core_is_waking) {
    inbox box;
    std::vector<schedulable> tasks(12);
    std::size_t next = 0;
    for (int round = 0; round != 3; ++round) {
        BOOST_TEST(box.put(tasks[next++]));
        BOOST_TEST(!box.put(tasks[next++]));
        BOOST_TEST(box.take()); // taking alone is not waking
        BOOST_TEST(!box.put(tasks[next++]));
        box.waking();
        box.waking();
        while (box.take()) {
        }
    }
    BOOST_TEST(box.put(tasks[next++]));
    box.waking();
    BOOST_TEST(box.put(tasks[next++])); // although the last one was not taken yet
}

BOOST_AUTO_TEST_SUITE_END()
