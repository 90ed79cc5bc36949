// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// A talent agency sends its four scouts to ten matches. Each scout is a process of its own: a worker of the pool.
//
// Shows `map`: one function over a range of inputs, the results in the order of the inputs, whoever was done first.

#include <procpool/procpool.hpp>

#include <chrono>
#include <cstdio>
#include <ranges>
#include <string>
#include <thread>
#include <utility>

#include <unistd.h>

// What a scout brings home from a match: the report, and who wrote it.
std::pair<std::string, int> scout(int match) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50)); // a short match
    const std::string talent(static_cast<std::size_t>(match * 7 % 5 + 1), '*');
    return {talent, ::getpid()};
}

int main(int argc, char** argv) {
    procpool::init(argc, argv);

    procpool::process_pool pool{{.workers = 4}};
    std::printf("The agency is process %d.\n", ::getpid());

    int match = 0;
    for (const auto& [talent, scout_pid] : pool.map(scout, std::views::iota(1, 11)).get())
        std::printf("match %2d: %-5s  seen by process %d\n", ++match, talent.c_str(), scout_pid);
}
