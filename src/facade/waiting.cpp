// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/detail/handle_state.hpp>

#include <procpool/error.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

namespace procpool::detail {

namespace {

template <class Executor>
bool runs_here(const asio::any_io_executor& executor) {
    const auto* const known = executor.target<Executor>();
    return known && known->running_in_this_thread();
}

bool running_in_this_thread(const asio::any_io_executor& executor) {
    using context = asio::io_context::executor_type;
    using threads = asio::thread_pool::executor_type;
    if (runs_here<context>(executor) || runs_here<threads>(executor))
        return true;
    // A thread in the middle of a strand's work may well be waited for by another thread of the context, but not by
    // the strand itself; and it is one of the context's threads either way.
    if (const auto* const strand = executor.target<asio::strand<context>>())
        return strand->running_in_this_thread() || strand->get_inner_executor().running_in_this_thread();
    if (const auto* const strand = executor.target<asio::strand<threads>>())
        return strand->running_in_this_thread() || strand->get_inner_executor().running_in_this_thread();
    if (const auto* const strand = executor.target<asio::strand<asio::any_io_executor>>())
        return strand->running_in_this_thread() || running_in_this_thread(strand->get_inner_executor());
    return false;
}

} // namespace

void refuse_to_wait_on(const asio::any_io_executor& executor) {
    if (running_in_this_thread(executor))
        throw pool_error(errc::would_deadlock,
                         "this thread runs the pool's executor, so it must not block until the pool has done "
                         "something; use co_await or a callback here");
}

void throw_used_up() {
    throw std::logic_error("procpool: this submission was started before, or moved from; it can be used once");
}

void throw_pool_gone() {
    throw pool_error(errc::pool_terminated, "the pool does not exist any more");
}

std::exception_ptr result_taken() {
    return std::make_exception_ptr(
        std::logic_error("procpool: this result can only be moved, and somebody has taken it already"));
}

} // namespace procpool::detail
