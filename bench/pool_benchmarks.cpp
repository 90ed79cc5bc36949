// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// What a change to the pool does to its speed, piece by piece, for whoever works on it. A figure means something beside another
// one of the same run, so give both names, and have them take turns:
//
//   bench_pool --benchmark_filter='post|submit' --benchmark_enable_random_interleaving=true --benchmark_repetitions=9

#include "contenders/ready_pool.hpp"

#include <benchmark/benchmark.h>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <chrono>
#include <cstring>
#include <numeric>
#include <vector>

namespace asio = boost::asio;

namespace {

using benchmark::State;

constexpr std::size_t workers = 2;
constexpr std::int64_t million = 1'000'000;
constexpr std::int64_t mebibyte = 1 << 20;

// Many at once --------------------------------------------------------------------------------------------------------

int plus_one(int value) {
    return value + 1;
}

void post(State& state) {
    for (auto _ : state) {
        asio::thread_pool threads(workers);
        std::atomic<std::int64_t> sum = 0;
        for (std::int64_t i = 0; i != state.range(0); ++i)
            asio::post(threads, [&sum, i] { sum.fetch_add(i, std::memory_order_relaxed); });
        threads.join();
        benchmark::DoNotOptimize(sum.load());
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(post)->Arg(million)->UseRealTime()->Unit(benchmark::kMillisecond);

/// Tasks of which each is submitted by itself, from the executor's own thread.
template <class F, class Argument>
void submit_all(bench::ready_pool& with, std::int64_t tasks, F f, Argument argument_of) {
    std::int64_t left = tasks;
    asio::post(with.context, [&] {
        for (std::int64_t i = 0; i != tasks; ++i)
            with.pool.submit(f, argument_of(i))([&](std::exception_ptr error, int) {
                bench::require(!error, "a task failed");
                if (--left == 0)
                    with.context.stop();
            });
    });
    with.run();
}

void submit(State& state) {
    bench::ready_pool with({.workers = static_cast<std::size_t>(state.range(1))});
    for (auto _ : state)
        submit_all(with, state.range(0), plus_one, [](std::int64_t i) { return static_cast<int>(i); });
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(submit)
    ->ArgNames({"tasks", "workers"})
    ->Args({million, 1})
    ->Args({million, 2})
    ->Args({million, 64})
    ->Args({million, 256})
    ->Args({1'000, 2})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void map(State& state) {
    bench::ready_pool with({.workers = workers});
    std::vector<int> items(static_cast<std::size_t>(state.range(0)));
    std::iota(items.begin(), items.end(), 0);
    for (auto _ : state)
        benchmark::DoNotOptimize(with.run(with.pool.map(plus_one, items)).data());
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(map)->Arg(million)->UseRealTime()->Unit(benchmark::kMillisecond);

// How evenly work is spread -------------------------------------------------------------------------------------------

// Keeps a processor busy, as what is given to a pool does.
int work_for(int microseconds) {
    const auto end = bench::clock::now() + std::chrono::microseconds(microseconds);
    while (bench::clock::now() < end) {
    }
    return microseconds;
}

constexpr std::int64_t short_items = 10'000;

/// Short items, and long ones after a share of them; as a multiple of the time that two workers need at the least.
void map_with_long_items(State& state) {
    bench::ready_pool with({.workers = workers});
    std::vector<int> items(short_items, 10);
    items.insert(items.begin() + short_items * state.range(0) / 100, 4, 200'000);
    const double ideal = std::accumulate(items.begin(), items.end(), 0.0) / workers / 1e6;
    double took = 0;
    for (auto _ : state) {
        const auto begin = bench::clock::now();
        with.run(with.pool.map(work_for, items));
        took += bench::seconds_since(begin);
    }
    state.counters["of_ideal"] = took / static_cast<double>(state.iterations()) / ideal;
}
BENCHMARK(map_with_long_items)
    ->ArgName("after_percent")
    ->Arg(0)
    ->Arg(50)
    ->Arg(100)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

/// What the next one is to be compared with.
void short_tasks_on_one_worker(State& state) {
    bench::ready_pool with({.workers = 1});
    for (auto _ : state)
        submit_all(with, short_items, work_for, [](std::int64_t) { return 20; });
    state.SetItemsProcessed(state.iterations() * short_items);
}
BENCHMARK(short_tasks_on_one_worker)->UseRealTime()->Unit(benchmark::kMillisecond);

/// Short tasks while one of two workers has a long one.
void short_tasks_beside_a_long_one(State& state) {
    bench::ready_pool with({.workers = workers});
    for (auto _ : state) {
        state.PauseTiming();
        bool long_over = false;
        with.pool.submit(work_for, static_cast<int>(million))([&](std::exception_ptr, int) { long_over = true; });
        state.ResumeTiming();
        submit_all(with, short_items, work_for, [](std::int64_t) { return 20; });
        state.PauseTiming();
        with.context.restart();
        while (!long_over)
            with.context.run_one();
        state.ResumeTiming();
    }
    state.SetItemsProcessed(state.iterations() * short_items);
}
BENCHMARK(short_tasks_beside_a_long_one)->UseRealTime()->Unit(benchmark::kMillisecond);

// Large payloads ------------------------------------------------------------------------------------------------------

using bytes = std::vector<unsigned char>;

std::size_t size_of(const bytes& all) {
    return all.size();
}

bytes make(std::size_t size) {
    return bytes(size, 1);
}

bytes back(bytes all) {
    return all;
}

std::size_t size_in_bytes(const State& state) {
    return static_cast<std::size_t>(state.range(0) * mebibyte);
}

void copied(State& state) {
    state.SetBytesProcessed(state.iterations() * state.range(0) * mebibyte);
}

void copy(State& state) {
    const bytes from(size_in_bytes(state), 1);
    bytes to(from.size(), 2);
    for (auto _ : state) {
        std::memcpy(to.data(), from.data(), from.size());
        benchmark::ClobberMemory();
    }
    copied(state);
}

void fresh_vector(State& state) {
    for (auto _ : state)
        benchmark::DoNotOptimize(bytes(size_in_bytes(state)).data());
    copied(state);
}

void argument(State& state) {
    bench::ready_pool with({.workers = 1});
    const bytes value(size_in_bytes(state), 1);
    for (auto _ : state)
        bench::require(with.run(with.pool.submit(size_of, value)) == value.size(), "an argument is wrong");
    copied(state);
}

void result(State& state) {
    bench::ready_pool with({.workers = 1});
    for (auto _ : state)
        bench::require(with.run(with.pool.submit(make, size_in_bytes(state))).back() == 1, "a result is wrong");
    copied(state);
}

void there_and_back(State& state) {
    bench::ready_pool with({.workers = 1});
    const bytes value(size_in_bytes(state), 1);
    for (auto _ : state)
        bench::require(with.run(with.pool.submit(back, value)).back() == 1, "a result is wrong");
    copied(state);
}

BENCHMARK(copy)->ArgName("MiB")->Arg(64)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(fresh_vector)->ArgName("MiB")->Arg(64)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(argument)->ArgName("MiB")->Arg(1)->Arg(64)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(result)->ArgName("MiB")->Arg(1)->Arg(64)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(there_and_back)->ArgName("MiB")->Arg(64)->UseRealTime()->Unit(benchmark::kMillisecond);

} // namespace

int main(int argc, char** argv) {
    procpool::init(argc, argv);
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 2;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
}
