// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_INTEGRATION_FORKED_HPP
#define PROCPOOL_TESTS_INTEGRATION_FORKED_HPP

#include <procpool/procpool.hpp>

#include <support/proc.hpp>
#include <support/wait_until.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

/// For tests of pools whose workers are forked by a server.
namespace procpool::testing {

inline constexpr std::chrono::seconds patience{30};

// ThreadSanitizer has a thread of its own in a process that has started one.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool all_threads_are_the_programs = false;
#else
inline constexpr bool all_threads_are_the_programs = true;
#endif

inline pool_options forked(std::size_t workers) {
    return {.workers = workers, .method = start_method::forkserver};
}

inline pool_options forked_after(bound_call preload, std::size_t workers = 1) {
    pool_options options = forked(workers);
    options.preload = std::move(preload);
    return options;
}

/// The fork server of the only pool that there is, as soon as it is there; -1 if it never is.
inline pid_t server() {
    std::vector<pid_t> found;
    wait_until(
        [&] {
            found = children_started_as("--procpool-forker=1");
            return found.size() == 1;
        },
        patience);
    return found.size() == 1 ? found.front() : -1;
}

/// Whether a child comes to its end and is reaped.
inline bool is_gone(pid_t pid) {
    return wait_until([&] { return look_at(pid).state == 0; }, patience);
}

/// Whether a pool comes to work again.
inline bool recovers(process_pool& pool) {
    const auto same = [](int value) { return value; };
    return wait_until(
        [&] {
            try {
                return pool.submit(same, 7).get() == 7;
            } catch (const std::exception&) {
                return false;
            }
        },
        patience);
}

inline bool at_full_strength(process_pool& pool, std::size_t workers) {
    return wait_until([&] { return pool.stats().workers_idle == workers; }, patience);
}

// Tasks ---------------------------------------------------------------------------------------------------------------

inline pid_t own_pid() {
    return ::getpid();
}

inline int same(int value) {
    return value;
}

inline int value_of_worker = 0;

inline void set_value(int to) {
    value_of_worker = to;
}

inline int get_value() {
    return value_of_worker;
}

} // namespace procpool::testing

#endif
