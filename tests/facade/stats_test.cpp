// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// What stats says, at every moment.

#include <facade/support.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include <unistd.h>

namespace {

using namespace procpool::testing;
using procpool::pool_stats;
using procpool::process_pool;

int work(int number) {
    if (number % 10 == 3)
        throw std::range_error("a three");
    if (number % 100 == 7)
        ::_exit(1);
    return number;
}

bool adds_up(const pool_stats& now) {
    return now.tasks_submitted ==
           now.tasks_waiting + now.tasks_with_workers + now.tasks_completed + now.tasks_failed + now.tasks_cancelled;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(statistics, two_workers)

BOOST_AUTO_TEST_CASE(are_zero_at_first) {
    const pool_stats now = pool.stats();
    BOOST_TEST(now.tasks_submitted == 0u);
    BOOST_TEST(now.tasks_waiting + now.tasks_with_workers == 0u);
    BOOST_TEST(now.tasks_completed + now.tasks_failed + now.tasks_cancelled == 0u);
    BOOST_TEST(now.workers_idle + now.workers_busy == 0u);
    BOOST_TEST(now.workers_died == 0u);
}

BOOST_AUTO_TEST_CASE(count_workers_as_they_start_idle_and_work) {
    BOOST_TEST(run_until([&] { return pool.stats().workers_idle == 2; }));
    BOOST_TEST(pool.stats().workers_started == 2u);
    BOOST_TEST(pool.stats().workers_starting == 0u);
    BOOST_TEST(pool.stats().workers_busy == 0u);
    const gate door;
    seen<int> result;
    pool.submit(pass_gate, door.path(), 1)(result.handler());
    BOOST_REQUIRE(run_until([&] { return door.begun(1); }));
    BOOST_TEST(pool.stats().workers_busy == 1u);
    BOOST_TEST(pool.stats().workers_idle == 1u);
    BOOST_TEST(pool.stats().tasks_with_workers == 1u);
    door.open();
    BOOST_REQUIRE(run_until([&] { return result.over(); }));
    BOOST_TEST(run_until([&] { return pool.stats().workers_idle == 2; }));
    BOOST_TEST(pool.stats().tasks_completed == 1u);
}

BOOST_AUTO_TEST_CASE(add_up_after_every_handler) {
    std::deque<seen<int>> results;
    std::deque<asio::cancellation_signal> signals;
    int wrong = 0;
    for (int i = 0; i != 1000; ++i) {
        pool.submit(work,
                    i)(asio::bind_cancellation_slot(signals.emplace_back().slot(), results.emplace_back().handler()));
        wrong += !adds_up(pool.stats());
    }
    int emitted = 0;
    BOOST_TEST(run_until([&] {
        const pool_stats now = pool.stats();
        wrong += !adds_up(now);
        if (emitted != 1000 && now.tasks_completed > static_cast<std::size_t>(emitted)) {
            signals[static_cast<std::size_t>(999 - emitted)].emit(asio::cancellation_type::total);
            ++emitted;
            wrong += !adds_up(pool.stats());
        }
        return now.tasks_waiting + now.tasks_with_workers == 0;
    }));
    BOOST_TEST(wrong == 0);
    const pool_stats end = pool.stats();
    BOOST_TEST(end.tasks_submitted == 1000u);
    BOOST_TEST(end.tasks_completed + end.tasks_failed + end.tasks_cancelled == 1000u);

    // They say the same as the handlers were told.
    BOOST_TEST(run_until([&] {
        for (const auto& one : results)
            if (!one.over())
                return false;
        return true;
    }));
    std::size_t completed = 0;
    std::size_t cancelled = 0;
    std::size_t died = 0;
    for (const auto& one : results) {
        if (!one.error)
            ++completed;
        else
            try {
                std::rethrow_exception(one.error);
            } catch (const procpool::worker_died&) {
                ++died;
            } catch (const boost::system::system_error& error) {
                cancelled += error.code() == asio::error::operation_aborted;
            } catch (const std::range_error&) {
            }
    }
    BOOST_TEST(end.tasks_completed == completed);
    BOOST_TEST(end.tasks_cancelled == cancelled);
    BOOST_TEST(end.tasks_failed == 1000 - completed - cancelled);
    BOOST_TEST(pool.stats().workers_died == died);
}

BOOST_AUTO_TEST_CASE(add_up_as_other_threads_see_them) {
    process_pool own({.workers = 2});
    std::atomic<bool> stop = false;
    std::atomic<int> wrong = 0;
    std::thread watcher([&] {
        while (!stop)
            wrong += !adds_up(own.stats());
    });
    std::deque<procpool::task_handle<int>> handles;
    for (int i = 0; i != 2000; ++i) {
        handles.push_back(own.submit(work, i).start());
        if (i % 5 == 0)
            handles.back().cancel();
    }
    own.map(std::negate<>{}, std::vector<int>(1000)).get();
    for (auto& one : handles)
        BOOST_TEST(one.wait_for(patience));
    stop = true;
    watcher.join();
    BOOST_TEST(wrong == 0);
    const pool_stats end = own.stats();
    BOOST_TEST(end.tasks_waiting + end.tasks_with_workers == 0u);
    BOOST_TEST(adds_up(end));
}

BOOST_AUTO_TEST_CASE(show_nothing_left_at_the_end) {
    for (int i = 0; i != 100; ++i)
        pool.submit(work, 1)([](auto&&...) {});
    pool.close();
    run(context, pool.join());
    const pool_stats now = pool.stats();
    BOOST_TEST(now.workers_starting + now.workers_idle + now.workers_busy == 0u);
    BOOST_TEST(now.tasks_waiting + now.tasks_with_workers == 0u);
    BOOST_TEST(now.tasks_completed == 100u);
    BOOST_TEST(now.workers_died == 0u);
}

BOOST_AUTO_TEST_CASE(count_what_was_refused_as_submitted_and_failed) {
    pool.close();
    run_to_error(context, pool.submit(work, 1));
    BOOST_TEST(pool.stats().tasks_submitted == 1u);
    BOOST_TEST(pool.stats().tasks_failed == 1u);
    BOOST_TEST(adds_up(pool.stats()));
    pool.terminate();
    run_to_error(context, pool.submit(work, 1));
    BOOST_TEST(pool.stats().tasks_submitted == 2u);
    BOOST_TEST(adds_up(pool.stats()));
    run(context, pool.join());
    const pool_stats now = pool.stats();
    BOOST_TEST(now.workers_starting + now.workers_idle + now.workers_busy == 0u);
}

BOOST_AUTO_TEST_CASE(count_termination_as_failure) {
    const gate closed;
    for (int i = 0; i != 50; ++i)
        pool.submit(pass_gate, closed.path(), i)([](auto&&...) {});
    BOOST_REQUIRE(run_until([&] { return closed.count() == 2; }));
    BOOST_TEST(pool.stats().tasks_waiting + pool.stats().tasks_with_workers == 50u);
    pool.terminate();
    run(context, pool.join());
    BOOST_TEST(pool.stats().tasks_failed == 50u);
    BOOST_TEST(adds_up(pool.stats()));
}

BOOST_AUTO_TEST_SUITE_END()
