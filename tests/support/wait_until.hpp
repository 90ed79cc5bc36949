// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_SUPPORT_WAIT_UNTIL_HPP
#define PROCPOOL_TESTS_SUPPORT_WAIT_UNTIL_HPP

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <chrono>
#include <thread>

namespace procpool::testing {

/// Waits until something has become true, and says whether it has. The way for a test to wait for another process or
/// thread.
/**
 * No test waits for a fixed time and then expects something: that is wrong on a busy machine and wasteful on an idle
 * one. This looks again and again, with a sleep of a millisecond between two looks so that what it waits for gets the
 * processor, and it looks once more after the bound, however late that is. The bound is only there for the test to fail
 * rather than to hang; make it generous.
 */
template <class P>
bool wait_until(P predicate, std::chrono::milliseconds bound = std::chrono::seconds(10)) {
    const auto deadline = std::chrono::steady_clock::now() + bound;
    while (!predicate()) {
        if (std::chrono::steady_clock::now() >= deadline)
            return predicate();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

/// Runs a context's handlers on this thread until something has become true, and says whether it has.
/**
 * The predicate is looked at after every handler, and every few milliseconds in case something else changes it. A
 * context that has run out of work is started again: work may still come from another thread.
 */
template <class P>
bool run_for(boost::asio::io_context& context, std::chrono::milliseconds bound, P predicate) {
    const auto deadline = std::chrono::steady_clock::now() + bound;
    while (!predicate()) {
        const auto left = deadline - std::chrono::steady_clock::now();
        if (left <= left.zero())
            return predicate();
        if (context.stopped())
            context.restart();
        const std::chrono::steady_clock::duration slice = std::chrono::milliseconds(5);
        context.run_one_for(std::min(left, slice));
        if (context.stopped())
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

/// Runs a context's handlers on this thread until it is out of work, and says whether that came within the bound.
inline bool run_for(boost::asio::io_context& context, std::chrono::milliseconds bound) {
    context.restart();
    context.run_for(bound);
    return context.stopped();
}

} // namespace procpool::testing

#endif
