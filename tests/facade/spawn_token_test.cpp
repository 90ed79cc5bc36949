// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Submissions in stackful coroutines.
//
// Boost 1.81's own handler for them does not compile with (std::exception_ptr, T), and throws null for no error with
// (std::exception_ptr). Unless procpool mends that, as it does for awaitables, a tuple is the only way.

#include <facade/samples.hpp>
#include <facade/support.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/spawn.hpp>
#include <boost/version.hpp>

namespace {

using namespace procpool::testing;

} // namespace

BOOST_FIXTURE_TEST_SUITE(spawn_token, one_worker)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_stackful_coroutine_gets_a_tuple, R, sample_types) {
    one_worker with;
    seen<void> over;
    asio::spawn(
        with.context,
        [&](asio::yield_context yield) {
            const auto result = with.pool.submit(sample<R>::make)(asio::as_tuple(yield));
            BOOST_TEST(!std::get<0>(result));
            if constexpr (!std::is_void_v<R>)
                BOOST_TEST(sample<R>::right(std::get<1>(result)));
        },
        over.handler());
    BOOST_REQUIRE(with.run_until([&] { return over.over(); }));
    BOOST_TEST(!over.error);
}

BOOST_AUTO_TEST_CASE(a_stackful_coroutine_gets_the_error_as_a_tuple) {
    seen<void> over;
    asio::spawn(
        context,
        [&](asio::yield_context yield) {
            const auto [error, value] = pool.submit(fail<std::string>)(asio::as_tuple(yield));
            BOOST_TEST(text_of(error) == "out of the domain");
            BOOST_TEST(value.empty());
        },
        over.handler());
    BOOST_REQUIRE(run_until([&] { return over.over(); }));
    BOOST_TEST(!over.error);
}

#if BOOST_VERSION >= 108200

BOOST_AUTO_TEST_CASE_TEMPLATE(a_stackful_coroutine_yields_the_value, R, sample_types) {
    one_worker with;
    seen<void> over;
    asio::spawn(
        with.context,
        [&](asio::yield_context yield) {
            if constexpr (std::is_void_v<R>)
                with.pool.submit(sample<R>::make)(yield);
            else
                BOOST_TEST(sample<R>::right(with.pool.submit(sample<R>::make)(yield)));
        },
        over.handler());
    BOOST_REQUIRE(with.run_until([&] { return over.over(); }));
    BOOST_TEST(!over.error);
}

BOOST_AUTO_TEST_CASE(a_stackful_coroutine_throws_the_error) {
    seen<void> over;
    asio::spawn(
        context, [&](asio::yield_context yield) { pool.submit(fail<int>)(yield); }, over.handler());
    BOOST_REQUIRE(run_until([&] { return over.over(); }));
    BOOST_TEST(text_of(over.error) == "out of the domain");
}

#endif

BOOST_AUTO_TEST_SUITE_END()
