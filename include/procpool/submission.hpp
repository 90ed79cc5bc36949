// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SUBMISSION_HPP
#define PROCPOOL_SUBMISSION_HPP

#include <procpool/detail/awaitable_fix.hpp>
#include <procpool/detail/call_operation.hpp>
#include <procpool/detail/handle_state.hpp>
#include <procpool/detail/receiver.hpp>

#include <boost/asio/async_result.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace procpool {

template <class R>
class task_handle;

/// An operation of a pool that has not been started: a lazy Asio operation.
/**
 * Nothing happens until it is awaited, given a completion token, started or got; one that is dropped before is never done.
 * It can be used once, and outlives the pool that made it.
 *
 * @code
 * int a = co_await pool.submit(f, 1);                         // in a coroutine
 * pool.submit(f, 2)([](std::exception_ptr error, int b) {});  // with a callback, or any other token of Asio
 * auto handle = pool.submit(f, 3).start();                    // now; the result later
 * int d = pool.submit(f, 4).get();                            // now, and wait
 * int e = co_await pool.submit(f, 5).timeout(2s).retries(1);  // with terms
 * @endcode
 *
 * @tparam R what the operation yields. A type other than void has to have a default constructor, for Asio's handlers get a
 *           value even when there is an error.
 */
template <class R>
class [[nodiscard]] submission {
    static_assert(std::is_void_v<R> || std::is_default_constructible_v<R>,
                  "procpool: a result type needs a default constructor, for a handler gets one together with an error");

public:
    /// For the pool alone.
    submission(std::shared_ptr<core::pool_core> pool, core::encoded_call call) noexcept
        : pool_(std::move(pool)), call_(std::move(call)) {}

    /// For the pool alone.
    explicit submission(std::unique_ptr<detail::source<R>> source) noexcept : source_(std::move(source)) {}

    submission(submission&&) noexcept = default;
    submission& operator=(submission&&) noexcept = default;

    /// Limits how long the task may run.
    /**
     * The time counts from when a worker begins the task, not from its submission; in a batch, each item has that much time.
     * When it is up, the task is asked to stop (this_task::stop_requested); if it does not within pool_options::kill_grace, or
     * never looked, its worker is ended and replaced. Either way the operation, or that item of it, fails with
     * `errc::timed_out`. Replaces pool_options::task_timeout for this task; 0 means no limit. A limit of less than 0, as what is
     * left until a point of time that has passed, is over already: the task fails and never runs.
     */
    submission timeout(std::chrono::milliseconds limit) && {
        terms().timeout = limit;
        return std::move(*this);
    }

    /// Limits how long the task may wait to be begun by a worker; then it fails with `errc::queue_timed_out`, and never runs.
    /**
     * In a batch, this holds for each chunk, from when it is handed to the pool. 0 means no limit; one of less than 0 is over
     * already.
     */
    submission queue_timeout(std::chrono::milliseconds limit) && {
        terms().queue_timeout = limit;
        return std::move(*this);
    }

    /// Tasks of higher priority are begun before those of lower; among equals, the one submitted first. The default is 0.
    /**
     * A task that runs is not interrupted for another one. In a batch this holds for each chunk.
     */
    submission priority(int level) && {
        terms().priority = level;
        return std::move(*this);
    }

    /// Runs the task again, up to so many times, if the worker that ran it died. Only for tasks that may begin more than once.
    /**
     * What the task threw, and a time limit, are no reason to run it again. this_task::attempt() tells which run it is. In a
     * batch each item may be run again so often; but of a map_reduce the whole chunk is, the items that were done too.
     */
    submission retries(unsigned most) && {
        terms().retries = most;
        return std::move(*this);
    }

    /// Calls a function of this program whenever the task reports its progress (this_task::report_progress).
    /**
     * The function is called on the pool's executor, in order and before the operation completes if one thread runs that. Of a
     * task or batch that reports faster than it is listened to, some reports are passed over, never the last. In a batch it is
     * called for all items, and progress::task is the number of the item's chunk. What it throws comes out of the context's
     * `run()`; on the thread of a pool that has one, that ends the program.
     *
     * With g++ 12, give a lambda that captures something a name before: in the same expression as `co_await` it is miscompiled.
     * Later versions do it right.
     */
    submission on_progress(std::function<void(const progress&)> told) && {
        terms().on_progress = std::make_shared<const std::function<void(const progress&)>>(std::move(told));
        terms().reports = std::make_shared<core::progress_box>();
        return std::move(*this);
    }

    /// Starts the operation.
    /**
     * @param token any completion token of Asio. `co_await` on the submission itself does the same as awaiting this with
     *              `use_awaitable` (or the awaitable's own executor's variant).
     *
     * @par Handler signature
     * `void(std::exception_ptr, R)`, or `void(std::exception_ptr)` if R is void. If the pointer is not null, the value is
     * a default-constructed one.
     *
     * @par Executor
     * The handler's associated one; by default the pool's. It is never called from within this function. What it throws comes
     * out of the `run()` of the context that calls it; on the thread of a pool that has one, that ends the program.
     *
     * @par Allocator
     * Memory for the operation itself comes from the handler's associated allocator, by default Asio's recycled memory, and is
     * given back before the handler is called, maybe on another thread. That for arguments and results does not.
     *
     * @par Per-operation cancellation
     * Through the handler's cancellation slot. A task that no worker has begun is withdrawn under `total`, `partial` and
     * `terminal`: it will never run, and the operation completes with `boost::asio::error::operation_aborted`. A task that runs
     * is asked to stop under `partial` (this_task::stop_requested), and completes with whatever it then returns or throws.
     * Under `terminal` it is asked as well, if it ever looked; when it has not ended after pool_options::kill_grace, and at
     * once if it never looked, its worker is ended with SIGTERM, and after the same time again with SIGKILL, and the operation
     * completes with `operation_aborted`; the worker is replaced, and no other task is touched. Under `total` alone a running
     * task goes on and completes as if nothing had been asked.
     *
     * For a batch the same holds for each of its items. If any was withdrawn or ended, the batch completes with
     * `operation_aborted`, or with the error of an item that failed by itself, when those that go on are over; the results that
     * there are by then are lost, those of a map_settled too.
     *
     * A coroutine of Asio's passes on only `terminal` to what it awaits: `partial` and `total` never come to a plain
     * `co_await`, unless the coroutine has asked for them with boost::asio::this_coro::reset_cancellation_state.
     *
     * @par Errors
     * What the task throws; `worker_died`; `pool_error` with `errc::timed_out`, `queue_timed_out`, `queue_full`, `pool_closed`,
     * `pool_terminated`, `worker_start_failed`, `initializer_failed`, `not_serializable` or `protocol_error`;
     * `boost::system::system_error` with `operation_aborted` if it was called off; std::logic_error if there are terms
     * (timeout() and its kin) although the operation only waits: task_handle::result(), result_stream::next(), and
     * process_pool::join(), shutdown() and wait_for_room().
     *
     * @par Thread safety
     * Any thread may start a submission; two threads must not use the same one at once.
     *
     * A submission that was used before or moved from, or has terms although it only waits, completes with std::logic_error,
     * and one whose pool does not exist any more with `errc::pool_terminated`; but there is no executor then to call a handler
     * on that has none of its own, so for such a handler this function throws them, and also for one whose executor can only be
     * dispatched to, as that of boost::asio::any_completion_handler.
     */
    template <boost::asio::completion_token_for<detail::signature_t<R>> Token>
    auto operator()(Token&& token) && {
        return boost::asio::async_initiate<Token, detail::signature_t<R>>(initiate{}, token, std::move(*this));
    }

    /// Starts the operation now and gives something to ask for the result later: Python's AsyncResult.
    /**
     * The operation goes on if the handle is dropped. Cancellation, errors and thread safety are those of
     * `operator()`.
     *
     * @throws std::logic_error if the submission was used before or moved from, or has terms although it only waits
     * @throws pool_error with `errc::pool_terminated` if its pool does not exist any more
     */
    task_handle<R> start() &&;

    /// Starts the operation and blocks until it is over.
    /**
     * @return its value; throws its error
     *
     * @par Preconditions
     * The pool's executor is run by another thread, as it is for a pool that owns its thread.
     *
     * @par Errors
     * As for `operator()`. On a thread that runs the pool's executor it throws `pool_error` with `errc::would_deadlock` instead
     * of waiting for itself, and nothing is started. That goes for every thread that runs the executor's context, also if
     * several do, as long as it is a boost::asio::io_context or a boost::asio::thread_pool; the executor may be a strand of it.
     * With any other kind of executor such a thread is not recognised, and the call may wait for ever.
     */
    R get() &&;

private:
    template <class>
    friend class task_handle;

    struct initiate {
        template <class Handler>
        void operator()(Handler&& handler, submission self) const {
            self.start_with(std::forward<Handler>(handler));
        }
    };

    template <class Handler>
    std::uint64_t start_with(Handler&& handler) {
        using handler_type = std::decay_t<Handler>;
        handler_type own(std::forward<Handler>(handler));
        if (std::exception_ptr problem = cannot_start()) {
            fail(std::move(own), std::move(problem));
            return 0;
        }
        const std::shared_ptr<core::pool_core> pool = pool_ ? std::move(pool_) : source_->pool();
        const auto source = std::move(source_);
        if constexpr (std::is_void_v<R> || serialization::carriable<R>)
            if (!source)
                return detail::call_operation<R, handler_type>::start(pool, std::move(call_), std::move(terms_),
                                                                      std::move(own));
        source->start(detail::handler_receiver<R, handler_type>::make(pool->executor(), std::move(own)),
                      std::move(terms_));
        return 0;
    }

    core::task_terms& terms() {
        if (!terms_)
            terms_ = std::make_unique<core::task_terms>();
        return *terms_;
    }

    std::exception_ptr cannot_start() const {
        if (!pool_ && !source_)
            return detail::used_up();
        if (terms_ && source_ && !source_->takes_terms())
            return detail::no_terms_here();
        const core::pool_core& pool = pool_ ? *pool_ : *source_->pool();
        if (pool.destroyed() && !(source_ && source_->outlives_pool()))
            return detail::pool_gone();
        return nullptr;
    }

    /// Tells a handler of a submission that cannot be started. There is no pool to do it, so the handler's own executor has to.
    template <class Handler>
    static void fail(Handler&& handler, std::exception_ptr problem) {
        if constexpr (detail::can_be_posted<Handler>) {
            using held = detail::held_handler<Handler>;
            const auto executor = boost::asio::get_associated_executor(handler);
            detail::settled<R> result{std::move(problem), {}};
            result.pass_to([&](auto&&... values) {
                held::post(held(std::move(handler), executor), executor, std::forward<decltype(values)>(values)...);
            });
        } else {
            std::rethrow_exception(problem);
        }
    }

    const std::shared_ptr<core::pool_core>& pool() const {
        if (std::exception_ptr problem = cannot_start())
            std::rethrow_exception(problem);
        return pool_ ? pool_ : source_->pool();
    }

    // Either a single call for a pool, or something that knows itself what to do.
    std::shared_ptr<core::pool_core> pool_;
    core::encoded_call call_;
    std::unique_ptr<core::task_terms> terms_; ///< null if nothing was asked for
    std::unique_ptr<detail::source<R>> source_;
};

} // namespace procpool

#include <procpool/result_stream.hpp>
#include <procpool/task_handle.hpp>

#endif
