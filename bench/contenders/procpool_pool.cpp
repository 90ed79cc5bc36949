// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// procpool itself, as a contender of scripts/bench.

#include <procpool/procpool.hpp>

#include "work.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>
#include <ranges>

namespace asio = boost::asio;

namespace {

constexpr std::size_t workers = 2;
constexpr std::size_t coroutines = 256;

int plus_one(int value) {
    return value + 1;
}
std::size_t length(const std::vector<char>& bytes) {
    return bytes.size();
}
std::vector<char> make(std::size_t size) {
    return std::vector<char>(size, 'x');
}

class contender {
public:
    contender()
        : pool_(std::make_unique<procpool::process_pool>(context_, procpool::pool_options{.workers = workers})) {
        while (pool_->stats().workers_idle != workers)
            context_.run_one();
    }

    double submit(std::size_t count) {
        std::size_t left = count;
        std::size_t sum = 0;
        const auto begin = bench::clock::now();
        asio::post(context_, [&] {
            for (std::size_t i = 0; i != count; ++i)
                pool_->submit(plus_one, static_cast<int>(i))([&](std::exception_ptr error, int result) {
                    bench::require(!error, "a task failed");
                    sum += static_cast<std::size_t>(result);
                    if (--left == 0)
                        context_.stop();
                });
        });
        run();
        const double took = bench::seconds_since(begin);
        bench::require(sum == count * (count + 1) / 2, "a result is wrong");
        return took;
    }

    double awaited(std::size_t count) {
        std::size_t next = 0;
        std::size_t left = coroutines;
        const auto begin = bench::clock::now();
        for (std::size_t i = 0; i != coroutines; ++i)
            asio::co_spawn(context_, await_many(count, next, left), asio::detached);
        run();
        return bench::seconds_since(begin);
    }

    double latency(std::size_t count) {
        std::vector<double> times;
        asio::co_spawn(context_, await_one_by_one(count, times), asio::detached);
        run();
        return bench::median(std::move(times));
    }

    double map(std::size_t count) {
        const auto begin = bench::clock::now();
        std::size_t sum = 0;
        pool_->map(plus_one, std::views::iota(0, static_cast<int>(count)))(
            [&](std::exception_ptr error, const std::vector<int>& results) {
                bench::require(!error, "the batch failed");
                for (const int one : results)
                    sum += static_cast<std::size_t>(one);
                context_.stop();
            });
        run();
        const double took = bench::seconds_since(begin);
        bench::require(sum == count * (count + 1) / 2, "a result is wrong");
        return took;
    }

    double argument(std::size_t size) {
        if (large_.size() != size)
            large_.assign(size, 'x');
        return time_of(pool_->submit(length, large_));
    }

    double result(std::size_t size) { return time_of(pool_->submit(make, size)); }

    /// A pool of two, to its first result; its end does not count.
    static double start(std::size_t) {
        asio::io_context context;
        const auto begin = bench::clock::now();
        procpool::process_pool pool(context, {.workers = workers});
        pool.submit(plus_one, 1)([&](std::exception_ptr error, int) {
            bench::require(!error, "a task failed");
            context.stop();
        });
        context.run();
        return bench::seconds_since(begin);
    }

private:
    void run() {
        context_.restart();
        context_.run();
    }

    template <class R>
    double time_of(procpool::submission<R> one) {
        const auto begin = bench::clock::now();
        std::move(one)([&](std::exception_ptr error, const R&) {
            bench::require(!error, "a task failed");
            context_.stop();
        });
        run();
        return bench::seconds_since(begin);
    }

    asio::awaitable<void> await_many(std::size_t count, std::size_t& next, std::size_t& left) {
        while (next < count) {
            const int value = static_cast<int>(next++);
            const int result = co_await pool_->submit(plus_one, value)(asio::use_awaitable);
            bench::require(result == value + 1, "a result is wrong");
        }
        if (--left == 0)
            context_.stop();
    }

    asio::awaitable<void> await_one_by_one(std::size_t count, std::vector<double>& times) {
        for (std::size_t i = 0; i != count; ++i) {
            const auto begin = bench::clock::now();
            co_await pool_->submit(plus_one, 1)(asio::use_awaitable);
            times.push_back(bench::seconds_since(begin));
        }
        context_.stop();
    }

    asio::io_context context_;
    std::unique_ptr<procpool::process_pool> pool_;
    std::vector<char> large_;
};

} // namespace

int main(int argc, char** argv) {
    procpool::init(argc, argv);
    contender one;
    return bench::serve({
        {"submit", [&](std::size_t count) { return one.submit(count); }},
        {"awaited", [&](std::size_t count) { return one.awaited(count); }},
        {"latency", [&](std::size_t count) { return one.latency(count); }},
        {"map", [&](std::size_t count) { return one.map(count); }},
        {"argument", [&](std::size_t size) { return one.argument(size); }},
        {"result", [&](std::size_t size) { return one.result(size); }},
        {"start", contender::start},
    });
}
