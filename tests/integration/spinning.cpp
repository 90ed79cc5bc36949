// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// pool_options::spin: nothing of what a pool promises depends on whether somebody looks out for a result or sleeps until it
// comes. And a pool that has nothing to do sleeps, whether or not it has looked out before.

#include <facade/support.hpp>
#include <integration/scratch.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <numeric>
#include <ranges>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <signal.h>
#include <unistd.h>

using namespace procpool;
using namespace procpool::testing;
using namespace std::chrono_literals;

namespace {

constexpr auto for_ever = std::chrono::hours(1);

int plus_one(int value) {
    return value + 1;
}

asio::awaitable<void> await_one_by_one(process_pool& pool, int count, int& right) {
    for (int i = 0; i != count; ++i) {
        const int result = co_await pool.submit(plus_one, i)(asio::use_awaitable);
        right += result == i + 1;
    }
}

/// How often the pool's own threads of some processes were put to sleep or taken off their CPU. A sanitizer may have others.
std::size_t context_switches(const std::vector<pid_t>& processes) {
    std::size_t sum = 0;
    for (const pid_t process : processes)
        for (const auto& thread : std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/task")) {
            std::ifstream status(thread.path() / "status");
            std::string name;
            if (!std::getline(status, name) || name.find("procpool") == std::string::npos)
                continue;
            for (std::string line; std::getline(status, line);)
                if (line.find("ctxt_switches:") != std::string::npos)
                    sum += std::stoul(line.substr(line.find(':') + 1));
        }
    return sum;
}

} // namespace

BOOST_AUTO_TEST_SUITE(spinning)

BOOST_AUTO_TEST_CASE(every_result_comes_one_at_a_time_and_many_at_once_whatever_the_time) {
    for (const std::chrono::microseconds spin : {1us, 50us, std::chrono::microseconds(for_ever)})
        for (const std::size_t workers : {1, 2, 5})
            BOOST_TEST_CONTEXT(workers << " workers, " << spin.count() << " us") {
                asio::io_context context;
                process_pool pool(context, {.workers = workers, .spin = spin});
                int right = 0;
                asio::co_spawn(context, await_one_by_one(pool, 200, right), asio::detached);
                asio::co_spawn(context, await_one_by_one(pool, 200, right), asio::detached);
                BOOST_TEST(run_for(context, patience, [&] { return right == 400; }));
                const std::vector<int> all = run(context, pool.map(plus_one, std::views::iota(0, 20'000)));
                BOOST_TEST(std::accumulate(all.begin(), all.end(), 0L) == 20'000L * 20'001 / 2);
            }
}

BOOST_AUTO_TEST_CASE(several_threads_run_the_executor) {
    asio::io_context context;
    process_pool pool(context, {.workers = 2, .spin = 1ms});
    std::atomic<int> right = 0;
    const std::function<void(int)> go_on = [&](int left) {
        if (left != 0)
            pool.submit(plus_one, left)([&go_on, &right, left](std::exception_ptr error, int result) {
                right += !error && result == left + 1;
                go_on(left - 1);
            });
        else if (right == 4 * 500)
            context.stop();
    };
    for (int i = 0; i != 4; ++i)
        go_on(500);
    std::vector<std::jthread> threads;
    for (int i = 0; i != 3; ++i)
        threads.emplace_back([&] { context.run_for(patience); });
    threads.clear();
    BOOST_TEST(right == 4 * 500);
}

BOOST_AUTO_TEST_CASE(the_programs_other_handlers_run_while_a_result_is_looked_out_for) {
    asio::io_context context;
    process_pool pool(context, {.workers = 1, .spin = for_ever});
    BOOST_TEST(run(context, pool.submit(plus_one, 1)) == 2); // it is there now, so what follows is sent at once
    const gate here;
    seen<int> result;
    pool.submit(pass_gate, here.path(), 7)(result.handler());
    // By posting over and over, and by a timer.
    int looks = 0;
    asio::steady_timer timer(context);
    const std::function<void()> look = [&] {
        ++looks;
        if (!here.begun(7)) {
            asio::post(context, look);
            return;
        }
        timer.expires_after(1ms);
        timer.async_wait([&](const boost::system::error_code&) { here.open(); });
    };
    asio::post(context, look);
    BOOST_TEST_REQUIRE(run_for(context, patience, [&] { return result.over(); }));
    BOOST_TEST(*result.value == 7);
    BOOST_TEST(looks > 0);
}

BOOST_AUTO_TEST_CASE(a_worker_that_dies_meanwhile_is_noticed_and_replaced) {
    asio::io_context context;
    process_pool pool(context, {.workers = 1, .spin = for_ever});
    for (int round = 0; round != 20; ++round) {
        const auto error = run_to_error(context, pool.submit([] { ::raise(SIGKILL); }));
        BOOST_TEST(code_of(error) == errc::worker_died);
        BOOST_TEST(run(context, pool.submit(plus_one, round)) == round + 1);
    }
}

BOOST_AUTO_TEST_CASE(a_task_that_takes_too_long_is_ended_meanwhile) {
    asio::io_context context;
    process_pool pool(context, {.workers = 1, .task_timeout = 20ms, .kill_grace = 20ms, .spin = for_ever});
    const gate never_opened;
    const auto error = run_to_error(context, pool.submit(pass_gate, never_opened.path(), 1));
    BOOST_TEST(code_of(error) == errc::timed_out);
}

BOOST_AUTO_TEST_CASE(a_pool_that_is_destroyed_meanwhile_leaves_the_context_without_work) {
    for (const bool is_busy : {false, true}) {
        asio::io_context context;
        auto pool = std::make_unique<process_pool>(context, pool_options{.workers = 1, .spin = for_ever});
        BOOST_TEST(run(context, pool->submit(plus_one, 1)) == 2);
        const gate never_opened;
        seen<int> result;
        if (is_busy) {
            pool->submit(pass_gate, never_opened.path(), 1)(result.handler());
            BOOST_TEST(run_for(context, patience, [&] { return never_opened.begun(1); }));
        }
        pool.reset();
        BOOST_TEST(run_for(context, patience));
        BOOST_TEST(result.over() == is_busy);
    }
}

BOOST_AUTO_TEST_CASE(a_context_that_is_not_run_any_more_is_destroyed_with_what_looks_out) {
    const gate never_opened;
    asio::io_context context;
    process_pool pool(context, {.workers = 1, .spin = for_ever});
    pool.submit(pass_gate, never_opened.path(), 1)(asio::detached);
    BOOST_TEST(run_for(context, patience, [&] { return never_opened.begun(1); }));
}

// Invariant 8. This cannot but let some time pass, in which nothing is to happen.
BOOST_AUTO_TEST_CASE(an_idle_pool_and_its_workers_sleep) {
    for (const std::chrono::microseconds spin : {0us, 2'000us}) {
        asio::io_context context;
        std::vector<pid_t> workers;
        process_pool pool(context, {.workers = 2,
                                    .on_event =
                                        [&](const worker_event& event) {
                                            if (event.what == worker_event::kind::ready)
                                                workers.push_back(event.pid);
                                        },
                                    .spin = spin});
        BOOST_TEST(run_for(context, patience, [&] { return workers.size() == 2; }));
        for (int i = 0; i != 100; ++i)
            BOOST_TEST(run(context, pool.submit(plus_one, i)) == i + 1);
        // If anything went on, however seldom, no such time would ever come.
        BOOST_TEST(wait_until(
            [&] {
                const std::size_t before = context_switches(workers);
                return context.run_for(500ms) == 0 && context_switches(workers) == before;
            },
            patience));
    }
}

BOOST_AUTO_TEST_CASE(a_negative_time_is_refused) {
    BOOST_CHECK_THROW(process_pool({.workers = 1, .spin = -1us}), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
