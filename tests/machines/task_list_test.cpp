// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <machines/task_list.hpp>

#include <boost/test/unit_test.hpp>

#include <deque>
#include <random>
#include <vector>

using procpool::machines::schedulable;
using procpool::machines::task_list;

namespace {

/// Whether the list, looked at from both ends, is exactly this.
bool is(const task_list& list, const std::deque<schedulable*>& expected) {
    if (list.size() != expected.size() || list.empty() != expected.empty())
        return false;
    const schedulable* forward = list.front();
    for (const schedulable* const task : expected) {
        if (forward != task)
            return false;
        forward = forward->next;
    }
    const schedulable* backward = list.back();
    for (auto at = expected.rbegin(); at != expected.rend(); ++at) {
        if (backward != *at)
            return false;
        backward = backward->previous;
    }
    return !forward && !backward;
}

} // namespace

BOOST_AUTO_TEST_SUITE(task_lists)

BOOST_AUTO_TEST_CASE(an_empty_list_has_no_ends) {
    task_list list;
    BOOST_TEST(is(list, {}));
    BOOST_TEST(!list.pop_front());
    BOOST_TEST(is(list, {}));
}

BOOST_AUTO_TEST_CASE(tasks_come_out_in_the_order_in_which_they_were_put_at_the_end) {
    std::vector<schedulable> tasks(5);
    task_list list;
    for (schedulable& task : tasks)
        list.push_back(task);
    for (schedulable& task : tasks) {
        BOOST_TEST(list.pop_front() == &task);
        BOOST_TEST(!task.next);
        BOOST_TEST(!task.previous);
    }
    BOOST_TEST(list.empty());
}

BOOST_AUTO_TEST_CASE(any_one_of_a_list_can_be_removed) {
    for (std::size_t size = 1; size != 6; ++size) {
        for (std::size_t removed = 0; removed != size; ++removed) {
            std::vector<schedulable> tasks(size);
            task_list list;
            std::deque<schedulable*> expected;
            for (std::size_t index = 0; index != size; ++index) {
                list.push_back(tasks[index]);
                if (index != removed)
                    expected.push_back(&tasks[index]);
            }
            list.remove(tasks[removed]);
            BOOST_TEST(is(list, expected));
            BOOST_TEST(!tasks[removed].next);
            BOOST_TEST(!tasks[removed].previous);
            list.push_front(tasks[removed]); // and be put in again
            expected.push_front(&tasks[removed]);
            BOOST_TEST(is(list, expected));
        }
    }
}

BOOST_AUTO_TEST_CASE(any_mixture_of_steps_leaves_a_sound_list) {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        std::mt19937_64 random(seed);
        std::vector<schedulable> tasks(12);
        std::vector<schedulable*> outside;
        for (schedulable& task : tasks)
            outside.push_back(&task);
        task_list list;
        std::deque<schedulable*> expected;
        for (int step = 0; step != 500; ++step) {
            const auto kind = random() % 4;
            if (kind < 2 && !outside.empty()) {
                schedulable* const task = outside.back();
                outside.pop_back();
                if (kind == 0) {
                    list.push_back(*task);
                    expected.push_back(task);
                } else {
                    list.push_front(*task);
                    expected.push_front(task);
                }
            } else if (kind == 2 && !expected.empty()) {
                const auto at = expected.begin() + static_cast<std::ptrdiff_t>(random() % expected.size());
                list.remove(**at);
                outside.push_back(*at);
                expected.erase(at);
            } else if (kind == 3) {
                schedulable* const due = expected.empty() ? nullptr : expected.front();
                BOOST_REQUIRE(list.pop_front() == due);
                if (due) {
                    outside.push_back(due);
                    expected.pop_front();
                }
            }
            BOOST_REQUIRE_MESSAGE(is(list, expected), "seed " << seed << ", step " << step);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
