// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Very many tasks, and very many workers; and that nothing of them stays. What goes wrong under load is in
// chaos/chaos.cpp.

#include <facade/support.hpp>

#include <support/leftovers.hpp>
#include <support/proc.hpp>

#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <memory>
#include <ranges>
#include <string>
#include <vector>

#include <signal.h>
#include <unistd.h>

namespace {

using namespace procpool::testing;
using namespace std::chrono_literals;
using procpool::errc;
using procpool::process_pool;

#ifdef PROCPOOL_TEST_SANITIZED
constexpr std::size_t many_workers = 40; // each takes much more memory then
constexpr int very_many_tasks = 100'000;
constexpr std::size_t large = 10'000'000;
#else
constexpr std::size_t many_workers = 200;
constexpr int very_many_tasks = 1'000'000;
constexpr std::size_t large = 100'000'000;
#endif

int own_pid() {
    return ::getpid();
}

int add_one(int value) {
    return value + 1;
}

int die_on_every_thousandth(int value) {
    if (value % 1000 == 999)
        ::raise(SIGKILL);
    return value + 1;
}

std::size_t length(const std::string& text) {
    return text.size();
}

} // namespace

BOOST_AUTO_TEST_SUITE(load)

BOOST_AUTO_TEST_CASE(two_hundred_workers_on_a_few_processors_all_work_and_are_all_replaced) {
    asio::io_context context;
    const asio::steady_timer timer(context); // now the context has its own descriptors
    const leftovers before = leftovers::now();
    {
        process_pool pool(context, {.workers = many_workers});
        const gate door;
        std::deque<seen<int>> all;
        for (std::size_t i = 0; i != many_workers; ++i)
            pool.submit(pass_gate, door.path(), static_cast<int>(i))(all.emplace_back().handler());
        // Each waits for all the others to have begun, so there are that many workers at the same time.
        BOOST_TEST_REQUIRE(run_for(context, 2 * patience, [&] { return door.count() == many_workers; }));
        door.open();
        BOOST_TEST_REQUIRE(run_for(context, patience, [&] { return pool.stats().workers_idle == many_workers; }));
        const auto results = run(context, pool.map(add_one, std::views::iota(0, 100'000)));
        for (int i = 0; i != 100'000; ++i)
            BOOST_TEST_REQUIRE(results[static_cast<std::size_t>(i)] == i + 1);

        const gate second_door;
        std::deque<seen<int>> victims;
        for (std::size_t i = 0; i != many_workers; ++i)
            pool.submit(
                [](const std::filesystem::path& path, int who) { return pass_gate(path, who), ::raise(SIGKILL); },
                second_door.path(), static_cast<int>(i))(victims.emplace_back().handler());
        BOOST_TEST_REQUIRE(run_for(context, 2 * patience, [&] { return second_door.count() == many_workers; }));
        second_door.open();
        for (auto& one : victims) {
            BOOST_TEST_REQUIRE(run_for(context, patience, [&] { return one.over(); }));
            BOOST_TEST(code_of(one.error) == errc::worker_died);
        }
        BOOST_TEST(run_for(context, 2 * patience, [&] { return pool.stats().workers_idle == many_workers; }));
        BOOST_TEST(pool.stats().workers_died == many_workers);
        BOOST_TEST(run(context, pool.submit(add_one, 1)) == 2);
    }
    BOOST_TEST(wait_for_no_leftovers(before) == "");
}

BOOST_AUTO_TEST_CASE(a_million_tasks_in_the_queue_each_complete_exactly_once_with_the_right_sum) {
    asio::io_context context;
    process_pool pool(context, {.workers = 2});
    std::vector<std::uint8_t> told(very_many_tasks);
    long long sum = 0;
    int completed = 0;
    for (int i = 0; i != very_many_tasks; ++i)
        pool.submit(add_one, i)([&, i](std::exception_ptr error, int value) {
            ++told[static_cast<std::size_t>(i)];
            sum += error ? 0 : value;
            ++completed;
        });
    BOOST_TEST(pool.stats().tasks_submitted == static_cast<std::uint64_t>(very_many_tasks)); // before any was sent
    BOOST_TEST(pool.stats().tasks_waiting == static_cast<std::size_t>(very_many_tasks));
    BOOST_TEST_REQUIRE(run_for(context, 3 * patience, [&] { return completed == very_many_tasks; }));
    BOOST_TEST(std::ranges::count(told, 1) == very_many_tasks);
    BOOST_TEST(sum == static_cast<long long>(very_many_tasks) * (very_many_tasks + 1LL) / 2);
    const auto stats = pool.stats();
    BOOST_TEST(stats.tasks_completed == static_cast<std::uint64_t>(very_many_tasks));
    BOOST_TEST(stats.workers_started == 2u);
}

BOOST_AUTO_TEST_CASE(a_million_tasks_in_the_queue_of_a_pool_that_is_destroyed_each_complete_exactly_once) {
    asio::io_context context;
    std::vector<std::uint8_t> told(very_many_tasks);
    int completed = 0;
    int wrong = 0;
    {
        process_pool pool(context, {.workers = 1});
        for (int i = 0; i != very_many_tasks; ++i)
            pool.submit(add_one, i)([&, i](std::exception_ptr error, int value) {
                ++told[static_cast<std::size_t>(i)];
                wrong += error ? code_of(error) != errc::pool_terminated : value != i + 1;
                ++completed;
            });
        BOOST_TEST(run_for(context, patience, [&] { return completed != 0; }));
    }
    BOOST_TEST(run_for(context, 3 * patience));
    BOOST_TEST(std::ranges::count(told, 1) == very_many_tasks);
    BOOST_TEST(wrong == 0);
}

// The first rounds make what is kept for later ones; from then on there is as much as before.
BOOST_AUTO_TEST_CASE(memory_descriptors_and_children_are_the_same_after_any_number_of_pools_tasks_and_deaths) {
    asio::io_context context;
    const asio::steady_timer timer(context); // now the context has its own descriptors
    const leftovers before = leftovers::now();
    const auto round = [&] {
        process_pool pool(context, {.workers = 2, .max_tasks_per_worker = 5000});
        std::size_t deaths = 0;
        std::size_t over = 0;
        for (int i = 0; i != 10'000; ++i)
            pool.submit(die_on_every_thousandth, i)([&](std::exception_ptr error, int) {
                deaths += error ? 1 : 0;
                ++over;
            });
        BOOST_TEST_REQUIRE(run_for(context, patience, [&] { return over == 10'000; }));
        BOOST_TEST(deaths == 10u);
        BOOST_TEST(run(context, pool.map(add_one, std::views::iota(0, 10'000))).size() == 10'000u);
    };
    for (int i = 0; i != 10; ++i)
        round();
    const std::size_t then = resident_kilobytes();
    for (int i = 0; i != 30; ++i)
        round();
    BOOST_TEST(wait_for_no_leftovers(before) == "");
#ifndef PROCPOOL_TEST_SANITIZED // which keeps what was freed for a while
    BOOST_TEST(resident_kilobytes() < then + 8'000);
#else
    static_cast<void>(then);
#endif
}

// In the queue behind a task that runs, or while the first of them is on its way to a worker that reads it.
BOOST_AUTO_TEST_CASE(ten_submissions_of_a_hundred_megabytes_are_called_off_and_their_memory_is_given_back) {
    for (const bool behind_another : {true, false}) {
        asio::io_context context;
        process_pool pool(context, {.workers = 1});
        const gate door;
        seen<int> blocker;
        if (!behind_another)
            door.open();
        pool.submit(pass_gate, door.path(), 1)(blocker.handler());
        BOOST_TEST_REQUIRE(run_for(context, patience, [&] { return behind_another ? door.begun(1) : blocker.over(); }));
        const std::size_t before = resident_kilobytes();
        std::vector<procpool::task_handle<std::size_t>> all;
        for (int i = 0; i != 10; ++i)
            all.push_back(pool.submit(length, std::string(large, 'x')).start());
        BOOST_TEST(resident_kilobytes() > before + 5 * large / 1000);
        if (!behind_another)
            BOOST_TEST(run_for(context, patience, [&] { return pool.stats().tasks_with_workers != 0; }));
        for (auto& one : all)
            one.cancel();
        for (auto& one : all) {
            BOOST_TEST_REQUIRE(run_for(context, patience, [&] { return one.ready(); }));
            // The first one may have been begun meanwhile.
            if (behind_another || &one != &all.front())
                BOOST_TEST(!one.successful());
        }
        BOOST_TEST(pool.stats().tasks_cancelled >= 9u);
        door.open();
        BOOST_TEST(run_for(context, patience, [&] { return blocker.over(); }));
        BOOST_TEST(!blocker.error);
        // Whatever of them was on its way, the next task finds it.
        BOOST_TEST(run(context, pool.submit(own_pid)) > 0);
#ifndef PROCPOOL_TEST_SANITIZED // which keeps what was freed for a while
        BOOST_TEST(resident_kilobytes() < before + 5 * large / 1000);
#endif
    }
}

BOOST_AUTO_TEST_SUITE_END()
