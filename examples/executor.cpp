// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Three tasks that take long, short and middling: submitted one by one they complete in the order in which they finish;
// `map` gives the same results in the order of its inputs.
//
// Shows a pool on the program's own io_context, with callbacks. Once the pool is closed and all is done, run() returns.

#include <procpool/procpool.hpp>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <thread>
#include <utility>
#include <vector>

const std::vector<std::pair<std::string, int>> jobs{{"long", 900}, {"short", 100}, {"middling", 500}};

std::string work(const std::pair<std::string, int>& job) {
    std::this_thread::sleep_for(std::chrono::milliseconds(job.second));
    return job.first;
}

// Each result comes as soon as it is there.
void submit_one_by_one() {
    boost::asio::io_context context;
    procpool::process_pool pool(context, {.workers = 3});
    for (const auto& job : jobs) {
        pool.submit(work, job)([](std::exception_ptr error, const std::string& name) {
            std::printf("submit: %s\n", error ? "failed" : name.c_str());
        });
    }
    pool.close();
    context.run();
}

// All results come together, each in its place.
void map_all() {
    boost::asio::io_context context;
    procpool::process_pool pool(context, {.workers = 3});
    pool.map(work, jobs)([](std::exception_ptr error, const std::vector<std::string>& names) {
        if (error)
            std::printf("map: failed\n");
        for (const std::string& name : names)
            std::printf("map: %s\n", name.c_str());
    });
    pool.close();
    context.run();
}

int main(int argc, char** argv) {
    procpool::init(argc, argv);

    submit_one_by_one();
    map_all();
}
