// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// What batches save and how evenly they are spread over two workers, as ratios within one run:
//
// - a map of a million items that take next to nothing, beside as many single submissions;
// - batches of many short items and a few long ones, in bad orders, beside the time that two workers need at the least;
// - short tasks beside one long one, which keeps one of two workers busy all the time, beside the short tasks on one worker.
//
//   bench_batches [ROUNDS]

#include <procpool/procpool.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

namespace asio = boost::asio;

namespace {

using clock_type = std::chrono::steady_clock;
using milliseconds = std::chrono::duration<double, std::milli>;

constexpr int many = 1'000'000;
constexpr int short_items = 10'000;

int twice(int value) {
    return 2 * value;
}

// Burns processor time rather than waiting, as what is given to a pool does.
int work_for(int microseconds) {
    const auto end = clock_type::now() + std::chrono::microseconds(microseconds);
    while (clock_type::now() < end) {
    }
    return microseconds;
}

struct bench_pool {
    explicit bench_pool(std::size_t workers) : pool(context, {.workers = workers}) {
        while (pool.stats().workers_idle != workers)
            context.run_one();
    }

    template <class R>
    R run(procpool::submission<R> operation) {
        R result{};
        bool over = false;
        operation([&](std::exception_ptr error, R value) {
            if (error)
                std::abort();
            result = std::move(value);
            over = true;
        });
        while (!over)
            context.run_one();
        return result;
    }

    asio::io_context context;
    procpool::process_pool pool;
};

template <class Work>
double time_of(Work work) {
    const auto begin = clock_type::now();
    work();
    return milliseconds(clock_type::now() - begin).count();
}

double map_round(bench_pool& with, const std::vector<int>& items) {
    return time_of([&] {
        if (with.run(with.pool.map(twice, items)).back() != 2 * items.back())
            std::abort();
    });
}

double submissions_round(bench_pool& with, int items) {
    return time_of([&] {
        int left = items;
        asio::post(with.context, [&] {
            for (int i = 0; i != items; ++i)
                with.pool.submit(twice, i)([&left](std::exception_ptr error, int) {
                    if (error)
                        std::abort();
                    --left;
                });
        });
        while (left != 0)
            with.context.run_one();
    });
}

double batch_round(bench_pool& with, const std::vector<int>& work) {
    return time_of([&] { with.run(with.pool.map(work_for, work)); });
}

/// How long short tasks take, if one of the workers has a long one all the while.
double short_tasks_round(bench_pool& with, bool beside_a_long_one) {
    bool long_over = false;
    if (beside_a_long_one)
        with.pool.submit(work_for, 1'000'000)([&](std::exception_ptr, int) { long_over = true; });
    const double taken = time_of([&] {
        int left = short_items;
        for (int i = 0; i != short_items; ++i)
            with.pool.submit(work_for, 20)([&](std::exception_ptr, int) { --left; });
        while (left != 0)
            with.context.run_one();
    });
    while (beside_a_long_one && !long_over)
        with.context.run_one();
    return taken;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

void print(const std::string& name, const std::vector<double>& taken, const std::vector<double>& against, bool invert) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i != taken.size(); ++i)
        ratios.push_back(invert ? against[i] / taken[i] : taken[i] / against[i]);
    const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
    std::printf("%-56s %8.1f ms, ratio %6.2f  (%.2f to %.2f)\n", name.c_str(), median(taken), median(ratios), *least,
                *most);
}

} // namespace

int main(int argc, char** argv) {
    procpool::init(argc, argv);
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 7;
    if (rounds <= 0) {
        std::fprintf(stderr, "usage: bench_batches [ROUNDS]\n");
        return 2;
    }
    bench_pool two(2);
    bench_pool one(1);

    std::vector<int> items(many);
    std::iota(items.begin(), items.end(), 0);
    std::vector<int> long_last(short_items, 10);
    long_last.insert(long_last.end(), 4, 200'000);
    std::vector<int> long_in_the_middle(short_items, 10);
    long_in_the_middle.insert(long_in_the_middle.begin() + short_items / 2, 4, 200'000);
    const double least = std::accumulate(long_last.begin(), long_last.end(), 0.0) / 2 / 1000;

    std::vector<double> maps, submissions, last, middle, ideal, beside, alone;
    for (int round = 0; round != rounds; ++round) {
        maps.push_back(map_round(two, items));
        submissions.push_back(submissions_round(two, many));
        last.push_back(batch_round(two, long_last));
        middle.push_back(batch_round(two, long_in_the_middle));
        ideal.push_back(least);
        beside.push_back(short_tasks_round(two, true));
        alone.push_back(short_tasks_round(one, false));
    }
    std::printf("%d rounds; median (least to most of the rounds' ratios)\n", rounds);
    print("map of 1,000,000 ints: times faster than submissions", maps, submissions, true);
    print("10,000 items of 10 us, then 4 of 200 ms: of the ideal", last, ideal, false);
    print("the same, the long ones in the middle: of the ideal", middle, ideal, false);
    print("10,000 tasks of 20 us beside a long one: of one worker", beside, alone, false);
}
