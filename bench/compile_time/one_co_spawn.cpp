// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// The same file as one_submit.cpp with a co_spawn in the place of the submit.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstdio>

namespace asio = boost::asio;

asio::awaitable<int> square(int value) {
    co_return value* value;
}

asio::awaitable<void> use(asio::io_context& context) {
    const int result = co_await asio::co_spawn(context, square(7), asio::use_awaitable);
    std::printf("%d\n", result);
}

void use_all(asio::io_context& context) {
    asio::co_spawn(context, use(context), asio::detached);
    context.run();
}
