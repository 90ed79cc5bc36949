// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Submissions in coroutines: awaited as they are, and through the tokens that make awaitables of them.

#include <facade/samples.hpp>
#include <facade/support.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/experimental/promise.hpp>
#include <boost/asio/experimental/use_promise.hpp>
#include <boost/asio/multiple_exceptions.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <variant>

namespace {

using namespace procpool::testing;
using namespace boost::asio::experimental::awaitable_operators;
using procpool::process_pool;

int add(int left, int right) {
    return left + right;
}

/// Runs a coroutine to its end.
void run(asio::io_context& context, asio::awaitable<void> coroutine) {
    seen<void> result;
    asio::co_spawn(context, std::move(coroutine), result.handler());
    BOOST_REQUIRE(run_for(context, patience, [&] { return result.over(); }));
    if (result.error)
        std::rethrow_exception(result.error);
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(coroutine_token, two_workers)

template <class R>
asio::awaitable<void> await_directly(process_pool& pool) {
    if constexpr (std::is_void_v<R>) {
        co_await pool.submit(sample<R>::make);
    } else {
        const R value = co_await pool.submit(sample<R>::make);
        BOOST_TEST(sample<R>::right(value));
    }
    BOOST_CHECK_THROW(co_await pool.submit(fail<R>), std::domain_error);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_submission_is_awaited_directly, R, sample_types) {
    two_workers with;
    run(with.context, await_directly<R>(with.pool));
}

template <class R>
asio::awaitable<void> await_with_use_awaitable(process_pool& pool) {
    if constexpr (std::is_void_v<R>) {
        co_await pool.submit(sample<R>::make)(asio::use_awaitable);
    } else {
        const R value = co_await pool.submit(sample<R>::make)(asio::use_awaitable);
        BOOST_TEST(sample<R>::right(value));
    }
    BOOST_CHECK_THROW(co_await pool.submit(fail<R>)(asio::use_awaitable), std::domain_error);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(use_awaitable_yields_the_value_or_throws, R, sample_types) {
    two_workers with;
    run(with.context, await_with_use_awaitable<R>(with.pool));
}

template <class R>
asio::awaitable<void> await_as_tuple(process_pool& pool) {
    constexpr auto token = asio::as_tuple(asio::use_awaitable);
    if constexpr (std::is_void_v<R>) {
        const auto [error] = co_await pool.submit(sample<R>::make)(token);
        BOOST_TEST(!error);
        const auto [bad] = co_await pool.submit(fail<R>)(token);
        BOOST_TEST(text_of(bad) == "out of the domain");
    } else {
        const auto [error, value] = co_await pool.submit(sample<R>::make)(token);
        BOOST_TEST(!error);
        BOOST_TEST(sample<R>::right(value));
        const auto [bad, blank] = co_await pool.submit(fail<R>)(token);
        BOOST_TEST(text_of(bad) == "out of the domain");
        BOOST_TEST(sample<R>::blank(blank));
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(as_tuple_yields_the_error_and_a_default_value, R, sample_types) {
    two_workers with;
    run(with.context, await_as_tuple<R>(with.pool));
}

template <class R>
asio::awaitable<void> await_deferred(process_pool& pool) {
    auto later = pool.submit(sample<R>::make)(asio::deferred);
    BOOST_TEST(pool.stats().tasks_submitted == 0u);
    if constexpr (std::is_void_v<R>)
        co_await std::move(later)(asio::use_awaitable);
    else
        BOOST_TEST(sample<R>::right(co_await std::move(later)(asio::use_awaitable)));
    BOOST_TEST(pool.stats().tasks_submitted == 1u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(deferred_does_nothing_until_it_is_awaited, R, sample_types) {
    two_workers with;
    run(with.context, await_deferred<R>(with.pool));
}

// Boost 1.81's promise gives whoever waits for it already before its completion values that were moved from, whatever the
// operation is. So these wait until it is complete.
template <class Promise>
asio::awaitable<void> completion_of(const Promise& promised) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!promised.completed() && std::chrono::steady_clock::now() < deadline)
        co_await asio::post(asio::use_awaitable);
}

template <class R>
asio::awaitable<void> await_promise(process_pool& pool) {
    auto promised = pool.submit(sample<R>::make)(asio::experimental::use_promise);
    BOOST_TEST(pool.stats().tasks_submitted == 1u);
    co_await completion_of(promised);
    if constexpr (std::is_void_v<R>)
        co_await std::move(promised)(asio::use_awaitable);
    else
        BOOST_TEST(sample<R>::right(co_await std::move(promised)(asio::use_awaitable)));

    auto broken = pool.submit(fail<R>)(asio::experimental::use_promise);
    co_await completion_of(broken);
    BOOST_CHECK_THROW(co_await std::move(broken)(asio::use_awaitable), std::domain_error);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(use_promise_starts_at_once_and_yields_later, R, sample_types) {
    two_workers with;
    run(with.context, await_promise<R>(with.pool));
}

int open_gate_after(const std::filesystem::path& gate, int who, int value) {
    if (!wait_until([&] { return std::filesystem::exists(gate / std::to_string(who)); }, patience))
        throw std::runtime_error("nobody came to the gate");
    touch(gate / "open");
    return value;
}

asio::awaitable<void> await_both(process_pool& pool, const gate& meeting) {
    // Each waits for the other one, so it ends only if they run at the same time.
    auto first = pool.submit(pass_gate, meeting.path(), 1)(asio::use_awaitable);
    auto second = pool.submit(open_gate_after, meeting.path(), 1, 2)(asio::use_awaitable);
    auto both = std::move(first) && std::move(second);
    const auto [one, two] = co_await std::move(both);
    BOOST_TEST(one == 1);
    BOOST_TEST(two == 2);
}

BOOST_AUTO_TEST_CASE(operator_and_runs_both_at_the_same_time) {
    const gate meeting;
    run(context, await_both(pool, meeting));
}

asio::awaitable<void> await_both_of_which_one_fails(process_pool& pool, const gate& closed) {
    auto waits = pool.submit(pass_gate, closed.path(), 1)(asio::use_awaitable);
    auto fails = pool.submit(fail<int>)(asio::use_awaitable);
    auto both = std::move(fails) && std::move(waits);
    try {
        co_await std::move(both);
        BOOST_ERROR("nothing was thrown");
    } catch (const asio::multiple_exceptions& thrown) { // that of the task, and that of the one that was called off
        BOOST_TEST(text_of(thrown.first_exception()) == "out of the domain");
    }
}

BOOST_AUTO_TEST_CASE(operator_and_calls_off_the_other_one_if_one_fails) {
    const gate closed; // stays so: the task ends only by being killed
    run(context, await_both_of_which_one_fails(pool, closed));
    BOOST_TEST(pool.stats().tasks_cancelled == 1u);
}

asio::awaitable<void> await_the_faster(process_pool& pool, const gate& closed) {
    auto slow = pool.submit(pass_gate, closed.path(), 1)(asio::use_awaitable);
    auto fast = pool.submit(sample<std::string>::make)(asio::use_awaitable);
    auto either = std::move(slow) || std::move(fast);
    const std::variant<int, std::string> first = co_await std::move(either);
    BOOST_REQUIRE(first.index() == 1u);
    BOOST_TEST(std::get<1>(first) == sample<std::string>::make());
    // The pool is whole again.
    auto one = pool.submit(add, 1, 2)(asio::use_awaitable);
    auto two = pool.submit(add, 3, 4)(asio::use_awaitable);
    auto all = std::move(one) && std::move(two);
    const auto [three, seven] = co_await std::move(all);
    BOOST_TEST(three == 3);
    BOOST_TEST(seven == 7);
}

BOOST_AUTO_TEST_CASE(operator_or_takes_the_faster_and_calls_off_the_slower) {
    const gate closed;
    run(context, await_the_faster(pool, closed));
    BOOST_TEST(pool.stats().tasks_cancelled == 1u);
}

asio::awaitable<void> await_one_after_the_other(process_pool& pool, int times) {
    int sum = 0;
    for (int i = 0; i != times; ++i)
        sum = co_await pool.submit(add, sum, 1);
    BOOST_TEST(sum == times);
}

BOOST_AUTO_TEST_CASE(hundreds_of_awaits_in_one_coroutine) {
    run(context, await_one_after_the_other(pool, 500));
}

BOOST_AUTO_TEST_CASE(many_coroutines_await_at_the_same_time) {
    int over = 0;
    for (int i = 0; i != 100; ++i)
        asio::co_spawn(context, await_one_after_the_other(pool, 10), [&](std::exception_ptr error) {
            BOOST_TEST(!error);
            ++over;
        });
    BOOST_TEST(run_until([&] { return over == 100; }));
}

asio::awaitable<void> await_map(process_pool& pool) {
    const std::vector<std::pair<int, int>> sums{{1, 2}, {3, 4}, {5, 6}};
    const std::vector<int> values = co_await pool.starmap(add, sums);
    BOOST_TEST(values == (std::vector<int>{3, 7, 11}), boost::test_tools::per_element());
    auto one = pool.starmap(add, sums)(asio::use_awaitable);
    auto two = pool.submit(add, 1, 1)(asio::use_awaitable);
    auto both = std::move(one) && std::move(two);
    const auto [all, single] = co_await std::move(both);
    BOOST_TEST(all == values, boost::test_tools::per_element());
    BOOST_TEST(single == 2);
}

BOOST_AUTO_TEST_CASE(batches_are_awaited_like_single_calls) {
    run(context, await_map(pool));
}

asio::awaitable<void> await_handle(process_pool& pool) {
    auto handle = pool.submit(add, 1, 2).start();
    BOOST_TEST(co_await handle.result() == 3);
    BOOST_TEST(co_await handle.result() == 3);
    auto nothing = pool.submit(sample<void>::make).start();
    co_await nothing.result();
    BOOST_TEST(nothing.successful());
}

BOOST_AUTO_TEST_CASE(a_handles_result_is_awaited) {
    run(context, await_handle(pool));
}

asio::awaitable<void> await_join(process_pool& pool) {
    auto handle = pool.submit(add, 1, 2).start();
    pool.close();
    co_await pool.join();
    BOOST_TEST(handle.ready());
}

BOOST_AUTO_TEST_CASE(joining_is_awaited) {
    run(context, await_join(pool));
}

asio::awaitable<void> await_shutdown(process_pool& pool) {
    co_await pool.shutdown(std::chrono::milliseconds(0));
    BOOST_CHECK_EXCEPTION(co_await pool.submit(add, 1, 2), procpool::pool_error, [](const procpool::pool_error& error) {
        return error.code() == procpool::errc::pool_closed || error.code() == procpool::errc::pool_terminated;
    });
}

BOOST_AUTO_TEST_CASE(shutting_down_is_awaited) {
    run(context, await_shutdown(pool));
}

BOOST_AUTO_TEST_SUITE_END()
