// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// procpool itself, as a contender of scripts/bench.

#include <procpool/procpool.hpp>

#include "lives.hpp"
#include "payloads.hpp"
#include "ready_pool.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <ranges>
#include <string>
#include <vector>

namespace asio = boost::asio;

namespace {

constexpr std::size_t coroutines = 256;

int plus_one(int value) {
    return value + 1;
}

class contender {
public:
    explicit contender(std::size_t workers, std::chrono::microseconds spin = {})
        : own_({.workers = workers, .spin = spin}) {}

    double submit(std::size_t count) {
        std::size_t left = count;
        std::size_t sum = 0;
        const auto begin = bench::clock::now();
        asio::post(context_, [&] {
            for (std::size_t i = 0; i != count; ++i)
                pool_.submit(plus_one, static_cast<int>(i))([&](std::exception_ptr error, int result) {
                    bench::require(!error, "a task failed");
                    sum += static_cast<std::size_t>(result);
                    if (--left == 0)
                        context_.stop();
                });
        });
        own_.run();
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
        own_.run();
        return bench::seconds_since(begin);
    }

    double latency(std::size_t count) {
        std::vector<double> times;
        asio::co_spawn(context_, await_one_by_one(count, times), asio::detached);
        own_.run();
        return bench::median(std::move(times));
    }

    double map(std::size_t count) {
        const auto begin = bench::clock::now();
        std::size_t sum = 0;
        pool_.map(plus_one, std::views::iota(0, static_cast<int>(count)))(
            [&](std::exception_ptr error, const std::vector<int>& results) {
                bench::require(!error, "the batch failed");
                for (const int one : results)
                    sum += static_cast<std::size_t>(one);
                context_.stop();
            });
        own_.run();
        const double took = bench::seconds_since(begin);
        bench::require(sum == count * (count + 1) / 2, "a result is wrong");
        return took;
    }

private:
    asio::awaitable<void> await_many(std::size_t count, std::size_t& next, std::size_t& left) {
        while (next < count) {
            const int value = static_cast<int>(next++);
            const int result = co_await pool_.submit(plus_one, value)(asio::use_awaitable);
            bench::require(result == value + 1, "a result is wrong");
        }
        if (--left == 0)
            context_.stop();
    }

    asio::awaitable<void> await_one_by_one(std::size_t count, std::vector<double>& times) {
        for (std::size_t i = 0; i != count; ++i) {
            const auto begin = bench::clock::now();
            co_await pool_.submit(plus_one, 1)(asio::use_awaitable);
            times.push_back(bench::seconds_since(begin));
        }
        context_.stop();
    }

    bench::ready_pool own_;
    asio::io_context& context_ = own_.context;
    procpool::process_pool& pool_ = own_.pool;
};

} // namespace

int main(int argc, char** argv) {
    procpool::init(argc, argv);
    const auto mebibytes_resident = argc > 1 ? std::stoul(argv[1]) : 0;
    const std::vector<char> resident(mebibytes_resident << 20, 'x');
    bench::require(resident.empty() || resident.back() == 'x', "no memory");

    contender one(2);
    contender spinning(2, std::chrono::microseconds(50));
    bench::payloads large;
    const auto submit = [&](std::size_t count) { return one.submit(count); };
    using procpool::start_method;
    return bench::serve({
        {"submit", submit},
        {"awaited", [&](std::size_t count) { return one.awaited(count); }},
        {"latency", [&](std::size_t count) { return one.latency(count); }},
        {"latency_spinning", [&](std::size_t count) { return spinning.latency(count); }},
        {"map", [&](std::size_t count) { return one.map(count); }},
        {"tasks", [&](std::size_t count) { return bench::again_and_again(submit, count); }},
        {"workers", [](std::size_t count) { return contender(count).submit(bench::tasks_in_all); }},
        {"argument", [&](std::size_t size) { return large.argument(size); }},
        {"result", [&](std::size_t size) { return large.result(size); }},
        {"shared_with_worker", [&](std::size_t size) { return large.shared_with_worker(size); }},
        {"shared_by_worker", [&](std::size_t size) { return large.shared_by_worker(size); }},
        {"start", [](std::size_t) { return bench::start(start_method::spawn); }},
        {"respawn", [](std::size_t times) { return bench::respawn(start_method::spawn, times); }},
        {"respawn_forkserver", [](std::size_t times) { return bench::respawn(start_method::forkserver, times); }},
        {"idle", bench::context_switches_while_idle},
        {"waiting", bench::bytes_per_waiting_task},
    });
}
