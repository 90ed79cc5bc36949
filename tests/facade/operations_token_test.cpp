// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Each operation with those of Asio's tokens that need no coroutine, and in groups.

#include <facade/operations.hpp>

#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/experimental/promise.hpp>
#include <boost/asio/experimental/use_promise.hpp>
#include <boost/asio/use_future.hpp>

#include <array>
#include <future>
#include <type_traits>
#include <variant>

namespace {

using namespace procpool::testing;
using procpool::process_pool;
using procpool::submission;

constexpr int who = 5;

/// A pool of two workers with one operation of that kind.
struct stage {
    explicit stage(const operation_kind& kind, manner how = manner::never_looks)
        : pool(context, {.workers = 2, .max_pending = std::size_t{kind.needs_full_pool ? 1u : 0u}}),
          made(kind.make(pool, {door.path(), who, how})) {}

    template <class P>
    bool run_until(P predicate) {
        return run_for(context, patience, std::move(predicate));
    }
    bool exists(const char* what) const { return std::filesystem::exists(mark(door.path(), what, who)); }

    const gate door;
    asio::io_context context;
    fate result;
    process_pool pool;
    subject made;
};

// The ways to start an operation. Each tells the stage's result of what comes of it.

struct callback {
    template <class R>
    void operator()(stage& with, submission<R> operation) const {
        std::move(operation)(with.result.handler());
        with.door.open();
        BOOST_REQUIRE(with.run_until([&] { return with.result.over(); }));
    }
};

struct future {
    template <class R>
    void operator()(stage& with, submission<R> operation) const {
        std::future<R> later = std::move(operation)(asio::use_future);
        with.door.open();
        BOOST_REQUIRE(
            with.run_until([&] { return later.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }));
        try {
            if constexpr (std::is_void_v<R>) {
                later.get();
                with.result.told(nullptr);
            } else {
                with.result.told(nullptr, later.get());
            }
        } catch (...) {
            with.result.told(std::current_exception());
        }
    }
};

struct deferred {
    template <class R>
    void operator()(stage& with, submission<R> operation) const {
        const auto before = with.pool.stats().tasks_submitted;
        auto later = std::move(operation)(asio::deferred);
        BOOST_TEST(with.pool.stats().tasks_submitted == before);
        std::move(later)(with.result.handler());
        with.door.open();
        BOOST_REQUIRE(with.run_until([&] { return with.result.over(); }));
    }
};

// Boost 1.81's promise gives whoever waits before it is complete values that were moved from.
struct promise {
    template <class R>
    void operator()(stage& with, submission<R> operation) const {
        auto later = std::move(operation)(asio::experimental::use_promise);
        with.door.open();
        BOOST_REQUIRE(with.run_until([&] { return later.completed(); }));
        std::move(later)(with.result.handler());
        BOOST_REQUIRE(with.run_until([&] { return with.result.over(); }));
    }
};

template <class Way>
void check_value(const operation_kind& kind, Way way) {
    stage with(kind);
    any_operation operation = with.made.again();
    std::visit([&](auto& one) { way(with, std::move(one)); }, operation);
    BOOST_TEST(with.result.yielded(who), with.result);
    BOOST_TEST(with.result.calls == 1);
}

template <class Way>
void check_failure(const operation_kind& kind, Way way) {
    stage with(kind, manner::fails);
    any_operation operation = with.made.again();
    std::visit([&](auto& one) { way(with, std::move(one)); }, operation);
    BOOST_TEST(text_of(with.result.error) == "failed as it was told");
    BOOST_TEST(with.result.calls == 1);
}

template <class Way>
void check_all(Way way) {
    for (const operation_kind& kind : all_kinds())
        BOOST_TEST_CONTEXT(kind.name) {
            check_value(kind, way);
            if (kind.tells_failure)
                check_failure(kind, way);
        }
}

} // namespace

BOOST_AUTO_TEST_SUITE(operations_token)

BOOST_AUTO_TEST_CASE(may_be_a_callback) {
    check_all(callback());
}

BOOST_AUTO_TEST_CASE(use_future_gives_a_future) {
    check_all(future());
}

BOOST_AUTO_TEST_CASE(deferred_does_nothing_until_it_is_called) {
    check_all(deferred());
}

BOOST_AUTO_TEST_CASE(use_promise_starts_at_once_and_yields_later) {
    check_all(promise());
}

BOOST_AUTO_TEST_CASE(detached_does_the_work_and_tells_nobody) {
    for (const operation_kind& kind : all_kinds())
        for (const manner how : {manner::never_looks, manner::fails})
            BOOST_TEST_CONTEXT(kind.name) {
                stage with(kind, how);
                start(with.made.again(), asio::detached);
                with.door.open();
                BOOST_TEST(with.run_until([&] { return with.exists(how == manner::fails ? "begun-" : "ended-"); }));
                fate joined;
                with.pool.close();
                with.made = {}; // of a stream, the rest: a pool is not done as long as there is one
                run_to_end(with.context, with.pool.join(), joined);
                BOOST_TEST(!joined.error);
            }
}

// Groups --------------------------------------------------------------------------------------------------------------

/// Starts an operation and a call of plus() together, and what came of both goes to the one and the other.
template <class R, class Condition>
void start_group(stage& with, submission<R> operation, submission<int> sum, Condition condition, fate& one, fate& other,
                 std::size_t& first) {
    asio::experimental::make_parallel_group(std::move(operation)(asio::deferred), std::move(sum)(asio::deferred))
        .async_wait(condition, [&](std::array<std::size_t, 2> order, std::exception_ptr error, auto&&... rest) {
            first = order[0];
            if constexpr (std::is_void_v<R>) {
                one.told(std::move(error));
                other.told(std::move(rest)...);
            } else {
                const auto split = [&](auto& value, std::exception_ptr second, int total) {
                    one.told(std::move(error), std::move(value));
                    other.told(std::move(second), total);
                };
                split(rest...);
            }
        });
    BOOST_TEST(!one.over());
    static_cast<void>(with);
}

BOOST_AUTO_TEST_CASE(in_a_group_is_waited_for_with_all_others) {
    for (const operation_kind& kind : all_kinds()) {
        if (kind.closes || kind.needs_full_pool)
            continue; // the other one would be refused
        BOOST_TEST_CONTEXT(kind.name) {
            stage with(kind);
            fate one;
            fate other;
            std::size_t first = 9;
            any_operation operation = with.made.again();
            std::visit(
                [&](auto& given) {
                    start_group(with, std::move(given), with.pool.submit(plus, 1, 2),
                                asio::experimental::wait_for_all(), one, other, first);
                },
                operation);
            BOOST_REQUIRE(with.run_until([&] { return with.exists("begun-"); }));
            BOOST_TEST(!one.over());
            with.door.open();
            BOOST_REQUIRE(with.run_until([&] { return one.over() && other.over(); }));
            BOOST_TEST(one.yielded(who), one);
            BOOST_TEST(other.yielded(3), other);
        }
    }
}

BOOST_AUTO_TEST_CASE(in_a_group_that_waits_for_one_is_called_off_when_another_is_over) {
    for (const operation_kind& kind : all_kinds()) {
        if (kind.closes || kind.needs_full_pool)
            continue;
        BOOST_TEST_CONTEXT(kind.name) {
            stage with(kind);
            fate one;
            fate other;
            std::size_t first = 9;
            any_operation operation = with.made.again();
            std::visit(
                [&](auto& given) {
                    start_group(with, std::move(given), with.pool.submit(plus, 1, 2),
                                asio::experimental::wait_for_one(), one, other, first);
                },
                operation);
            BOOST_REQUIRE(with.run_until([&] { return one.over() && other.over(); }));
            BOOST_TEST(first == 1u);
            BOOST_TEST(one.aborted(), one);
            BOOST_TEST(other.yielded(3), other);
            BOOST_TEST(!with.exists("ended-"));
            with.door.open();
            fate later;
            run_to_end(with.context, with.pool.submit(plus, 3, 4), later);
            BOOST_TEST(later.yielded(7), later);
            BOOST_TEST(with.run_until([&] { return kind.works || with.exists("ended-"); }));
            BOOST_TEST(with.pool.stats().workers_died == 0u);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
