// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// The end of a pool that others use at that moment: threads and handlers that go on submitting, operations that are called
// off, a handler that destroys the pool, a worker that does not end. (shutdown_matrix.cpp has every order in every state.)

#include <facade/support.hpp>

#include <support/leftovers.hpp>

#include <boost/asio/executor_work_guard.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <ranges>
#include <thread>
#include <vector>

#include <unistd.h>

namespace {

using namespace procpool::testing;
using namespace std::chrono_literals;
using procpool::errc;
using procpool::pool_options;
using procpool::process_pool;

int triple(int value) {
    return 3 * value;
}

// A stream that the program keeps, and never reads on, is nothing that a terminated pool would have to wait for.
void check_end_beside_streams(const std::function<void(process_pool&)>& end) {
    const leftovers before = leftovers::now();
    {
        asio::io_context context;
        process_pool pool(context, {.workers = 2});
        auto never_read = pool.imap(triple, std::views::iota(0));
        auto half_read = pool.imap_unordered(triple, std::views::iota(0, 1000));
        auto read_to_the_end = pool.imap(triple, std::views::iota(0, 3));
        seen<std::optional<int>> one;
        std::array<seen<std::optional<int>>, 4> all;
        half_read.next()(one.handler());
        for (auto& each : all)
            read_to_the_end.next()(each.handler());
        BOOST_REQUIRE(run_for(context, patience, [&] { return one.over() && all.back().over(); }));
        BOOST_TEST(!one.error);
        BOOST_TEST(!all.back().value->has_value());
        end(pool);
        seen<void> joined;
        pool.join()(joined.handler());
        BOOST_REQUIRE(run_for(context, patience)); // so the context has nothing left to do, either
        BOOST_TEST(joined.calls == 1);
        BOOST_TEST(!joined.error);
        // What is asked for afterwards tells why there is nothing more.
        std::deque<seen<std::optional<int>>> later;
        bool refused = false;
        while (later.empty() || later.back().error || (later.back().value && *later.back().value)) {
            never_read.next()(later.emplace_back().handler());
            BOOST_REQUIRE(run_for(context, patience, [&] { return later.back().over(); }));
            refused = refused || code_of(later.back().error) == errc::pool_terminated;
            BOOST_REQUIRE(later.size() < 10'000u);
        }
        BOOST_TEST(refused);
    }
    BOOST_TEST(wait_for_no_leftovers(before) == "");
}

int leave_something_that_never_ends() {
    static const struct obstinate {
        ~obstinate() {
            for (;;)
                ::pause();
        }
    } at_exit;
    return ::getpid();
}

enum class moment { at_once, starting, idle };

/// Submits from several threads until each of them was refused, while this one ends the pool.
template <class End>
void check_submitting_beside(End end) {
    asio::io_context context;
    auto work = asio::make_work_guard(context);
    std::thread runner([&] { context.run(); });
    auto pool = std::make_unique<process_pool>(context, pool_options{.workers = 2});
    constexpr int threads = 3;
    struct log {
        std::deque<seen<int>> told; // of which each thread has its own
        std::atomic<int> submitted = 0;
        std::atomic<int> completed = 0;
    };
    constexpr int most_waiting = 20'000; // for all of them at once there may not be the memory
    std::array<log, threads> logs;
    std::atomic<bool> refused = false;
    std::vector<std::thread> submitters;
    for (log& mine : logs)
        submitters.emplace_back([&] {
            for (int behind = 0; behind != 100; behind += refused ? 1 : 0) {
                auto& one = mine.told.emplace_back();
                pool->submit(triple, mine.submitted)([&](std::exception_ptr error, int value) {
                    refused = refused || error;
                    one.handler()(std::move(error), value);
                    ++mine.completed;
                });
                if (++mine.submitted % 100 == 0)
                    std::this_thread::yield();
                while (mine.submitted - mine.completed > most_waiting)
                    std::this_thread::yield();
            }
        });
    BOOST_TEST(
        wait_until([&] { return std::ranges::all_of(logs, [](const log& one) { return one.submitted > 50; }); }));
    end(*pool);
    for (std::thread& one : submitters)
        one.join();
    for (const log& one : logs)
        BOOST_TEST(wait_until(
            [&] { return std::ranges::all_of(one.told, [](const auto& each) { return each.over(); }); }, patience));
    pool.reset();
    work.reset();
    runner.join();
    std::size_t wrong = 0;
    for (const log& mine : logs) {
        bool closed = false; // what a thread submits after it was refused once is refused too
        for (std::size_t i = 0; i != mine.told.size(); ++i) {
            const auto& one = mine.told[i];
            const auto code = code_of(one.error);
            closed = closed || code == errc::pool_closed;
            const bool right = one.error ? code == errc::pool_closed || code == errc::pool_terminated
                                         : !closed && one.value == 3 * static_cast<int>(i);
            wrong += one.calls != 1 || !right;
        }
        BOOST_TEST(code_of(mine.told.back().error) != boost::system::error_code());
    }
    BOOST_TEST(wrong == 0u);
}

} // namespace

BOOST_AUTO_TEST_SUITE(shutdown_races)

BOOST_AUTO_TEST_CASE(several_threads_submit_while_the_pool_is_closed_shut_down_and_terminated) {
    for (int round = 0; round != 5; ++round) {
        check_submitting_beside([](process_pool& pool) { pool.close(); });
        check_submitting_beside([](process_pool& pool) { pool.shutdown(1ms).start(); });
        check_submitting_beside([](process_pool& pool) { pool.terminate(); });
    }
}

BOOST_AUTO_TEST_CASE(handlers_submit_the_next_task_until_the_pool_is_closed) {
    for (const bool terminated : {false, true}) {
        asio::io_context context;
        process_pool pool(context, {.workers = 2});
        int completed = 0;
        int ended = 0;
        std::function<void(int)> go_on = [&](int number) {
            pool.submit(triple, number)([&, number](std::exception_ptr error, int value) {
                if (error) {
                    const auto code = code_of(error);
                    BOOST_TEST((code == errc::pool_closed || (terminated && code == errc::pool_terminated)));
                    ++ended;
                    return;
                }
                BOOST_TEST(value == 3 * number);
                if (++completed == 200)
                    terminated ? pool.terminate() : pool.close();
                go_on(number + 1);
            });
        };
        for (int chain = 0; chain != 10; ++chain)
            go_on(chain);
        BOOST_TEST(run_for(context, patience)); // so nothing of the pool is left, though it was not destroyed
        BOOST_TEST(ended == 10);
        BOOST_TEST(completed >= 200);
        const auto stats = pool.stats();
        BOOST_TEST(stats.workers_idle + stats.workers_busy + stats.workers_starting == 0u);
    }
}

BOOST_AUTO_TEST_CASE(operations_are_called_off_while_the_pool_starts_and_while_it_ends) {
    const std::function<void(process_pool&)> ends[] = {
        [](process_pool&) {},
        [](process_pool& pool) { pool.close(); },
        [](process_pool& pool) { pool.shutdown(1min)([](std::exception_ptr) {}); },
        [](process_pool& pool) { pool.terminate(); },
    };
    for (const auto& end : ends)
        for (const moment now : {moment::at_once, moment::starting, moment::idle})
            for (const bool called_off_first : {true, false}) {
                asio::io_context context;
                process_pool pool(context, {.workers = 2});
                if (now == moment::idle)
                    BOOST_TEST_REQUIRE(run_for(context, patience, [&] { return pool.stats().workers_idle == 2; }));
                std::vector<procpool::task_handle<int>> singles;
                for (int i = 0; i != 20; ++i)
                    singles.push_back(pool.submit(triple, i).start());
                auto batch = pool.map(triple, std::views::iota(0, 1000)).start();
                auto settled = pool.map_settled(triple, std::views::iota(0, 1000)).start();
                if (now == moment::starting)
                    BOOST_TEST(run_for(context, patience, [&] { return pool.stats().workers_started != 0; }));
                if (!called_off_first)
                    end(pool);
                for (auto& one : singles)
                    one.cancel();
                batch.cancel();
                settled.cancel();
                if (called_off_first)
                    end(pool);
                BOOST_TEST(run_for(context, patience, [&] {
                    return std::ranges::all_of(singles, [](const auto& one) { return one.ready(); }) && batch.ready() &&
                           settled.ready();
                }));
                const auto code = [](auto& handle) {
                    try {
                        handle.get();
                    } catch (const boost::system::system_error& error) {
                        return error.code();
                    }
                    return boost::system::error_code();
                };
                for (auto& one : singles)
                    BOOST_TEST((one.successful() || code(one) == asio::error::operation_aborted ||
                                code(one) == errc::pool_terminated));
                // Nobody was left out, and nothing waits that was called off.
                BOOST_TEST(pool.stats().tasks_waiting + pool.stats().tasks_with_workers == 0u);
                pool.close();
                BOOST_TEST(run_for(context, patience));
            }
}

BOOST_AUTO_TEST_CASE(a_pool_with_its_own_thread_is_destroyed_in_a_handler_on_that_thread) {
    const leftovers before = leftovers::now();
    for (const bool with_others : {false, true}) {
        std::optional<process_pool> pool(std::in_place, pool_options{.workers = 2});
        std::promise<void> destroyed;
        std::deque<seen<int>> others;
        seen<std::vector<int>> batch;
        pool->submit(triple, 1)([&](std::exception_ptr, int) {
            if (with_others) {
                for (int i = 0; i != 100; ++i)
                    pool->submit(triple, i)(others.emplace_back().handler());
                pool->map(triple, std::views::iota(0, 1000))(batch.handler());
            }
            pool.reset();
            destroyed.set_value();
        });
        BOOST_TEST_REQUIRE((destroyed.get_future().wait_for(patience) == std::future_status::ready));
        // The thread goes on until all is told, and then ends by itself.
        BOOST_TEST(wait_until(
            [&] {
                return std::ranges::all_of(others, [](const auto& one) { return one.over(); }) &&
                       (!with_others || batch.over());
            },
            patience));
        for (const auto& one : others)
            BOOST_TEST(one.calls == 1);
        BOOST_TEST(wait_for_no_leftovers(before) == "");
    }
}

BOOST_AUTO_TEST_CASE(a_pool_that_is_terminated_does_not_wait_for_streams_that_are_kept_and_not_read) {
    check_end_beside_streams([](process_pool& pool) { pool.terminate(); });
    check_end_beside_streams([](process_pool& pool) { pool.shutdown(1ms)([](std::exception_ptr) {}); });
    check_end_beside_streams([](process_pool& pool) {
        pool.close();
        pool.terminate();
    });
}

BOOST_AUTO_TEST_CASE(a_worker_that_never_comes_to_its_end_by_itself_holds_nobody_up_for_long) {
    asio::io_context context;
    process_pool pool(context, {.workers = 1});
    BOOST_TEST(run(context, pool.submit(leave_something_that_never_ends)) > 0);
    pool.close();
    BOOST_TEST(!run_to_error(context, pool.join()));
    BOOST_TEST(pool.stats().workers_died == 0u); // it was told to go
}

BOOST_AUTO_TEST_SUITE_END()
