// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Submissions that give futures.

#include <facade/samples.hpp>
#include <facade/support.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/use_future.hpp>

#include <future>
#include <vector>

namespace {

using namespace procpool::testing;
using procpool::process_pool;

int add(int left, int right) {
    return left + right;
}

template <class R>
R value_of(std::future<R> future) {
    BOOST_REQUIRE((future.wait_for(patience) == std::future_status::ready));
    return future.get();
}

} // namespace

BOOST_AUTO_TEST_SUITE(future_token)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_future_gets_the_value_or_the_error, R, sample_types) {
    process_pool pool({.workers = 1});
    if constexpr (std::is_void_v<R>)
        value_of<R>(pool.submit(sample<R>::make)(asio::use_future));
    else
        BOOST_TEST(sample<R>::right(value_of<R>(pool.submit(sample<R>::make)(asio::use_future))));
    BOOST_CHECK_THROW(value_of<R>(pool.submit(fail<R>)(asio::use_future)), std::domain_error);
}

BOOST_AUTO_TEST_CASE(many_futures_are_got_in_any_order) {
    process_pool pool({.workers = 2});
    std::vector<std::future<int>> futures;
    for (int i = 0; i != 1000; ++i)
        futures.push_back(pool.submit(add, i, 1)(asio::use_future));
    int wrong = 0;
    for (int i = 1000; i-- != 0;)
        wrong += value_of<int>(std::move(futures[static_cast<std::size_t>(i)])) != i + 1;
    BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(a_future_of_a_batch_and_of_joining) {
    process_pool pool({.workers = 2});
    const std::vector<std::pair<int, int>> sums{{1, 2}, {3, 4}};
    BOOST_TEST(value_of<std::vector<int>>(pool.starmap(add, sums)(asio::use_future)) == (std::vector{3, 7}),
               boost::test_tools::per_element());
    auto joined = pool.join()(asio::use_future);
    pool.close();
    value_of<void>(std::move(joined));
}

BOOST_AUTO_TEST_CASE(a_future_with_a_cancellation_slot) {
    process_pool pool({.workers = 1});
    const gate closed;
    asio::cancellation_signal signal;
    auto future =
        pool.submit(pass_gate, closed.path(), 1)(asio::bind_cancellation_slot(signal.slot(), asio::use_future));
    BOOST_REQUIRE(wait_until([&] { return closed.begun(1); }, patience));
    signal.emit(asio::cancellation_type::terminal);
    BOOST_CHECK_EXCEPTION(value_of<int>(std::move(future)), boost::system::system_error,
                          [](const auto& error) { return error.code() == asio::error::operation_aborted; });
}

BOOST_AUTO_TEST_CASE(a_future_of_a_pool_that_is_gone_gets_the_error) {
    const gate closed;
    std::future<int> future;
    {
        process_pool pool({.workers = 1});
        future = pool.submit(pass_gate, closed.path(), 1)(asio::use_future);
        BOOST_REQUIRE(wait_until([&] { return closed.begun(1); }, patience));
    }
    BOOST_CHECK_EXCEPTION(value_of<int>(std::move(future)), procpool::pool_error,
                          [](const auto& error) { return error.code() == procpool::errc::pool_terminated; });
}

BOOST_AUTO_TEST_SUITE_END()
