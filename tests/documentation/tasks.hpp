// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_DOCUMENTATION_TASKS_HPP
#define PROCPOOL_TESTS_DOCUMENTATION_TASKS_HPP

#include <facade/support.hpp>

#include <procpool/procpool.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>

#include <atomic>
#include <exception>
#include <filesystem>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace procpool::testing {

// The functions that the page's lines call.
int add(int left, int right);
int square(int number);
int worker_pid();
int crash();
int crash_once(int number);
int parse(const std::string& text);

struct parse_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};
PROCPOOL_EXCEPTION(parse_error)

int add_and_tell(int left, int right);
int add_in_steps(int left, int right);
int throw_something();

/// What pool_options::initializer calls, and what it has left in the worker.
void set_up(const std::string& language, int level);
std::string setting();
void refuse_to_set_up();

/// Begins as number 1, and passes the gate.
int pass_the_gate(const std::filesystem::path& gate);

/// Leaves its mark, and works until it is asked to stop; how often it was not.
int work_until_told(const std::filesystem::path& gate);

/// The code of the error of an operation that a pool with its own thread does.
template <class R>
boost::system::error_code code_of(submission<R> operation) {
    try {
        std::move(operation).get();
    } catch (...) {
        return testing::code_of(std::current_exception());
    }
    return {};
}

/// What the page's lines use, besides a pool.
struct used {
    std::vector<int> inputs{1, 2, 3, 4};
    std::vector<std::pair<int, int>> pairs{{1, 2}, {3, 4}};
    gate door;

    // Callbacks, and what they were told, on whatever thread.
    std::atomic<int> total = 0;
    std::atomic<int> errors = 0;
    std::function<void(int)> done = [this](int value) { total += value; };
    std::function<void(const std::vector<int>&)> all_done = [this](const std::vector<int>& values) {
        total += std::accumulate(values.begin(), values.end(), 0);
    };
    std::function<void(std::exception_ptr)> failed = [this](const std::exception_ptr&) { ++errors; };
};

/// For the lines of a program without an io_context.
struct blocking : used {
    process_pool pool{{.workers = 2}};
};

/// Runs a coroutine to its end.
template <class F>
requires std::is_invocable_r_v<asio::awaitable<void>, F>
void run(asio::io_context& context, F coroutine) {
    seen<void> result;
    asio::co_spawn(context, coroutine(), result.handler());
    BOOST_REQUIRE(run_for(context, patience, [&] { return result.over(); }));
    if (result.error)
        std::rethrow_exception(result.error);
}

/// For the lines of a coroutine.
struct awaiting : used {
    explicit awaiting(std::size_t workers = 2) : pool(context, {.workers = workers}) {}

    /// Runs a coroutine, or an operation of the pool, to its end.
    template <class What>
    auto run(What what) {
        return testing::run(context, std::move(what));
    }

    asio::io_context context;
    process_pool pool;
};

} // namespace procpool::testing

#endif
