// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// The inbox on one thread.

#include <core/inbox.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <deque>
#include <type_traits>
#include <vector>

using procpool::core::inbox;
using procpool::machines::schedulable;

namespace {

/// A producer that is stopped in the middle of putting something in: it has made it the last one, but not yet linked the
/// one before to it.
class half_put {
public:
    half_put(inbox& box, schedulable& task) : task_(task) {
        static_assert(std::is_standard_layout_v<inbox>); // so that its first member is where it is itself
        task.next = nullptr;
        previous_ = reinterpret_cast<std::atomic<schedulable*>&>(box).exchange(&task);
    }
    void go_on() { std::atomic_ref(previous_->next).store(&task_); }

private:
    schedulable& task_;
    schedulable* previous_;
};

} // namespace

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

BOOST_AUTO_TEST_CASE(a_task_that_is_being_put_into_an_empty_inbox_is_said_to_be_on_its_way) {
    schedulable before;
    for (const bool used : {false, true}) {
        inbox box;
        if (used) {
            box.put(before);
            BOOST_TEST(box.take() == &before);
        }
        schedulable task;
        half_put producer(box, task);
        for (int again = 0; again != 3; ++again) {
            BOOST_TEST(!box.take());
            BOOST_TEST(box.interrupted());
        }
        producer.go_on();
        BOOST_TEST(box.take() == &task);
        BOOST_TEST(!box.interrupted());
        BOOST_TEST(!box.take());
        BOOST_TEST(!box.interrupted());
    }
}

BOOST_AUTO_TEST_CASE(a_task_that_is_being_put_in_behind_others_holds_up_only_the_last_of_them) {
    inbox box;
    std::vector<schedulable> tasks(4);
    box.put(tasks[0]);
    box.put(tasks[1]);
    half_put producer(box, tasks[2]);
    BOOST_TEST(box.take() == &tasks[0]);
    for (int again = 0; again != 3; ++again) {
        BOOST_TEST(!box.take()); // it cannot be given away before something is behind it
        BOOST_TEST(box.interrupted());
    }
    box.put(tasks[3]); // by another producer
    BOOST_TEST(!box.take());
    BOOST_TEST(box.interrupted());
    producer.go_on();
    for (std::size_t index = 1; index != 4; ++index)
        BOOST_TEST(box.take() == &tasks[index]);
    BOOST_TEST(!box.take());
    BOOST_TEST(!box.interrupted());
}

BOOST_AUTO_TEST_CASE(several_that_are_being_put_in_at_once_come_out_in_the_order_in_which_they_began) {
    std::vector<schedulable> tasks(3);
    for (const bool last_first : {false, true}) {
        inbox box;
        half_put first(box, tasks[0]);
        half_put second(box, tasks[1]);
        half_put third(box, tasks[2]);
        if (last_first) {
            third.go_on();
            BOOST_TEST(!box.take());
            second.go_on();
            BOOST_TEST(!box.take());
            BOOST_TEST(box.interrupted());
            first.go_on();
        } else {
            first.go_on();
            BOOST_TEST(!box.take());
            second.go_on();
            BOOST_TEST(box.take() == &tasks[0]);
            BOOST_TEST(!box.take());
            BOOST_TEST(box.interrupted());
            third.go_on();
        }
        for (std::size_t index = last_first ? 0 : 1; index != 3; ++index)
            BOOST_TEST(box.take() == &tasks[index]);
        BOOST_TEST(!box.take());
        BOOST_TEST(!box.interrupted());
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
