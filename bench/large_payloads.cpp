// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// What large arguments and results cost, beside copying as much memory that is warm: as ratios within one run.
//
//   bench_large_payloads [MEBIBYTES [ROUNDS]]

#include <procpool/procpool.hpp>

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

namespace asio = boost::asio;

namespace {

using clock_type = std::chrono::steady_clock;
using milliseconds = std::chrono::duration<double, std::milli>;
using bytes = std::vector<unsigned char>;

std::size_t size_of(const bytes& all) {
    return all.size();
}

bytes make(std::size_t size) {
    return bytes(size);
}

bytes back(bytes all) {
    return all;
}

constexpr std::size_t gibibyte = std::size_t{1} << 30;

procpool::mutable_shared_buffer fill() {
    auto space = procpool::shared_buffer::allocate(gibibyte);
    std::memset(space.data(), 1, gibibyte);
    return space;
}

unsigned look_at(const procpool::shared_buffer& buffer) {
    return std::to_integer<unsigned>(buffer.data()[0]) + std::to_integer<unsigned>(buffer.data()[buffer.size() - 1]);
}

// In a worker: a gibibyte that is filled and not sealed.
procpool::mutable_shared_buffer& space_there() {
    static procpool::mutable_shared_buffer space;
    return space;
}

bool prepare() {
    space_there() = fill();
    return true;
}

procpool::shared_buffer hand_over() {
    return std::move(space_there()).seal();
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
        std::move(operation)([&](std::exception_ptr error, R value) {
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

struct contest {
    std::string name;
    std::function<void()> round;
    std::vector<double> times = {};
};

template <class Work>
double time_of(Work work) {
    const auto begin = clock_type::now();
    work();
    return milliseconds(clock_type::now() - begin).count();
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

} // namespace

int main(int argc, char** argv) {
    procpool::init(argc, argv);
    const double mebibytes = argc > 1 ? std::atof(argv[1]) : 64;
    const int rounds = argc > 2 ? std::atoi(argv[2]) : 15;
    const auto size = static_cast<std::size_t>(mebibytes * (1 << 20));
    if (size == 0 || rounds <= 0) {
        std::fprintf(stderr, "usage: bench_large_payloads [MEBIBYTES [ROUNDS]]\n");
        return 2;
    }

    bench_pool with(1);
    const bytes argument(size, 1);
    bytes other(size, 2);
    std::vector<contest> contests;
    contests.push_back({"memcpy, both sides warm", [&] { std::memcpy(other.data(), argument.data(), size); }});
    contests.push_back({"vector as argument", [&] {
                            if (with.run(with.pool.submit(size_of, argument)) != size)
                                std::abort();
                        }});
    contests.push_back({"vector as result, made of zeros there", [&] {
                            if (with.run(with.pool.submit(make, size)).size() != size)
                                std::abort();
                        }});
    contests.push_back({"vector there and back", [&] {
                            if (with.run(with.pool.submit(back, argument)).size() != size)
                                std::abort();
                        }});
    contests.push_back({"a fresh vector here, for comparison", [&] {
                            const bytes fresh(size);
                            if (fresh[size / 2] != 0)
                                std::abort();
                        }});
    std::vector<double> to_worker;
    std::vector<double> to_pool;
    std::vector<double> there_and_back;
    for (int round = 0; round != 5; ++round) {
        there_and_back.push_back(time_of([&] { with.run(with.pool.submit(make, std::size_t{1})); }));
        auto space = fill();
        procpool::shared_buffer buffer;
        to_worker.push_back(time_of([&] {
            buffer = std::move(space).seal();
            if (with.run(with.pool.submit(look_at, buffer)) != 2)
                std::abort();
        }));
        buffer = {};
        with.run(with.pool.submit(prepare));
        to_pool.push_back(time_of([&] {
            buffer = with.run(with.pool.submit(hand_over));
            if (look_at(buffer) != 2)
                std::abort();
        }));
    }
    for (const auto& [name, times] : {std::pair("a call of next to nothing", &there_and_back),
                                      std::pair("shared_buffer, 1 GiB, seen by a worker", &to_worker),
                                      std::pair("shared_buffer, 1 GiB, of a worker", &to_pool)})
        std::printf("%-40s %9.3f ms  (%.3f to %.3f)\n", name, median(*times), *std::ranges::min_element(*times),
                    *std::ranges::max_element(*times));

    for (int round = -2; round != rounds; ++round)
        for (contest& one : contests) {
            const auto begin = clock_type::now();
            one.round();
            const double took = milliseconds(clock_type::now() - begin).count();
            if (round >= 0)
                one.times.push_back(took);
        }
    std::printf("%g MiB, 1 worker, %d rounds; median (least to most), and memcpy's as a ratio of it\n", mebibytes,
                rounds);
    for (const contest& one : contests) {
        const auto [least, most] = std::minmax_element(one.times.begin(), one.times.end());
        std::vector<double> ratios;
        for (std::size_t round = 0; round != one.times.size(); ++round)
            ratios.push_back(contests.front().times[round] / one.times[round]);
        std::printf("%-40s %9.3f ms  (%.3f to %.3f)  %.2f  (of the least: %.2f)\n", one.name.c_str(), median(one.times),
                    *least, *most, median(ratios), *std::ranges::min_element(contests.front().times) / *least);
    }
}
