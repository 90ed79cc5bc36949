// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Lets a test program run with other options than it asks for, without the library's knowing: the linker leads calls of
// pool_core::create here (--wrap). With PROCPOOL_TEST_START_METHOD=forkserver in the environment every pool that would spawn its
// workers has them forked, and with PROCPOOL_TEST_SPIN=200 every pool that would not spin does, for 200 microseconds.

#include <support/start_method.hpp>

#include <procpool/core/pool_core.hpp>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <utility>

using procpool::pool_options;
using procpool::core::pool_core;

std::shared_ptr<pool_core> create_as_it_is(boost::asio::any_io_executor executor, pool_options options) asm(
    "__real__ZN8procpool4core9pool_core6createEN5boost4asio15any_io_executorENS_12pool_optionsE");
std::shared_ptr<pool_core> create_as_told(boost::asio::any_io_executor executor, pool_options options) asm(
    "__wrap__ZN8procpool4core9pool_core6createEN5boost4asio15any_io_executorENS_12pool_optionsE");

std::shared_ptr<pool_core> create_as_told(boost::asio::any_io_executor executor, pool_options options) {
    if (procpool::testing::workers_are_forked())
        options.method = procpool::start_method::forkserver;
    if (const char* const spin = std::getenv("PROCPOOL_TEST_SPIN"); spin && options.spin.count() == 0)
        options.spin = std::chrono::microseconds(std::atol(spin));
    return create_as_it_is(std::move(executor), std::move(options));
}
