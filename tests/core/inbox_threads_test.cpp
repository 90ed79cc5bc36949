// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// The inbox with several threads that put in, and one that takes out and sleeps when there is nothing.

#include <core/inbox.hpp>

#include <wire/doorbell.hpp>
#include <wire/lock_step.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace procpool::testing;
using procpool::core::inbox;
using procpool::machines::schedulable;
using namespace std::chrono_literals;

namespace {

// A wake-up that does not come within this time was lost.
constexpr auto lost_after = 20s;

struct item : schedulable {
    std::size_t producer = 0;
    std::size_t number = 0;
};

struct course {
    std::size_t producers;
    std::size_t each;      ///< how many tasks each of them puts in
    std::size_t burst = 0; ///< after at most so many a producer waits until they were taken; 0: never
};

struct outcome {
    std::string wrong; ///< what was, if anything
    std::size_t sleeps = 0;
    std::size_t interruptions = 0;
};

outcome run(const course& how) {
    inbox box;
    doorbell bell;
    outcome result;
    std::vector<std::vector<item>> items(how.producers);
    std::vector<std::atomic<std::size_t>> taken(how.producers);
    std::atomic<int> asked{0}; ///< wake-ups asked for since the last waking()
    std::atomic<int> asked_twice{0};
    std::atomic<bool> give_up{false};
    std::atomic<std::size_t> at_the_start{0};

    std::vector<std::thread> producers;
    for (std::size_t producer = 0; producer != how.producers; ++producer) {
        items[producer] = std::vector<item>(how.each);
        producers.emplace_back([&, producer] {
            ++at_the_start;
            while (at_the_start != how.producers)
                std::this_thread::yield();
            std::mt19937_64 random(producer);
            std::size_t rest_at = how.burst;
            for (std::size_t number = 0; number != how.each && !give_up; ++number) {
                item& mine = items[producer][number];
                mine.producer = producer;
                mine.number = number;
                if (box.put(mine)) {
                    if (asked.fetch_add(1) != 0)
                        ++asked_twice;
                    bell.ring();
                }
                if (how.burst != 0 && number == rest_at) {
                    while (taken[producer].load(std::memory_order_relaxed) <= number && !give_up)
                        std::this_thread::yield();
                    rest_at = number + 1 + random() % (2 * how.burst);
                }
            }
        });
    }

    std::vector<std::size_t> due(how.producers, 0);
    std::size_t left = how.producers * how.each;
    const auto take_all = [&] {
        for (;;) {
            auto* const got = static_cast<item*>(box.take());
            if (!got) {
                if (!box.interrupted())
                    return;
                ++result.interruptions;
                std::this_thread::yield();
                continue;
            }
            if (got->number != due[got->producer])
                result.wrong = "task " + std::to_string(got->number) + " of producer " + std::to_string(got->producer) +
                               " came instead of " + std::to_string(due[got->producer]);
            ++due[got->producer];
            // As the core does: from here on the links are its own.
            got->next = got->previous = got;
            taken[got->producer].store(due[got->producer], std::memory_order_relaxed);
            if (!result.wrong.empty() || --left == 0)
                return;
        }
    };
    while (left != 0 && result.wrong.empty()) {
        ++result.sleeps;
        if (!bell.wait(lost_after)) {
            result.wrong = "a wake-up was lost with " + std::to_string(left) + " tasks to come";
            break;
        }
        asked = 0; // nobody can be told to ask before waking()
        box.waking();
        take_all();
    }
    give_up = true;
    for (std::thread& producer : producers)
        producer.join();
    if (result.wrong.empty() && box.take())
        result.wrong = "there is more in it than was put in";
    if (result.wrong.empty() && asked_twice != 0)
        result.wrong = "two wake-ups were asked for between two times that the core was waking";
    BOOST_TEST_MESSAGE(how.producers << " producers: " << result.sleeps << " sleeps, " << result.interruptions
                                     << " interruptions");
    return result;
}

} // namespace

BOOST_AUTO_TEST_SUITE(inbox_between_threads)

BOOST_AUTO_TEST_CASE(nothing_is_lost_doubled_or_overtaken_with_one_producer) {
    BOOST_TEST(run({.producers = 1, .each = 500000}).wrong == "");
}

BOOST_AUTO_TEST_CASE(nothing_is_lost_doubled_or_overtaken_with_four_producers) {
    BOOST_TEST(run({.producers = 4, .each = 200000}).wrong == "");
}

BOOST_AUTO_TEST_CASE(no_wake_up_is_lost_when_the_core_sleeps_after_every_few_tasks) {
    const outcome result = run({.producers = 3, .each = 20000, .burst = 4});
    BOOST_TEST(result.wrong == "");
    BOOST_TEST(result.sleeps > 1u);
}

BOOST_AUTO_TEST_CASE(no_wake_up_is_lost_when_the_core_sleeps_after_every_task) {
    const outcome result = run({.producers = 1, .each = 20000, .burst = 1});
    BOOST_TEST(result.wrong == "");
    BOOST_TEST(result.sleeps > 1u);
}

BOOST_AUTO_TEST_CASE(putting_in_and_falling_asleep_at_the_same_moment_never_miss_each_other) {
    // Both at once, over and over: afterwards the core has either found the task, or knows that one is on its way, or the
    // producer was told to wake it.
    std::vector<item> items(100001);
    lock_step steps(100000);
    inbox box;
    bool told_to_wake = false;
    std::size_t missed = 0;
    std::size_t asleep = 0;

    std::thread producer([&] {
        while (const std::uint64_t round = steps.follow()) {
            told_to_wake = box.put(items[round]);
            steps.ended(round);
        }
    });
    while (steps.begin()) {
        box.waking();
        schedulable* got = box.take();
        const bool looks_again = got || box.interrupted();
        steps.wait_for_follower();
        asleep += looks_again ? 0 : 1;
        missed += looks_again || told_to_wake ? 0 : 1;
        if (!got)
            got = box.take();
        missed += got == &items[steps.round()] ? 0 : 1;
    }
    producer.join();
    BOOST_TEST(missed == 0u);
    BOOST_TEST_MESSAGE("it fell asleep in " << asleep << " of " << steps.round() - 1 << " rounds");
}

BOOST_AUTO_TEST_CASE(putting_in_and_taking_the_last_one_at_the_same_moment_loses_neither) {
    std::vector<item> first(100002);
    std::vector<item> second(100001);
    lock_step steps(100000);
    inbox box;
    std::size_t lost = 0;
    std::size_t interruptions = 0;

    std::thread producer([&] {
        while (const std::uint64_t round = steps.follow()) {
            box.put(second[round]);
            steps.ended(round);
        }
    });
    for (std::size_t round = 1; box.put(first[round]), steps.begin(); ++round) {
        schedulable* got = box.take();
        interruptions += got ? 0 : 1;
        lost += got || box.interrupted() ? 0 : 1;
        steps.wait_for_follower();
        if (!got)
            got = box.take();
        lost += got == &first[round] && box.take() == &second[round] && !box.take() && !box.interrupted() ? 0 : 1;
    }
    producer.join();
    BOOST_TEST(lost == 0u);
    BOOST_TEST_MESSAGE("it was interrupted in " << interruptions << " of " << steps.round() - 1 << " rounds");
}

BOOST_AUTO_TEST_SUITE_END()
