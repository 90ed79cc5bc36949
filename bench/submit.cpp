// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// How fast a million small tasks go through a pool of two workers, beside posting the same work to a thread pool of two
// threads. The rounds alternate, so that both see the same machine; what counts is the ratio.
//
//   bench_submit [TASKS [ROUNDS]]

#include <procpool/procpool.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace asio = boost::asio;

namespace {

constexpr std::size_t workers = 2;

int work(int value) {
    return value + 1;
}

using seconds = std::chrono::duration<double>;

// From the first submission to the last result, in a pool whose workers are ready.
double procpool_round(int tasks) {
    asio::io_context context;
    procpool::process_pool pool(context, {.workers = workers});
    while (pool.stats().workers_idle != workers)
        context.run_one();

    long long sum = 0;
    int left = tasks;
    const auto begin = std::chrono::steady_clock::now();
    asio::post(context, [&] {
        for (int i = 0; i != tasks; ++i)
            pool.submit(work, i)([&](std::exception_ptr error, int result) {
                if (error)
                    std::abort();
                sum += result;
                if (--left == 0)
                    context.stop();
            });
    });
    context.run();
    const seconds taken = std::chrono::steady_clock::now() - begin;
    if (sum != static_cast<long long>(tasks) * (tasks + 1) / 2)
        std::abort();
    return tasks / taken.count();
}

double post_round(int tasks) {
    asio::thread_pool threads(workers);
    std::atomic<long long> sum = 0;
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i != tasks; ++i)
        asio::post(threads, [&sum, i] { sum.fetch_add(work(i), std::memory_order_relaxed); });
    threads.join();
    const seconds taken = std::chrono::steady_clock::now() - begin;
    if (sum != static_cast<long long>(tasks) * (tasks + 1) / 2)
        std::abort();
    return tasks / taken.count();
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

void print(const char* name, const std::vector<double>& rates) {
    const auto [least, most] = std::minmax_element(rates.begin(), rates.end());
    std::printf("%-42s %6.2f million tasks/s  (%.2f to %.2f)\n", name, median(rates) / 1e6, *least / 1e6, *most / 1e6);
}

} // namespace

int main(int argc, char** argv) {
    procpool::init(argc, argv);
    const int tasks = argc > 1 ? std::atoi(argv[1]) : 1'000'000;
    const int rounds = argc > 2 ? std::atoi(argv[2]) : 7;
    if (tasks <= 0 || rounds <= 0) {
        std::fprintf(stderr, "usage: bench_submit [TASKS [ROUNDS]]\n");
        return 2;
    }
    std::vector<double> pool_rates;
    std::vector<double> post_rates;
    std::vector<double> ratios;
    for (int round = 0; round != rounds; ++round) {
        pool_rates.push_back(procpool_round(tasks));
        post_rates.push_back(post_round(tasks));
        ratios.push_back(pool_rates.back() / post_rates.back());
    }
    std::printf("%d tasks, int(int), %d rounds; median (least to most)\n", tasks, rounds);
    print("procpool submit with callbacks, 2 workers", pool_rates);
    print("asio::thread_pool post, 2 threads", post_rates);
    std::printf("%-42s %6.2f\n", "ratio, median of the rounds'", median(ratios));
}
