// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// What one submit costs a file's compile; beside it, one_co_spawn.cpp.

#include <procpool/process_pool.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstdio>

namespace asio = boost::asio;

int square(int value) {
    return value * value;
}

asio::awaitable<void> use(procpool::process_pool& pool) {
    const int result = co_await pool.submit(square, 7)(asio::use_awaitable);
    std::printf("%d\n", result);
}

void use_all(asio::io_context& context, procpool::process_pool& pool) {
    asio::co_spawn(context, use(pool), asio::detached);
    context.run();
}
