// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_BENCH_READY_POOL_HPP
#define PROCPOOL_BENCH_READY_POOL_HPP

#include <procpool/procpool.hpp>

#include "work.hpp"

#include <boost/asio/io_context.hpp>

#include <exception>
#include <type_traits>
#include <utility>

namespace bench {

/// A pool of which all workers are ready, on a context that nobody else runs.
class ready_pool {
public:
    explicit ready_pool(procpool::pool_options options) : workers_(options.workers), pool(context, std::move(options)) {
        wait_until_idle();
    }

    void wait_until_idle() {
        while (pool.stats().workers_idle != workers_)
            context.run_one();
    }

    /// Until something stops the context.
    void run() {
        context.restart();
        context.run();
    }

    /// Until the operation is over, which has to succeed.
    template <class R>
    R run(procpool::submission<R> one) {
        R value{};
        std::move(one)([&](std::exception_ptr error, R result) {
            require(!error, "a task failed");
            value = std::move(result);
            context.stop();
        });
        run();
        return value;
    }

private:
    std::size_t workers_;

public:
    boost::asio::io_context context;
    procpool::process_pool pool;
};

} // namespace bench

#endif
