// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include "lives.hpp"

#include "ready_pool.hpp"

#include <boost/asio/executor_work_guard.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <malloc.h>
#include <signal.h>
#include <unistd.h>

namespace bench {

namespace {

constexpr std::size_t workers = 2;

int plus_one(int value) {
    return value + 1;
}

void never_end() {
    for (;;)
        ::pause();
}

std::size_t context_switches(const std::string& of_thread) {
    std::ifstream status(of_thread + "/status");
    std::size_t sum = 0;
    for (std::string line; std::getline(status, line);)
        if (line.find("ctxt_switches:") != std::string::npos)
            sum += std::stoul(line.substr(line.find(':') + 1));
    return sum;
}

std::size_t heap_in_use() {
    const struct mallinfo2 now = ::mallinfo2();
    return now.uordblks + now.hblkhd;
}

} // namespace

double start(procpool::start_method method) {
    boost::asio::io_context context;
    const auto begin = clock::now();
    procpool::process_pool pool(context, {.workers = workers, .method = method});
    pool.submit(plus_one, 1)([&](std::exception_ptr error, int) {
        require(!error, "a task failed");
        context.stop();
    });
    context.run();
    return seconds_since(begin);
}

double respawn(procpool::start_method method, std::size_t times) {
    boost::asio::io_context context;
    pid_t worker = -1;
    procpool::pool_options options{.workers = 1, .method = method};
    options.on_event = [&](const procpool::worker_event& event) {
        if (event.what != procpool::worker_event::kind::ready)
            return;
        worker = event.pid;
        context.stop();
    };
    procpool::process_pool pool(context, std::move(options));
    context.run();
    std::vector<double> took;
    for (std::size_t i = 0; i != times; ++i) {
        // One that dies without having done anything is replaced ever more slowly.
        pool.submit(plus_one, 1)([&](std::exception_ptr error, int) {
            require(!error, "a task failed");
            context.stop();
        });
        context.restart();
        context.run();
        require(worker > 1, "no worker");
        const auto begin = clock::now();
        ::kill(worker, SIGKILL);
        context.restart();
        context.run();
        took.push_back(seconds_since(begin));
    }
    return median(std::move(took));
}

double context_switches_while_idle(std::size_t seconds) {
    std::vector<pid_t> processes{::getpid()};
    procpool::pool_options options{.workers = workers};
    options.on_event = [&](const procpool::worker_event& event) {
        if (event.what == procpool::worker_event::kind::ready)
            processes.push_back(event.pid);
    };
    ready_pool idle(std::move(options));
    while (processes.size() != 1 + workers)
        idle.context.run_one();
    const auto guard = boost::asio::make_work_guard(idle.context);
    std::jthread runs([&] { idle.run(); });

    const std::string this_thread = "/proc/" + std::to_string(::getpid()) + "/task/" + std::to_string(::gettid());
    const auto all = [&] {
        std::size_t sum = 0;
        for (const pid_t process : processes)
            for (const auto& thread : std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/task"))
                if (thread.path() != this_thread)
                    sum += context_switches(thread.path());
        return sum;
    };
    std::this_thread::sleep_for(std::chrono::milliseconds(200)); // until the thread that runs it has gone to sleep
    const std::size_t before = all();
    std::this_thread::sleep_for(std::chrono::seconds(seconds));
    const std::size_t after = all();
    idle.context.stop();
    return static_cast<double>(after - before);
}

double bytes_per_waiting_task(std::size_t tasks) {
    ready_pool busy({.workers = 1});
    busy.pool.submit(never_end)([](std::exception_ptr) {});
    while (busy.pool.stats().workers_busy != 1)
        busy.context.run_one();
    const std::size_t before = heap_in_use();
    std::size_t left = tasks;
    for (std::size_t i = 0; i != tasks; ++i)
        busy.pool.submit(plus_one, static_cast<int>(i))([&](std::exception_ptr, int) {
            if (--left == 0)
                busy.context.stop();
        });
    while (busy.pool.stats().tasks_waiting + busy.pool.stats().tasks_with_workers != tasks + 1)
        busy.context.run_one();
    const std::size_t after = heap_in_use();
    busy.pool.terminate();
    busy.run();
    return static_cast<double>(after - before) / static_cast<double>(tasks);
}

} // namespace bench
