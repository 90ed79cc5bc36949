// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/detail/handle_state.hpp>

#include <procpool/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/execution/relationship.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/system/system_error.hpp>

#include <stdexcept>

namespace procpool::detail {

namespace {

template <class Executor>
bool runs_here(const asio::any_io_executor& executor) {
    const auto* const known = executor.target<Executor>();
    return known && known->running_in_this_thread();
}

bool running_in_this_thread(const asio::any_io_executor& given) {
    using context = asio::io_context::executor_type;
    using threads = asio::thread_pool::executor_type;
    // An executor with a property or two is another type; without them it is one of those below.
    const asio::any_io_executor executor =
        asio::prefer(given, asio::execution::outstanding_work.untracked, asio::execution::blocking.possibly,
                     asio::execution::relationship.fork);
    if (runs_here<context>(executor) || runs_here<threads>(executor))
        return true;
    // The threads of a strand's context count, too: one of them may be the only one.
    if (const auto* const strand = executor.target<asio::strand<context>>())
        return strand->get_inner_executor().running_in_this_thread();
    if (const auto* const strand = executor.target<asio::strand<threads>>())
        return strand->get_inner_executor().running_in_this_thread();
    if (const auto* const strand = executor.target<asio::strand<asio::any_io_executor>>())
        return running_in_this_thread(strand->get_inner_executor());
    return false;
}

} // namespace

void refuse_to_wait_on(const asio::any_io_executor& executor) {
    if (running_in_this_thread(executor))
        throw pool_error(errc::would_deadlock,
                         "this thread runs the pool's executor, so it must not block until the pool has done "
                         "something; use co_await or a callback here");
}

std::exception_ptr used_up() {
    return std::make_exception_ptr(
        std::logic_error("procpool: this submission was started before, or moved from; it can be used once"));
}

std::exception_ptr pool_gone() {
    return std::make_exception_ptr(pool_error(errc::pool_terminated, "the pool does not exist any more"));
}

std::exception_ptr no_terms_here() {
    return std::make_exception_ptr(std::logic_error(
        "procpool: timeout(), queue_timeout(), priority(), retries() and on_progress() are for tasks; this "
        "operation only waits, so they would have no effect"));
}

std::exception_ptr called_off() {
    return std::make_exception_ptr(boost::system::system_error(asio::error::operation_aborted));
}

std::exception_ptr result_taken() {
    return std::make_exception_ptr(
        std::logic_error("procpool: this result can only be moved, and somebody has taken it already"));
}

} // namespace procpool::detail
