// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Handlers whose type is hidden, as compiled interfaces take them.

#include <facade/support.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/test/unit_test.hpp>

#include <optional>

using namespace procpool;
using namespace procpool::testing;

namespace {

int add(int a, int b) {
    return a + b;
}

using erased = asio::any_completion_handler<void(std::exception_ptr, int)>;

} // namespace

BOOST_AUTO_TEST_SUITE(erased_handlers)

BOOST_AUTO_TEST_CASE(an_erased_handler_is_called_on_its_own_executor_however_the_operation_ends) {
    asio::io_context context;
    auto own = asio::make_strand(context);
    std::optional<process_pool> pool(std::in_place, context, pool_options{.workers = 1});
    int calls = 0;
    const auto handler = [&](bool well) {
        return erased(asio::bind_executor(own, [&, well](std::exception_ptr error, int value) {
            BOOST_TEST(own.running_in_this_thread());
            BOOST_TEST(!error == well);
            BOOST_TEST(value == (well ? 3 : 0));
            ++calls;
        }));
    };
    pool->submit(add, 1, 2)(handler(true));
    auto handle = pool->submit(add, 1, 2).start();
    BOOST_REQUIRE(run_for(context, patience, [&] { return calls == 1 && handle.ready(); }));
    handle.result()(handler(true)); // is there already
    BOOST_TEST(calls == 1);
    pool->map_reduce([](int value) { return value; }, std::vector{1, 2}, 0, add)(handler(true));
    auto used = pool->submit(add, 1, 2);
    auto moved = std::move(used);
    BOOST_REQUIRE(run_for(context, patience, [&] { return calls == 3; }));
    // There is no pool to call the handler, and its own executor can only be dispatched to.
    BOOST_CHECK_THROW(std::move(used)(handler(false)), std::logic_error);
    pool.reset();
    BOOST_CHECK_THROW(std::move(moved)(handler(false)), pool_error);
    BOOST_TEST(calls == 3);
}

BOOST_AUTO_TEST_SUITE_END()
