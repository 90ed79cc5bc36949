// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Several pools, pools in workers, copies of the process, and many threads.

#include <facade/support.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

#include <functional>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace procpool::testing;
using procpool::errc;
using procpool::pool_options;
using procpool::process_pool;

int add(int left, int right) {
    return left + right;
}

int process_id() {
    return ::getpid();
}

std::size_t index_of_worker() {
    return procpool::this_worker::index();
}

/// Uses a pool of its own, and more of them inside that.
int nested(int depth) {
    if (depth == 0)
        return 1;
    process_pool pool({.workers = 2});
    int sum = 1;
    for (const int one : pool.map(nested, std::vector{depth - 1, depth - 1}).get())
        sum += one;
    return sum;
}

/// Leaves its own pool at work when its worker is killed.
int nested_forever(const std::filesystem::path& gate) {
    process_pool pool({.workers = 1});
    return pool.submit(pass_gate, gate, 1).get();
}

std::pair<bool, std::size_t> who_in_nested() {
    process_pool pool({.workers = 3});
    return {pool.submit(procpool::is_worker).get(), pool.submit(index_of_worker).get()};
}

} // namespace

BOOST_AUTO_TEST_SUITE(several_pools)

BOOST_AUTO_TEST_CASE(on_one_context_do_not_disturb_each_other) {
    asio::io_context context;
    process_pool first(context, {.workers = 1});
    auto second = std::make_unique<process_pool>(context, pool_options{.workers = 1});
    const int first_worker = run(context, first.submit(process_id));
    const int second_worker = run(context, second->submit(process_id));
    BOOST_TEST(first_worker != second_worker);
    const gate door;
    seen<int> waits;
    first.submit(pass_gate, door.path(), 1)(waits.handler());
    BOOST_REQUIRE(run_for(context, patience, [&] { return door.begun(1); }));
    BOOST_TEST(run(context, second->submit(add, 1, 2)) == 3);
    second.reset();
    BOOST_TEST(!waits.over());
    door.open();
    BOOST_TEST(run_for(context, patience, [&] { return waits.over(); }));
    BOOST_TEST(*waits.value == 1);
    BOOST_TEST(run(context, first.submit(process_id)) == first_worker);
}

BOOST_AUTO_TEST_CASE(of_every_constructor_work) {
    asio::io_context context;
    asio::thread_pool threads(2);
    process_pool of_context(context, {.workers = 1});
    process_pool of_executor(context.get_executor(), {.workers = 1});
    process_pool of_any_executor(asio::any_io_executor(context.get_executor()), {.workers = 1});
    process_pool of_strand(asio::make_strand(context), {.workers = 1});
    process_pool of_own({.workers = 1});
    process_pool of_threads(threads, {.workers = 1});
    for (process_pool* const pool : {&of_context, &of_executor, &of_any_executor, &of_strand})
        BOOST_TEST(run(context, pool->submit(add, 1, 2)) == 3);
    BOOST_TEST(of_own.submit(add, 1, 2).get() == 3);
    BOOST_TEST(of_threads.submit(add, 1, 2).get() == 3);
}

BOOST_AUTO_TEST_CASE(on_a_thread_pool_handle_many_tasks) {
    asio::thread_pool threads(4);
    {
        process_pool pool(threads, {.workers = 2});
        std::atomic<int> sum = 0;
        std::atomic<int> calls = 0;
        for (int i = 0; i != 5000; ++i)
            pool.submit(add, i, 1)([&](std::exception_ptr error, int value) {
                sum += error ? 0 : value > 0;
                ++calls;
            });
        BOOST_TEST(wait_until([&] { return calls == 5000; }, patience));
        BOOST_TEST(sum == 5000);
        const auto results = pool.map(std::negate<>{}, std::vector<int>(10000, 1)).get();
        BOOST_TEST((results == std::vector<int>(10000, -1)));
    }
    threads.join();
}

BOOST_AUTO_TEST_CASE(may_be_used_by_many_threads_at_once) {
    asio::io_context context;
    auto work = asio::make_work_guard(context);
    std::vector<std::thread> runners;
    for (int i = 0; i != 3; ++i)
        runners.emplace_back([&] { context.run(); });
    std::atomic<int> calls = 0;
    std::atomic<int> wrong = 0;
    {
        process_pool pool(context, {.workers = 2});
        std::vector<std::thread> users;
        for (int user = 0; user != 4; ++user)
            users.emplace_back([&, user] {
                for (int i = 0; i != 500; ++i) {
                    pool.submit(add, user, i)([&, expected = user + i](std::exception_ptr error, int value) {
                        wrong += error || value != expected;
                        ++calls;
                    });
                    if (i % 100 == 0) {
                        const auto stats = pool.stats();
                        wrong += stats.tasks_submitted != stats.tasks_waiting + stats.tasks_with_workers +
                                                              stats.tasks_completed + stats.tasks_failed +
                                                              stats.tasks_cancelled;
                    }
                }
            });
        for (std::thread& one : users)
            one.join();
        BOOST_TEST(wait_until([&] { return calls == 2000; }, patience));
        pool.close();
        pool.join().get();
    }
    BOOST_TEST(wrong == 0);
    work.reset();
    for (std::thread& one : runners)
        one.join();
}

BOOST_AUTO_TEST_CASE(inside_one_another_work) {
    small_pool with;
    BOOST_TEST(run(with.context, with.pool.submit(nested, 2)) == 7);
    const auto [is_worker, index] = run(with.context, with.pool.submit(who_in_nested));
    BOOST_TEST(is_worker);
    BOOST_TEST(index < 3u);
}

BOOST_AUTO_TEST_CASE(inside_one_another_end_with_the_outer_one) {
    const gate closed;
    seen<int> result;
    small_pool with;
    with.pool.submit(nested_forever, closed.path())(result.handler());
    BOOST_REQUIRE(with.run_until([&] { return closed.begun(1); }));
    with.pool.terminate();
    BOOST_TEST(with.run_until([&] { return result.over(); }));
    BOOST_TEST(code_of(result.error) == errc::pool_terminated);
    // That the inner worker is gone too is looked at when this program ends.
}

BOOST_AUTO_TEST_CASE(keep_the_index_of_a_worker_that_is_replaced) {
    small_pool with(3);
    const auto die = +[] { ::_exit(1); };
    for (int i = 0; i != 10; ++i) {
        run_to_error(with.context, with.pool.submit(die));
        const std::size_t index = run(with.context, with.pool.submit(index_of_worker));
        BOOST_TEST(index < 3u);
    }
    BOOST_TEST(with.run_until([&] { return with.pool.stats().workers_idle == 3; }));
    BOOST_TEST(with.pool.stats().workers_died == 10u);
}

BOOST_AUTO_TEST_SUITE_END()

#ifndef __SANITIZE_THREAD__

BOOST_AUTO_TEST_SUITE(copy_of_the_process)

/// Forks; the child destroys the pool and ends.
int destroy_in_copy(std::unique_ptr<process_pool>& pool) {
    const pid_t child = ::fork();
    if (child == 0) {
        pool.reset();
        ::_exit(pool ? 1 : 0);
    }
    int status = -1;
    const bool ended = wait_until([&] { return ::waitpid(child, &status, WNOHANG) == child; }, patience);
    if (!ended) {
        ::kill(child, SIGKILL);
        ::waitpid(child, &status, 0);
        return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

BOOST_AUTO_TEST_CASE(may_destroy_the_pool_without_harm_to_the_original) {
    asio::io_context context;
    auto pool = std::make_unique<process_pool>(context, pool_options{.workers = 2});
    const gate door;
    seen<int> result;
    pool->submit(pass_gate, door.path(), 1)(result.handler());
    BOOST_REQUIRE(run_for(context, patience, [&] { return door.begun(1); }));
    const auto start = std::chrono::steady_clock::now();
    BOOST_TEST(destroy_in_copy(pool) == 0);
    BOOST_TEST((std::chrono::steady_clock::now() - start < std::chrono::seconds(5)));
    BOOST_TEST(run(context, pool->submit(add, 1, 2)) == 3);
    BOOST_TEST(!result.over());
    door.open();
    BOOST_TEST(run_for(context, patience, [&] { return result.over(); }));
    BOOST_TEST(*result.value == 1);
    BOOST_TEST(pool->stats().workers_started == 2u);
}

BOOST_AUTO_TEST_CASE(may_destroy_a_pool_with_its_own_thread) {
    auto pool = std::make_unique<process_pool>(pool_options{.workers = 1});
    BOOST_TEST(pool->submit(add, 1, 2).get() == 3);
    BOOST_TEST(destroy_in_copy(pool) == 0);
    BOOST_TEST(pool->submit(add, 1, 2).get() == 3);
    BOOST_TEST(pool->stats().workers_started == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

#endif
