// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Each operation awaited in a coroutine, in each way there is.

#include <facade/operations.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <deque>
#include <tuple>
#include <type_traits>
#include <variant>

namespace {

using namespace procpool::testing;
using namespace boost::asio::experimental::awaitable_operators;
using procpool::process_pool;
using procpool::submission;

constexpr int who = 5;

/// The ways to await an operation.
enum class way { directly, use_awaitable, as_tuple, deferred };
constexpr auto all_ways = {way::directly, way::use_awaitable, way::as_tuple, way::deferred};

const char* name_of(way which) {
    return which == way::directly        ? "directly"
           : which == way::use_awaitable ? "with use_awaitable"
           : which == way::as_tuple      ? "as a tuple"
                                         : "deferred";
}

template <class R>
asio::awaitable<R> value_of(way which, submission<R> operation) {
    if (which == way::directly)
        co_return co_await std::move(operation);
    if (which == way::use_awaitable)
        co_return co_await std::move(operation)(asio::use_awaitable);
    auto later = std::move(operation)(asio::deferred);
    co_return co_await std::move(later)(asio::use_awaitable);
}

template <class R>
asio::awaitable<void> await_as_tuple(submission<R> operation, fate& what) {
    constexpr auto token = asio::as_tuple(asio::use_awaitable);
    auto all = co_await std::move(operation)(token);
    std::apply([&what](auto&... values) { what.told(std::move(values)...); }, all);
}

/// Awaits an operation, and tells what came of it.
template <class R>
asio::awaitable<void> await_one(way which, submission<R> operation, fate& what) {
    if (which == way::as_tuple) {
        co_await await_as_tuple(std::move(operation), what);
        co_return;
    }
    std::exception_ptr error;
    try {
        if constexpr (std::is_void_v<R>) {
            co_await value_of(which, std::move(operation));
            what.told(nullptr);
        } else {
            R value = co_await value_of(which, std::move(operation));
            what.told(nullptr, std::move(value));
        }
    } catch (...) {
        error = std::current_exception();
    }
    if (error)
        what.told(std::move(error));
}

asio::awaitable<void> await_any(way which, any_operation operation, fate& what) {
    return std::visit([&](auto& one) { return await_one(which, std::move(one), what); }, operation);
}

/// A pool of two workers with one operation of that kind.
struct stage {
    explicit stage(const operation_kind& kind, manner how = manner::never_looks)
        : pool(context, {.workers = 2, .max_pending = std::size_t{kind.needs_full_pool ? 1u : 0u}}),
          made(kind.make(pool, {door.path(), who, how})) {}

    bool began() const { return std::filesystem::exists(mark(door.path(), "begun-", who)); }
    bool ran_to_end() const { return std::filesystem::exists(mark(door.path(), "ended-", who)); }

    /// Begins a coroutine.
    void begin(asio::awaitable<void> coroutine) { asio::co_spawn(context, std::move(coroutine), whole.handler()); }

    /// Runs until it is over.
    void run() {
        BOOST_REQUIRE(run_for(context, patience, [&] { return whole.over(); }));
        if (whole.error)
            std::rethrow_exception(whole.error);
    }

    const gate door;
    asio::io_context context;
    fate whole;
    process_pool pool;
    subject made;
};

template <class Check>
void for_all(Check check) {
    for (const operation_kind& kind : all_kinds())
        for (const way which : all_ways)
            BOOST_TEST_CONTEXT(kind.name << ", " << name_of(which))
    check(kind, which);
}

} // namespace

BOOST_AUTO_TEST_SUITE(operations_coroutine)

BOOST_AUTO_TEST_CASE(yields_the_value) {
    for_all([](const operation_kind& kind, way which) {
        stage with(kind);
        fate result;
        with.begin(await_any(which, with.made.again(), result));
        with.door.open();
        with.run();
        BOOST_TEST(result.yielded(who), result);
        BOOST_TEST(result.calls == 1);
    });
}

BOOST_AUTO_TEST_CASE(throws_what_the_task_throws) {
    for_all([](const operation_kind& kind, way which) {
        if (!kind.tells_failure)
            return;
        stage with(kind, manner::fails);
        fate result;
        with.begin(await_any(which, with.made.again(), result));
        with.run();
        BOOST_TEST(text_of(result.error) == "failed as it was told");
        BOOST_TEST(result.calls == 1);
    });
}

asio::awaitable<void> await_both(asio::awaitable<void> one, asio::awaitable<void> other) {
    auto both = std::move(one) && std::move(other);
    co_await std::move(both);
}

BOOST_AUTO_TEST_CASE(with_operator_and_waits_for_both) {
    for_all([](const operation_kind& kind, way which) {
        stage with(kind);
        const gate second_door;
        const subject second = kind.needs_full_pool || kind.closes
                                   ? with.made
                                   : kind.make(with.pool, {second_door.path(), who + 1, manner::never_looks});
        fate one;
        fate other;
        auto first = await_any(which, with.made.again(), one);
        with.begin(await_both(std::move(first), await_any(which, second.again(), other)));
        with.door.open();
        second_door.open();
        with.run();
        BOOST_TEST(one.yielded(who), one);
        BOOST_TEST(other.yielded(who + 1), other);
    });
}

asio::awaitable<void> await_one_of(asio::awaitable<void> slow, asio::awaitable<void> fast, std::size_t& winner) {
    auto either = std::move(slow) || std::move(fast);
    const auto first = co_await std::move(either);
    winner = first.index();
}

/// Waits until a task runs, without an operation of the pool's.
asio::awaitable<void> task_running(const stage& with) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!with.began() && std::chrono::steady_clock::now() < until)
        co_await asio::post(asio::use_awaitable);
}

BOOST_AUTO_TEST_CASE(with_operator_or_calls_off_what_is_slower) {
    for_all([](const operation_kind& kind, way which) {
        stage with(kind);
        fate slow;
        std::size_t winner = 9;
        auto first = await_any(which, with.made.again(), slow);
        with.begin(await_one_of(std::move(first), task_running(with), winner));
        with.run();
        BOOST_TEST(winner == 1u);
        BOOST_TEST(slow.calls == 1);
        BOOST_TEST(slow.aborted(), slow);
        BOOST_TEST(!with.ran_to_end());
        // A task that did the operation's work was ended with its worker; one that was only waited for still runs.
        with.door.open();
        BOOST_TEST(run_for(with.context, patience, [&] {
            return kind.works || (with.ran_to_end() && (!with.made.task || with.made.task->ready()));
        }));
        if (!kind.closes) {
            const std::size_t many = kind.needs_full_pool ? 1 : 2; // at the same time: both workers are there
            std::deque<fate> later(many);
            const gate meeting;
            for (std::size_t i = 0; i != many; ++i)
                start(with.pool.submit(behave, meeting.path(), static_cast<int>(i), manner::never_looks),
                      later[i].handler());
            BOOST_TEST(run_for(with.context, patience, [&] { return meeting.count() == many; }));
            meeting.open();
            BOOST_TEST(run_for(with.context, patience, [&] { return later.front().over() && later.back().over(); }));
        }
        BOOST_TEST(with.pool.stats().workers_started == (kind.works ? 3u : 2u));
        BOOST_TEST(with.pool.stats().workers_died == 0u);
    });
}

BOOST_AUTO_TEST_SUITE_END()
