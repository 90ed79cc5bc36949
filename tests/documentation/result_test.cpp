// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// doc/coming-from-python.md, the tables of AsyncResult, Future, wait and as_completed. Its C++ stands here line by line, which
// check_code sees to. So a line that does not suit a test has to be changed in the page as well.

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

} // namespace

BOOST_FIXTURE_TEST_SUITE(results_that_block, blocking)

BOOST_AUTO_TEST_CASE(are_got) {
    auto handle = pool.submit(add, 2, 3).start();
    int sum = handle.get();
    BOOST_TEST(sum == 5);
    BOOST_CHECK_THROW(pool.submit(square, -1).start().get(), std::domain_error);
}

BOOST_AUTO_TEST_CASE(are_got_if_they_come_in_time) {
    auto handle = pool.submit(pass_gate, door.path(), 1).start();
    const auto get = [&](milliseconds limit) {
        if (!handle.wait_for(limit))
            throw std::runtime_error("it takes too long");
        return handle.get();
    };
    BOOST_CHECK_THROW(get(1ms), std::runtime_error);
    door.open();
    BOOST_TEST(get(patience) == 1);
}

BOOST_AUTO_TEST_CASE(are_waited_for) {
    auto handle = pool.submit(square, -1).start();
    handle.wait_for(milliseconds::max());
    BOOST_TEST(handle.ready());
    BOOST_TEST(!handle.successful());
}

BOOST_AUTO_TEST_CASE(are_waited_for_so_long) {
    auto handle = pool.submit(pass_gate, door.path(), 1).start();
    milliseconds limit{1};
    handle.wait_for(limit);
    BOOST_TEST(!handle.ready());
    limit = patience;
    door.open();
    BOOST_TEST(handle.wait_for(limit));
}

BOOST_AUTO_TEST_CASE(are_asked_about) {
    auto handle = pool.submit(pass_gate, door.path(), 1).start();
    const auto look = [&] {
        bool ready = handle.ready();
        return ready;
    };
    const auto look_whether_successful = [&] {
        bool successful = handle.successful();
        return successful;
    };
    BOOST_TEST(!look());
    BOOST_CHECK_THROW(look_whether_successful(), std::logic_error);
    door.open();
    BOOST_TEST(wait_until(look, patience));
    BOOST_TEST(look_whether_successful());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(results_that_are_awaited, awaiting)

BOOST_AUTO_TEST_CASE(are_awaited) {
    run([&]() -> asio::awaitable<void> {
        auto handle = pool.submit(add, 2, 3).start();
        int sum = co_await handle.result();
        BOOST_TEST(sum == 5);
    });
}

BOOST_AUTO_TEST_CASE(are_awaited_if_they_come_in_time) {
    const auto get = [&](procpool::task_handle<int> handle, milliseconds limit) -> asio::awaitable<int> {
        asio::steady_timer timer(context, limit);
        auto result = handle.result()(asio::as_tuple(asio::use_awaitable));
        auto first = co_await (std::move(result) || timer.async_wait(asio::use_awaitable));
        if (first.index() == 1)
            throw std::runtime_error("it takes too long");
        auto [error, value] = std::get<0>(first);
        if (error)
            std::rethrow_exception(error);
        co_return value;
    };
    run([&]() -> asio::awaitable<void> {
        auto handle = pool.submit(pass_gate, door.path(), 1).start();
        BOOST_CHECK_THROW(co_await get(handle, 1ms), std::runtime_error);
        BOOST_TEST(!handle.ready());
        door.open();
        const int passed = co_await get(handle, patience);
        BOOST_TEST(passed == 1);
        BOOST_CHECK_THROW(co_await get(pool.submit(square, -1).start(), patience), std::domain_error);
    });
}

BOOST_AUTO_TEST_CASE(are_waited_for) {
    run([&]() -> asio::awaitable<void> {
        auto handle = pool.submit(square, -1).start();
        co_await handle.result()(asio::as_tuple(asio::use_awaitable));
        BOOST_TEST(handle.ready());
        BOOST_TEST(!handle.successful());
    });
}

BOOST_AUTO_TEST_SUITE_END()
