// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <machines/largest_allocation.hpp>
#include <machines/seed.hpp>

#include <machines/waiting_queue.hpp>

#include <boost/test/unit_test.hpp>

#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

using namespace procpool::testing;
using procpool::machines::schedulable;
using procpool::machines::waiting_queue;

namespace {

/// The same, in the simplest way.
class model {
public:
    void push_back(schedulable& task) { waiting_[task.priority].push_back(&task); }
    void push_front(schedulable& task) { waiting_[task.priority].push_front(&task); }
    void remove(schedulable& task) {
        const auto at = waiting_.find(task.priority);
        std::erase(at->second, &task);
        if (at->second.empty())
            waiting_.erase(at);
    }
    schedulable* front() const { return waiting_.empty() ? nullptr : waiting_.begin()->second.front(); }
    std::size_t size() const {
        std::size_t sum = 0;
        for (const auto& [priority, tasks] : waiting_)
            sum += tasks.size();
        return sum;
    }

private:
    std::map<int, std::deque<schedulable*>, std::greater<>> waiting_;
};

std::vector<schedulable> tasks_of(const std::vector<int>& priorities) {
    std::vector<schedulable> tasks(priorities.size());
    for (std::size_t index = 0; index != tasks.size(); ++index) {
        tasks[index].id = index;
        tasks[index].priority = priorities[index];
    }
    return tasks;
}

/// The numbers of all that wait, in the order in which they come.
std::vector<std::uint64_t> emptied(waiting_queue& queue) {
    std::vector<std::uint64_t> order;
    while (const schedulable* const task = queue.pop_front())
        order.push_back(task->id);
    return order;
}

using ids = std::vector<std::uint64_t>;

} // namespace

BOOST_AUTO_TEST_SUITE(waiting_queues)

BOOST_AUTO_TEST_CASE(an_empty_queue_has_nobody_to_give) {
    waiting_queue queue;
    BOOST_TEST(queue.empty());
    BOOST_TEST(queue.size() == 0u);
    BOOST_TEST(!queue.front());
    BOOST_TEST(!queue.pop_front());
    BOOST_TEST(queue.empty());
}

BOOST_AUTO_TEST_CASE(higher_priorities_come_first_and_equal_ones_as_they_came) {
    auto tasks = tasks_of({0, 5, -3, 0, 5, 7, -3, 0});
    waiting_queue queue;
    for (schedulable& task : tasks)
        queue.push_back(task);
    BOOST_TEST(queue.size() == 8u);
    BOOST_TEST(queue.front() == &tasks[5]);
    BOOST_TEST(emptied(queue) == (ids{5, 1, 4, 0, 3, 7, 2, 6}), boost::test_tools::per_element());
    BOOST_TEST(queue.empty());
}

BOOST_AUTO_TEST_CASE(who_is_put_in_front_passes_its_equals_and_nobody_else) {
    auto tasks = tasks_of({0, 5, 0, 5, -1, 0});
    waiting_queue queue;
    for (std::size_t index = 0; index != 3; ++index)
        queue.push_back(tasks[index]);
    for (std::size_t index = 3; index != 6; ++index)
        queue.push_front(tasks[index]);
    BOOST_TEST(emptied(queue) == (ids{3, 1, 5, 0, 2, 4}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(any_one_can_be_removed_wherever_it_waits) {
    for (std::size_t gone = 0; gone != 6; ++gone) {
        auto tasks = tasks_of({2, 2, 2, 1, 1, 1});
        waiting_queue queue;
        for (schedulable& task : tasks)
            queue.push_back(task);
        queue.remove(tasks[gone]);
        BOOST_TEST(queue.size() == 5u);
        ids expected{0, 1, 2, 3, 4, 5};
        expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(gone));
        BOOST_TEST(emptied(queue) == expected, boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_CASE(the_most_extreme_priorities_are_priorities) {
    constexpr int least = std::numeric_limits<int>::min();
    constexpr int most = std::numeric_limits<int>::max();
    auto tasks = tasks_of({0, least, most, least + 1, most - 1, -1});
    waiting_queue queue;
    for (schedulable& task : tasks)
        queue.push_back(task);
    BOOST_TEST(emptied(queue) == (ids{2, 4, 0, 5, 3, 1}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(thousands_of_priorities_at_once_are_kept_in_order) {
    constexpr int count = 3000;
    std::vector<int> priorities;
    for (int index = 0; index != count; ++index)
        priorities.push_back(index * 7 % count); // each once
    auto tasks = tasks_of(priorities);
    waiting_queue queue;
    for (schedulable& task : tasks)
        queue.push_back(task);
    int next = count;
    bool ordered = true;
    while (const schedulable* const task = queue.pop_front())
        ordered = ordered && task->priority == --next;
    BOOST_TEST(ordered);
    BOOST_TEST(next == 0);
}

BOOST_AUTO_TEST_CASE(thousands_of_priorities_one_after_another_leave_nothing_behind) {
    // A program that uses a clock or a counter as the priority uses each once.
    auto tasks = tasks_of({0, 0, 0});
    waiting_queue queue;
    const largest_allocation watch;
    for (int round = 0; round != 20000; ++round) {
        for (int index = 0; index != 3; ++index) {
            auto& task = tasks[static_cast<std::size_t>(index)];
            task.priority = round % 2 == 0 ? 3 * round + index : -3 * round - index;
            queue.push_back(task);
        }
        for (int index = 0; index != 3; ++index)
            queue.pop_front();
    }
    BOOST_TEST(queue.empty());
    BOOST_TEST(watch.bytes() > 0u);
    BOOST_TEST(watch.bytes() <= 1024u);
}

BOOST_AUTO_TEST_CASE(a_crowd_of_priorities_is_forgotten_when_the_next_new_one_comes) {
    constexpr int crowd = 2000;
    std::vector<int> priorities;
    for (int index = 0; index != crowd; ++index)
        priorities.push_back(index);
    auto tasks = tasks_of(priorities);
    waiting_queue queue;
    for (schedulable& task : tasks)
        queue.push_back(task);
    while (queue.pop_front()) {
    }
    auto later = tasks_of({-1, crowd + 1});
    const largest_allocation watch;
    for (schedulable& task : later)
        queue.push_back(task);
    BOOST_TEST(watch.bytes() == 0u); // what the crowd took is used again
    BOOST_TEST(emptied(queue) == (ids{1, 0}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(whatever_is_done_with_it_a_queue_does_what_the_simplest_one_does) {
    const std::uint64_t seed = first_seed();
    for (std::uint64_t story = 0; story != 300; ++story) {
        BOOST_TEST_CONTEXT("PROCPOOL_TEST_SEED=" << seed << ", story " << story) {
            std::mt19937_64 random(seed * 1000 + story);
            const int priorities = 1 + static_cast<int>(random() % (story % 3 == 0 ? 200 : 12));
            const std::uint64_t wish_to_add = 20 + random() % 60; // of a hundred
            std::vector<schedulable> tasks(1 + random() % 120);
            std::vector<schedulable*> outside;
            std::vector<schedulable*> inside;
            for (schedulable& task : tasks)
                outside.push_back(&task);
            waiting_queue queue;
            model expected;
            bool same = true;
            for (int step = 0; step != 600 && same; ++step) {
                const auto move = [&random](std::vector<schedulable*>& from, std::vector<schedulable*>& to) {
                    std::swap(from[random() % from.size()], from.back());
                    schedulable& task = *from.back();
                    from.pop_back();
                    to.push_back(&task);
                    return &task;
                };
                if (!outside.empty() && (inside.empty() || random() % 100 < wish_to_add)) {
                    schedulable& task = *move(outside, inside);
                    task.priority = static_cast<int>(random() % static_cast<unsigned>(priorities)) - priorities / 2;
                    if (random() % 3 == 0) {
                        queue.push_front(task);
                        expected.push_front(task);
                    } else {
                        queue.push_back(task);
                        expected.push_back(task);
                    }
                } else if (random() % 3 == 0) {
                    schedulable& task = *move(inside, outside);
                    queue.remove(task);
                    expected.remove(task);
                } else {
                    schedulable* const first = expected.front();
                    same = queue.pop_front() == first;
                    expected.remove(*first);
                    std::erase(inside, first);
                    outside.push_back(first);
                }
                same = same && queue.front() == expected.front() && queue.size() == expected.size() &&
                       queue.empty() == inside.empty();
            }
            BOOST_REQUIRE(same);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
