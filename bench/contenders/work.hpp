// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_BENCH_WORK_HPP
#define PROCPOOL_BENCH_WORK_HPP

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace bench {

using work = std::function<double(std::size_t)>;
using clock = std::chrono::steady_clock;

inline double seconds_since(clock::time_point begin) {
    return std::chrono::duration<double>(clock::now() - begin).count();
}

inline double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

inline void require(bool right, const char* what) {
    if (right)
        return;
    std::fprintf(stderr, "%s\n", what);
    std::abort();
}

constexpr std::size_t tasks_in_all = 1'000'000;

/// The median of as many times as make a million tasks, but of three at least: what so few take can be said only of many times.
inline double again_and_again(const work& one, std::size_t tasks) {
    std::vector<double> times;
    for (std::size_t done = 0; done < tasks_in_all || times.size() < 3; done += tasks)
        times.push_back(one(tasks));
    return median(std::move(times));
}

/// Reads lines of a work's name and a number, and answers each with a number of seconds.
inline int serve(const std::map<std::string, work>& works) {
    std::cout << "ready" << std::endl;
    std::string name;
    for (std::size_t count = 0; std::cin >> name >> count;)
        std::cout << works.at(name)(count) << std::endl;
    return 0;
}

} // namespace bench

#endif
