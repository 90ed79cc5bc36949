// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// doc/coming-from-python.md, the tables of multiprocessing.Pool and AsyncResult.
// Its C++ stands here line by line, which check_code sees to; change both together.

#include <documentation/tasks.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <optional>
#include <set>
#include <stdexcept>
#include <utility>
#include <variant>

#include <unistd.h>

namespace {

using namespace procpool::testing;
using namespace std::chrono;
using namespace boost::asio::experimental::awaitable_operators;
using boost::test_tools::per_element;

const std::vector<int> expected_squares{1, 4, 9, 16};
const std::vector<int> expected_sums{3, 7};

} // namespace

BOOST_AUTO_TEST_SUITE(making_a_pool)

BOOST_AUTO_TEST_CASE(with_as_many_workers_as_there_are_cpus) {
    procpool::process_pool pool;
    BOOST_TEST(pool.submit(add, 2, 3).get() == 5);
    std::size_t cpus = procpool::available_parallelism();
    const auto all_there = [&] {
        const auto now = pool.stats();
        return now.workers_starting + now.workers_idle + now.workers_busy == cpus;
    };
    BOOST_TEST(wait_until(all_there, patience));
}

BOOST_AUTO_TEST_CASE(with_so_many_workers) {
    procpool::process_pool pool{{.workers = 2}};
    BOOST_TEST(pool.submit(worker_pid).get() != ::getpid());
    BOOST_TEST(wait_until([&] { return pool.stats().workers_started == 2; }, patience));
}

BOOST_AUTO_TEST_CASE(with_an_initializer) {
    procpool::process_pool pool{{.initializer = procpool::bind(set_up, "de", 2)}};
    BOOST_TEST(pool.submit(setting).get() == "de 2");
}

BOOST_AUTO_TEST_CASE(with_a_limit_of_tasks) {
    procpool::process_pool pool{{.max_tasks_per_worker = 1}};
    std::set<int> pids;
    for (int i = 0; i != 5; ++i)
        pids.insert(pool.submit(worker_pid).get());
    BOOST_TEST(pids.size() == 5u);
}

BOOST_AUTO_TEST_CASE(with_a_fork_server) {
    procpool::process_pool pool{{.method = procpool::start_method::forkserver}};
    BOOST_TEST(pool.submit(worker_pid).get() != ::getpid());
}

BOOST_AUTO_TEST_CASE(on_a_context) {
    asio::io_context context;
    {
        procpool::process_pool pool(context);
        BOOST_TEST(run(context, pool.submit(add, 2, 3)) == 5);
    }
    {
        procpool::process_pool pool(context, {.workers = 2});
        BOOST_TEST(run(context, pool.submit(add, 2, 3)) == 5);
        BOOST_TEST(run_for(context, patience, [&] { return pool.stats().workers_started == 2; }));
    }
    {
        procpool::process_pool pool(context, {.initializer = procpool::bind(set_up, "de", 2)});
        BOOST_TEST(run(context, pool.submit(setting)) == "de 2");
    }
    {
        procpool::process_pool pool(context, {.max_tasks_per_worker = 1});
        const int first = run(context, pool.submit(worker_pid));
        BOOST_TEST(run(context, pool.submit(worker_pid)) != first);
    }
    {
        procpool::process_pool pool(context, {.method = procpool::start_method::forkserver});
        BOOST_TEST(run(context, pool.submit(worker_pid)) != ::getpid());
    }
}

BOOST_FIXTURE_TEST_CASE(for_a_block, used) {
    std::vector<int> squares;
    {
        procpool::process_pool pool{{.workers = 2}};
        squares = pool.map(square, inputs).get();
    }
    BOOST_TEST(squares == expected_squares, per_element());
}

BOOST_FIXTURE_TEST_CASE(for_a_block_of_a_coroutine, used) {
    asio::io_context context;
    run(context, [&]() -> asio::awaitable<void> {
        std::vector<int> squares;
        {
            procpool::process_pool pool(context, {.workers = 2});
            squares = co_await pool.map(square, inputs);
        }
        BOOST_TEST(squares == expected_squares, per_element());
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(calls_that_block, blocking)

BOOST_AUTO_TEST_CASE(one_call) {
    int sum = pool.submit(add, 2, 3).get();
    BOOST_TEST(sum == 5);
}

BOOST_AUTO_TEST_CASE(one_call_with_the_result_later) {
    auto handle = pool.submit(add, 2, 3).start();
    BOOST_TEST(handle.get() == 5);
}

BOOST_AUTO_TEST_CASE(one_call_with_callbacks) {
    pool.submit(add, 2, 3)([&](std::exception_ptr error, int sum) { error ? failed(error) : done(sum); });
    BOOST_TEST(wait_until([&] { return total == 5; }, patience));
    BOOST_TEST(errors == 0);
}

BOOST_AUTO_TEST_CASE(a_map) {
    std::vector<int> squares = pool.map(square, inputs).get();
    BOOST_TEST(squares == expected_squares, per_element());
}

BOOST_AUTO_TEST_CASE(a_map_in_chunks) {
    std::vector<int> squares = pool.map(square, inputs, {.chunk_size = 10}).get();
    BOOST_TEST(squares == expected_squares, per_element());
}

BOOST_AUTO_TEST_CASE(a_map_with_the_results_later) {
    auto handle = pool.map(square, inputs).start();
    BOOST_TEST(handle.get() == expected_squares, per_element());
}

BOOST_AUTO_TEST_CASE(a_map_with_callbacks) {
    auto tell = [&](std::exception_ptr error, std::vector<int> all) { error ? failed(error) : all_done(all); };
    pool.map(square, inputs)(tell);
    BOOST_TEST(wait_until([&] { return total == 30; }, patience));
    inputs[1] = -1;
    pool.map(square, inputs)(tell);
    BOOST_TEST(wait_until([&] { return errors == 1; }, patience));
    pool.starmap(add, pairs)(tell);
    BOOST_TEST(wait_until([&] { return total == 40; }, patience));
}

BOOST_AUTO_TEST_CASE(a_stream_in_order) {
    std::vector<int> squares;
    for (int squared : pool.imap(square, inputs))
        squares.push_back(squared);
    BOOST_TEST(squares == expected_squares, per_element());
}

BOOST_AUTO_TEST_CASE(a_stream_in_chunks) {
    std::vector<int> squares;
    for (int squared : pool.imap(square, inputs, {.chunk_size = 10}))
        squares.push_back(squared);
    BOOST_TEST(squares == expected_squares, per_element());
}

BOOST_AUTO_TEST_CASE(a_stream_that_reads_ahead_so_far) {
    std::vector<int> squares;
    for (int squared : pool.imap(square, inputs, {.window = 2}))
        squares.push_back(squared);
    BOOST_TEST(squares == expected_squares, per_element());
}

BOOST_AUTO_TEST_CASE(a_stream_as_results_come) {
    std::multiset<int> squares;
    for (int squared : pool.imap_unordered(square, inputs))
        squares.insert(squared);
    BOOST_TEST(squares == std::multiset<int>(expected_squares.begin(), expected_squares.end()), per_element());
}

BOOST_AUTO_TEST_CASE(one_result_of_a_stream) {
    inputs = {7};
    auto stream = pool.imap(square, inputs);
    const auto take = [&] {
        std::optional<int> squared = stream.next().get();
        return squared;
    };
    BOOST_TEST(take().value_or(0) == 49);
    BOOST_TEST(!take());
}

BOOST_AUTO_TEST_CASE(one_result_of_a_stream_if_it_comes_in_time) {
    auto stream = pool.imap(pass_the_gate, std::vector{door.path()});
    auto limit = 1ms;
    auto next = stream.next().start();
    bool in_time = next.wait_for(limit);
    BOOST_TEST(!in_time);
    door.open();
    BOOST_TEST(next.wait_for(patience));
    BOOST_TEST(next.get().value_or(0) == 1);
}

BOOST_AUTO_TEST_CASE(a_map_of_several_arguments) {
    std::vector<int> sums = pool.starmap(add, pairs).get();
    BOOST_TEST(sums == expected_sums, per_element());
}

BOOST_AUTO_TEST_CASE(a_map_of_several_arguments_in_chunks) {
    std::vector<int> sums = pool.starmap(add, pairs, {.chunk_size = 10}).get();
    BOOST_TEST(sums == expected_sums, per_element());
}

BOOST_AUTO_TEST_CASE(a_map_of_several_arguments_with_the_results_later) {
    auto handle = pool.starmap(add, pairs).start();
    BOOST_TEST(handle.get() == expected_sums, per_element());
}

BOOST_AUTO_TEST_CASE(closing_and_joining) {
    auto handle = pool.submit(add, 2, 3).start();
    pool.close();
    pool.join().get();
    BOOST_TEST(handle.ready());
    BOOST_TEST(handle.get() == 5);
    BOOST_TEST(pool.stats().workers_idle == 0u);
    BOOST_TEST(code_of(pool.submit(add, 2, 3)) == procpool::errc::pool_closed);
}

BOOST_AUTO_TEST_CASE(terminating) {
    auto handle = pool.submit(pass_gate, door.path(), 1).start();
    BOOST_REQUIRE(wait_until([&] { return door.begun(1); }, patience));
    pool.terminate();
    BOOST_TEST(code_of(handle.result()) == procpool::errc::pool_terminated);
    pool.join().get();
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(calls_that_are_awaited, awaiting)

BOOST_AUTO_TEST_CASE(one_call) {
    run([&]() -> asio::awaitable<void> {
        int sum = co_await pool.submit(add, 2, 3);
        BOOST_TEST(sum == 5);
    });
}

BOOST_AUTO_TEST_CASE(one_call_with_callbacks) {
    pool.submit(add, 2, 3)([&](std::exception_ptr error, int sum) { error ? failed(error) : done(sum); });
    BOOST_TEST(total == 0);
    BOOST_TEST(run_for(context, patience, [&] { return total == 5; }));
    pool.submit(square, -1)([&](std::exception_ptr error, int sum) { error ? failed(error) : done(sum); });
    BOOST_TEST(run_for(context, patience, [&] { return errors == 1; }));
}

BOOST_AUTO_TEST_CASE(a_map) {
    run([&]() -> asio::awaitable<void> {
        std::vector<int> squares = co_await pool.map(square, inputs);
        BOOST_TEST(squares == expected_squares, per_element());
    });
}

BOOST_AUTO_TEST_CASE(a_map_in_chunks) {
    run([&]() -> asio::awaitable<void> {
        procpool::batch_options tens{.chunk_size = 10};
        std::vector<int> squares = co_await pool.map(square, inputs, tens);
        BOOST_TEST(squares == expected_squares, per_element());
    });
}

BOOST_AUTO_TEST_CASE(a_stream_in_order) {
    run([&]() -> asio::awaitable<void> {
        std::vector<int> squares;
        auto stream = pool.imap(square, inputs);
        while (auto squared = co_await stream.next())
            squares.push_back(*squared);
        BOOST_TEST(squares == expected_squares, per_element());
    });
}

BOOST_AUTO_TEST_CASE(streams_with_options) {
    run([&]() -> asio::awaitable<void> {
        auto stream = pool.imap(square, inputs, {.chunk_size = 10});
        std::optional<int> squared = co_await stream.next();
        BOOST_TEST(squared.value_or(0) == 1);
    });
    run([&]() -> asio::awaitable<void> {
        auto stream = pool.imap(square, inputs, {.window = 2});
        std::optional<int> squared = co_await stream.next();
        BOOST_TEST(squared.value_or(0) == 1);
        BOOST_TEST(pool.stats().tasks_submitted < 7u);
    });
}

BOOST_AUTO_TEST_CASE(a_stream_as_results_come) {
    run([&]() -> asio::awaitable<void> {
        std::multiset<int> squares;
        auto stream = pool.imap_unordered(square, inputs);
        while (auto squared = co_await stream.next())
            squares.insert(*squared);
        BOOST_TEST(squares == std::multiset<int>(expected_squares.begin(), expected_squares.end()), per_element());
    });
}

BOOST_AUTO_TEST_CASE(one_result_of_a_stream_if_it_comes_in_time) {
    auto stream = pool.imap(pass_the_gate, std::vector{door.path()});
    const auto take = [&](milliseconds limit) -> asio::awaitable<std::optional<int>> {
        asio::steady_timer timer(context, limit);
        auto next = stream.next()(asio::as_tuple(asio::use_awaitable));
        auto first = co_await (std::move(next) || timer.async_wait(asio::use_awaitable));
        bool in_time = first.index() == 0;
        if (!in_time)
            co_return std::nullopt;
        auto [error, passed] = std::get<0>(first);
        BOOST_TEST(!error);
        co_return passed;
    };
    run([&]() -> asio::awaitable<void> {
        std::optional<int> passed = co_await take(1ms);
        BOOST_TEST(!passed.has_value());
        door.open();
        passed = co_await take(patience);
        BOOST_TEST(passed.value_or(0) == 1);
        passed = co_await take(patience);
        BOOST_TEST(!passed.has_value());
    });
}

BOOST_AUTO_TEST_CASE(maps_of_several_arguments) {
    run([&]() -> asio::awaitable<void> {
        std::vector<int> sums = co_await pool.starmap(add, pairs);
        BOOST_TEST(sums == expected_sums, per_element());
    });
    run([&]() -> asio::awaitable<void> {
        procpool::batch_options tens{.chunk_size = 10};
        std::vector<int> sums = co_await pool.starmap(add, pairs, tens);
        BOOST_TEST(sums == expected_sums, per_element());
    });
}

BOOST_AUTO_TEST_CASE(closing_and_joining) {
    auto handle = pool.submit(add, 2, 3).start();
    run([&]() -> asio::awaitable<void> {
        pool.close();
        co_await pool.join();
        BOOST_TEST(handle.get() == 5);
    });
    BOOST_TEST(run_for(context, patience)); // nothing keeps the context busy any more
}

BOOST_AUTO_TEST_SUITE_END()
