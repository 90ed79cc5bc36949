// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Where and when handlers run, and that a submission is lazy.

#include <facade/samples.hpp>
#include <facade/support.hpp>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/asio/thread_pool.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace {

using namespace procpool::testing;
using procpool::errc;
using procpool::process_pool;
using procpool::submission;

int add(int left, int right) {
    return left + right;
}

/// A type of which no value can be encoded.
struct unencodable {
    template <class Archive>
    void serialize(Archive&, unsigned) {
        throw std::domain_error("cannot be encoded");
    }
};

int take(const unencodable&) {
    return 1;
}

/// Calls `start` with a handler, inside a handler of the context and outside, and looks whether it is called in there.
template <class Start>
void check_not_within(small_pool& with, Start start) {
    for (const bool from_inside : {true, false}) {
        bool within = false;
        int calls = 0;
        const auto initiate = [&] {
            within = true;
            start([&](std::exception_ptr, auto&&...) {
                BOOST_TEST(!within);
                ++calls;
            });
            within = false;
        };
        if (from_inside)
            asio::post(with.context, initiate);
        else
            initiate();
        BOOST_TEST(with.run_until([&] { return calls == 1; }));
    }
}

/// The operations whose handlers must not be called from within their initiation, whatever state the pool is in.
void check_all_not_within(small_pool& with) {
    const std::vector<int> none;
    const std::vector<std::pair<int, int>> some{{1, 2}};
    const std::vector<unencodable> bad(1);
    check_not_within(with, [&](auto handler) { with.pool.submit(add, 1, 2)(handler); });
    check_not_within(with, [&](auto handler) { with.pool.submit(take, unencodable{})(handler); });
    check_not_within(with, [&](auto handler) { with.pool.starmap(add, some)(handler); });
    check_not_within(with, [&](auto handler) { with.pool.map(std::negate<>{}, none)(handler); });
    check_not_within(with, [&](auto handler) { with.pool.map(take, bad)(handler); });
    check_not_within(with,
                     [&](auto handler) { with.pool.submit(add, 1, 2)(asio::bind_executor(with.context, handler)); });
    auto handle = with.pool.submit(add, 1, 2).start();
    BOOST_REQUIRE(with.run_until([&] { return handle.ready(); }));
    check_not_within(with, [&](auto handler) { handle.result()(handler); });
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(handler, one_worker)

BOOST_AUTO_TEST_CASE(never_runs_within_the_initiating_call) {
    check_all_not_within(*this);
}

BOOST_AUTO_TEST_CASE(never_runs_within_the_initiating_call_of_a_closed_pool) {
    pool.close();
    check_all_not_within(*this);
    check_not_within(*this, [&](auto completion) { pool.join()(completion); });
}

BOOST_AUTO_TEST_CASE(never_runs_within_the_initiating_call_of_a_terminated_pool) {
    pool.terminate();
    check_all_not_within(*this);
    check_not_within(*this, [&](auto completion) { pool.join()(completion); });
    check_not_within(*this, [&](auto completion) { pool.shutdown(std::chrono::seconds(0))(completion); });
}

BOOST_AUTO_TEST_CASE(never_runs_within_the_initiating_call_even_on_the_system_executor) {
    pool.terminate();
    for (int i = 0; i != 20; ++i) {
        std::atomic<std::thread::id> where;
        std::atomic<int> calls = 0;
        pool.submit(take, unencodable{})(asio::bind_executor(asio::system_executor(), [&](auto&&...) {
            where = std::this_thread::get_id();
            ++calls;
        }));
        if (where.load() == std::this_thread::get_id())
            BOOST_ERROR("called by the initiating function");
        BOOST_REQUIRE(run_until([&] { return calls == 1; }));
    }
}

BOOST_AUTO_TEST_CASE(runs_on_the_pools_executor_by_default) {
    std::thread::id where;
    pool.submit(add, 1, 2)([&](std::exception_ptr, int) { where = std::this_thread::get_id(); });
    BOOST_TEST(run_until([&] { return where != std::thread::id(); }));
    BOOST_TEST((where == std::this_thread::get_id())); // which is the only thread that runs the context
}

BOOST_AUTO_TEST_CASE(runs_on_the_pools_own_thread_by_default_if_it_has_one) {
    process_pool own({.workers = 1});
    std::atomic<std::thread::id> first;
    std::atomic<std::thread::id> second;
    std::atomic<int> calls = 0;
    own.submit(add, 1, 2)([&](std::exception_ptr, int) { first = std::this_thread::get_id(), ++calls; });
    asio::post(own.get_executor(), [&] { second = std::this_thread::get_id(), ++calls; });
    BOOST_REQUIRE(wait_until([&] { return calls == 2; }));
    BOOST_TEST((first.load() == second.load()));
    BOOST_TEST((first.load() != std::this_thread::get_id()));
}

BOOST_AUTO_TEST_CASE(the_pools_executor_is_the_one_it_was_given) {
    BOOST_TEST((pool.get_executor() == asio::any_io_executor(context.get_executor())));
    auto strand = asio::make_strand(context);
    process_pool other(strand, {.workers = 1});
    BOOST_TEST((other.get_executor() == asio::any_io_executor(strand)));
}

BOOST_AUTO_TEST_CASE(runs_on_a_strand) {
    auto strand = asio::make_strand(context);
    int inside = 0;
    int calls = 0;
    for (int i = 0; i != 50; ++i)
        pool.submit(add, i, 0)(asio::bind_executor(strand, [&](std::exception_ptr, int) {
            inside += strand.running_in_this_thread();
            ++calls;
        }));
    BOOST_TEST(run_until([&] { return calls == 50; }));
    BOOST_TEST(inside == 50);
}

BOOST_AUTO_TEST_CASE(runs_on_another_context_which_it_keeps_busy) {
    asio::io_context other;
    seen<int> result;
    std::thread::id where;
    pool.submit(add, 1, 2)(asio::bind_executor(other, [&](std::exception_ptr, int value) {
        where = std::this_thread::get_id();
        result.value = value;
    }));
    std::thread runner([&] { other.run(); }); // returns as soon as nothing is left to be done there
    const std::thread::id there = runner.get_id();
    std::atomic<bool> returned = false;
    std::thread watcher([&] { runner.join(), returned = true; });
    BOOST_TEST(run_until([&] { return returned.load(); }));
    watcher.join();
    BOOST_TEST((where == there));
    BOOST_TEST(result.value.value_or(0) == 3);
}

BOOST_AUTO_TEST_CASE(runs_on_a_thread_pool) {
    asio::thread_pool threads(2);
    std::atomic<int> inside = 0;
    std::atomic<int> calls = 0;
    for (int i = 0; i != 50; ++i)
        pool.submit(add, i, 0)(asio::bind_executor(threads, [&](std::exception_ptr, int) {
            inside += threads.get_executor().running_in_this_thread();
            ++calls;
        }));
    BOOST_TEST(run_until([&] { return calls == 50; }));
    BOOST_TEST(inside == 50);
    threads.join();
}

BOOST_AUTO_TEST_CASE(runs_on_its_executor_for_batches_handles_and_joining_too) {
    asio::thread_pool threads(1);
    std::atomic<int> inside = 0;
    std::atomic<int> calls = 0;
    auto count = asio::bind_executor(threads, [&](auto&&...) {
        inside += threads.get_executor().running_in_this_thread();
        ++calls;
    });
    const std::vector<int> some{1, 2, 3};
    const std::vector<unencodable> bad(1);
    pool.map(std::negate<>{}, some)(count);
    pool.map(std::negate<>{}, std::vector<int>())(count);
    pool.map(take, bad)(count);
    auto handle = pool.submit(add, 1, 2).start();
    handle.result()(count);
    BOOST_REQUIRE(run_until([&] { return calls == 4; }));
    handle.result()(count);
    pool.shutdown(patience)(count);
    pool.join()(count);
    BOOST_REQUIRE(run_until([&] { return calls == 7; }));
    pool.submit(add, 1, 2)(count);
    BOOST_REQUIRE(run_until([&] { return calls == 8; }));
    BOOST_TEST(inside == 8);
    threads.join();
}

BOOST_AUTO_TEST_CASE(runs_on_its_executor_when_the_pool_is_destroyed) {
    asio::thread_pool threads(1);
    const gate closed;
    std::atomic<int> inside = 0;
    std::atomic<int> calls = 0;
    {
        process_pool other(context, {.workers = 1});
        for (int i = 0; i != 5; ++i)
            other.submit(pass_gate, closed.path(), i)(asio::bind_executor(threads, [&](std::exception_ptr error, int) {
                inside += threads.get_executor().running_in_this_thread();
                BOOST_TEST(code_of(error) == errc::pool_terminated);
                ++calls;
            }));
        BOOST_REQUIRE(run_until([&] { return closed.begun(0); }));
    }
    BOOST_TEST(run_until([&] { return calls == 5; }));
    BOOST_TEST(inside == 5);
    threads.join();
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(lazy_submission, one_worker)

BOOST_AUTO_TEST_CASE(does_nothing_if_it_is_dropped) {
    const gate place;
    { [[maybe_unused]] const auto dropped = pool.submit(leave_mark, place.path(), 1); }
    { [[maybe_unused]] const auto dropped = pool.map(std::negate<>{}, std::vector{1, 2, 3}); }
    BOOST_TEST(run(context, pool.submit(add, 1, 2)) == 3);
    BOOST_TEST(!place.begun(1));
    BOOST_TEST(pool.stats().tasks_submitted == 1u);
}

BOOST_AUTO_TEST_CASE(does_nothing_until_it_is_started) {
    const gate place;
    auto later = pool.submit(leave_mark, place.path(), 1);
    BOOST_TEST(run(context, pool.submit(add, 1, 2)) == 3);
    BOOST_TEST(!place.begun(1));
    BOOST_TEST(run(context, std::move(later)) == 1);
    BOOST_TEST(place.begun(1));
}

BOOST_AUTO_TEST_CASE(takes_its_arguments_when_it_is_made) {
    std::vector<int> values{1, 2, 3};
    int left = 1;
    auto batch = pool.map(std::negate<>{}, values);
    auto call = pool.submit(add, left, 10);
    values.clear();
    left = 100;
    BOOST_TEST(run(context, std::move(call)) == 11);
    BOOST_TEST(run(context, std::move(batch)) == (std::vector<int>{-1, -2, -3}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(can_be_moved_before_it_is_used) {
    auto first = pool.submit(add, 1, 2);
    auto second = std::move(first);
    auto third = pool.submit(add, 10, 20);
    third = std::move(second);
    BOOST_TEST(run(context, std::move(third)) == 3);
    BOOST_CHECK_THROW(std::move(first)([](std::exception_ptr, int) {}), std::logic_error); // NOLINT: moved from
    BOOST_TEST(pool.stats().tasks_submitted == 1u);
}

template <class R>
void check_usable_once(submission<R> operation) {
    std::move(operation)([](auto&&...) {});
    BOOST_CHECK_THROW(std::move(operation)([](auto&&...) {}), std::logic_error);
    BOOST_CHECK_THROW(std::move(operation).start(), std::logic_error);
    BOOST_CHECK_THROW(std::move(operation).get(), std::logic_error);
}

BOOST_AUTO_TEST_CASE(can_be_used_once) {
    check_usable_once(pool.submit(add, 1, 2));
    check_usable_once(pool.submit(sample<void>::make));
    check_usable_once(pool.map(std::negate<>{}, std::vector{1, 2, 3}));
    check_usable_once(pool.submit(take, unencodable{}));
    auto handle = pool.submit(add, 1, 2).start();
    check_usable_once(handle.result());
    pool.close();
    check_usable_once(pool.join());
    check_usable_once(pool.shutdown(patience));
    auto started = pool.submit(add, 1, 2);
    [[maybe_unused]] const auto ignored = std::move(started).start();
    BOOST_CHECK_THROW(std::move(started)([](std::exception_ptr, int) {}), std::logic_error); // NOLINT: moved from
}

template <class R>
void check_refused(submission<R> operation) {
    const auto terminated = [](const procpool::pool_error& error) { return error.code() == errc::pool_terminated; };
    BOOST_CHECK_EXCEPTION(std::move(operation)([](auto&&...) { BOOST_ERROR("called"); }), procpool::pool_error,
                          terminated);
    BOOST_CHECK_THROW(std::move(operation)([](auto&&...) {}), std::logic_error); // for that was its use
}

BOOST_AUTO_TEST_CASE(may_outlive_its_pool_and_then_says_that_it_is_gone) {
    auto other = std::make_unique<process_pool>(context, procpool::pool_options{.workers = 1});
    auto call = other->submit(add, 1, 2);
    auto bad = other->submit(take, unencodable{});
    auto batch = other->map(std::negate<>{}, std::vector{1, 2, 3});
    auto nothing = other->map(std::negate<>{}, std::vector<int>{});
    auto started = other->submit(add, 1, 2);
    auto got = other->submit(add, 1, 2);
    [[maybe_unused]] const auto dropped = other->submit(add, 1, 2);
    other.reset();
    check_refused(std::move(call));
    check_refused(std::move(bad));
    check_refused(std::move(batch));
    check_refused(std::move(nothing));
    BOOST_CHECK_THROW(std::move(started).start(), procpool::pool_error);
    BOOST_CHECK_THROW(std::move(got).get(), procpool::pool_error);
}

BOOST_AUTO_TEST_CASE(that_cannot_be_used_any_more_tells_a_handler_that_has_an_executor_of_its_own) {
    auto used = pool.submit(add, 1, 2);
    BOOST_TEST(run(context, std::move(used)) == 3);
    auto other = std::make_unique<process_pool>(context, procpool::pool_options{.workers = 1});
    auto orphan = other->submit(add, 1, 2);
    auto orphaned_batch = other->map(std::negate<>{}, std::vector{1, 2, 3});
    auto orphaned_joining = other->join();
    other.reset();
    seen<int> second;
    seen<int> late;
    seen<std::vector<int>> late_batch;
    seen<void> late_joining;
    std::move(used)(asio::bind_executor(context, second.handler())); // NOLINT: moved from
    std::move(orphan)(asio::bind_executor(context, late.handler()));
    std::move(orphaned_batch)(asio::bind_executor(context, late_batch.handler()));
    std::move(orphaned_joining)(asio::bind_executor(context, late_joining.handler()));
    BOOST_TEST(!(second.over() || late.over() || late_batch.over() || late_joining.over()));
    BOOST_TEST(run_until([&] { return second.over() && late.over() && late_batch.over() && late_joining.over(); }));
    BOOST_CHECK_THROW(std::rethrow_exception(second.error), std::logic_error);
    BOOST_TEST(code_of(late.error) == errc::pool_terminated);
    BOOST_TEST(code_of(late_batch.error) == errc::pool_terminated);
}

BOOST_AUTO_TEST_CASE(may_outlive_the_context_of_its_pool) {
    std::optional<submission<int>> call;
    std::optional<submission<std::vector<int>>> batch;
    std::optional<submission<void>> joining;
    {
        one_worker with;
        call = with.pool.submit(add, 1, 2);
        batch = with.pool.map(std::negate<>{}, std::vector{1, 2, 3});
        joining = with.pool.join();
    }
    check_refused(std::move(*call));
    check_refused(std::move(*batch));
}

BOOST_AUTO_TEST_CASE(may_be_started_by_another_thread) {
    seen<int> result;
    std::thread([&, call = pool.submit(add, 1, 2)]() mutable { std::move(call)(result.handler()); }).join();
    BOOST_TEST(run_until([&] { return result.over(); }));
    BOOST_TEST(*result.value == 3);
}

BOOST_AUTO_TEST_SUITE_END()
