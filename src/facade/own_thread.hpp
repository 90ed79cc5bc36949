// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_FACADE_OWN_THREAD_HPP
#define PROCPOOL_FACADE_OWN_THREAD_HPP

#include <procpool/core/pool_core.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <memory>
#include <thread>

namespace procpool::detail {

/// The thread of a pool that owns one, and the context that it runs.
class own_thread {
public:
    own_thread();
    own_thread(const own_thread&) = delete;
    own_thread& operator=(const own_thread&) = delete;
    ~own_thread();

    boost::asio::io_context::executor_type executor() noexcept { return context_->get_executor(); }

    /// Lets the thread hand out what is over in a pool that was destroyed, then ends it. Whatever else the program put on
    /// its executor is dropped.
    void finish(std::shared_ptr<core::pool_core> pool);

private:
    // Shared with the thread: when the pool is destroyed by one of its own handlers, the thread ends a little later.
    std::shared_ptr<boost::asio::io_context> context_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::thread thread_;
};

} // namespace procpool::detail

#endif
