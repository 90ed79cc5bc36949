// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TASK_HANDLE_HPP
#define PROCPOOL_TASK_HANDLE_HPP

#include <procpool/detail/handle_state.hpp>
#include <procpool/submission.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <utility>

namespace procpool {

template <class R>
class task_handle;

namespace detail {
/// For what else of ours works on handles.
struct handle_access {
    template <class R>
    static const std::shared_ptr<handle_state<R>>& state(const task_handle<R>& handle) noexcept {
        return handle.state_;
    }
};
} // namespace detail

/// An operation that was started and whose result is asked for later: what Python calls an AsyncResult.
/**
 * A handle may be copied; all copies mean the same operation. It may outlive the pool. A handle that was default-constructed or
 * moved from may only be assigned to or destroyed.
 *
 * @par Thread safety
 * Any thread may call the members of any handle.
 */
template <class R>
class task_handle {
public:
    using result_type = R;

    task_handle() noexcept = default;

    /// The task's number in its pool, from 1 in the order of submission; 0 for an operation that is more than one task.
    std::uint64_t id() const { return state_->id; }

    /// Whether the operation is over.
    bool ready() const { return state_->ready(); }

    /// Whether the operation is over and yielded no error. Throws std::logic_error if it is not over yet.
    bool successful() const { return state_->successful(); }

    /// Calls the operation off, wherever it stands; it completes with `boost::asio::error::operation_aborted`, unless the task
    /// ends by itself in time.
    /**
     * A task that no worker has begun will never run. One that runs is asked to stop, if it ever looked whether it is to;
     * otherwise, or if it does not, it is ended together with its worker, which is replaced. Nothing happens if the operation
     * is over. (This is terminal cancellation; see submission::operator().)
     */
    void cancel() {
        const std::lock_guard lock(state_->signal_mutex());
        state_->signal().emit(boost::asio::cancellation_type::terminal);
    }

    /// Blocks until the operation is over, but no longer than this. Whether it is.
    /**
     * @throws pool_error with `errc::would_deadlock` on a thread that runs the pool's executor, if the operation is not over
     *         yet: on every thread that runs the io_context or thread_pool that the executor belongs to, also as a strand.
     *         With any other kind of executor such a thread is not recognised.
     */
    bool wait_for(std::chrono::milliseconds bound) const { return state_->wait_for(bound); }

    /// Blocks until the operation is over.
    /**
     * @return its value; throws its error. It may be called again if R can be copied; a value that can only be moved goes to
     *         whoever asks first, and the next one gets std::logic_error.
     * @throws pool_error with `errc::would_deadlock` on a thread that runs the pool's executor, as wait_for() does
     */
    R get() {
        detail::settled<R> result = state_->wait();
        if (result.error)
            std::rethrow_exception(std::move(result.error));
        if constexpr (!std::is_void_v<R>)
            return std::move(*result.value);
    }

    /// Waiting for the result without blocking: `co_await handle.result()`, or with any other token.
    /**
     * Completes with the operation's value or error, on the handler's executor. Several may wait. Cancelling the wait, by any
     * type, ends it with `boost::asio::error::operation_aborted` and leaves the operation alone; to call that off, use
     * cancel(). Terms (submission::timeout and its kin) are refused with std::logic_error.
     */
    submission<R> result() { return submission<R>(std::make_unique<detail::handle_source<R>>(state_)); }

private:
    template <class>
    friend class submission;
    friend struct detail::handle_access;

    explicit task_handle(std::shared_ptr<detail::handle_state<R>> state) noexcept : state_(std::move(state)) {}

    std::shared_ptr<detail::handle_state<R>> state_;
};

template <class R>
task_handle<R> submission<R>::start() && {
    auto state = std::make_shared<detail::handle_state<R>>(pool());
    detail::handle_handler<R> handler{state};
    state->id = start_with(std::move(handler));
    return task_handle<R>(std::move(state));
}

template <class R>
R submission<R>::get() && {
    detail::refuse_to_wait_on(pool()->executor());
    return std::move(*this).start().get();
}

} // namespace procpool

#endif
