// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <facade/own_thread.hpp>

#include <system/process.hpp>

#include <boost/asio/post.hpp>

#include <utility>

namespace procpool::detail {

namespace {

void stop_when_all_is_told(const std::shared_ptr<boost::asio::io_context>& context,
                           std::shared_ptr<core::pool_core> pool) {
    boost::asio::post(*context, [context, pool = std::move(pool)] {
        if (pool->all_told())
            context->stop();
        else
            stop_when_all_is_told(context, pool);
    });
}

} // namespace

own_thread::own_thread() : context_(std::make_shared<boost::asio::io_context>(1)), work_(context_->get_executor()) {
    // Signals are for the program's own threads.
    const system::all_signals_blocked blocked;
    thread_ = std::thread([context = context_] {
        system::name_thread("procpool");
        context->run();
    });
}

void own_thread::finish(std::shared_ptr<core::pool_core> pool) {
    stop_when_all_is_told(context_, std::move(pool));
}

own_thread::~own_thread() {
    work_.reset();
    if (thread_.get_id() == std::this_thread::get_id())
        thread_.detach();
    else
        thread_.join();
}

} // namespace procpool::detail
