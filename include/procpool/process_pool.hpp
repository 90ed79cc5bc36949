// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_PROCESS_POOL_HPP
#define PROCPOOL_PROCESS_POOL_HPP

#include <procpool/as_completed.hpp>
#include <procpool/batch_options.hpp>
#include <procpool/bind.hpp>
#include <procpool/core/pool_core.hpp>
#include <procpool/detail/make_stream.hpp>
#include <procpool/detail/prepare.hpp>
#include <procpool/error.hpp>
#include <procpool/pool_options.hpp>
#include <procpool/pool_stats.hpp>
#include <procpool/result_stream.hpp>
#include <procpool/submission.hpp>
#include <procpool/task_handle.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>

#include <chrono>
#include <memory>
#include <type_traits>
#include <utility>

namespace procpool {

namespace detail {
class own_thread;
}

/// A pool of child processes that run functions of this program.
/**
 * The workers are started at once, from this very program (see procpool::init), and one that dies is replaced. A function and
 * its arguments go to a worker as bytes, and the result comes back as bytes; whatever the function does in between, it does in
 * the worker.
 *
 * @par Functions
 * A function pointer, a captureless lambda, or a function object that Boost.Serialization can carry. It is called with copies
 * of the arguments, converted to its own parameter types. What it throws is thrown at the caller: types of the standard
 * library, but for a few, and those named with PROCPOOL_EXCEPTION as themselves, all others as remote_exception, which says
 * what those few are.
 *
 * @par Arguments and results
 * What Boost.Serialization can carry, and the standard's vocabulary types and containers. Raw pointers, views and
 * references to be written through are refused at compile time; `const char*` and `std::string_view` arguments travel as
 * strings. The arguments of one task, and one result, may take up to 1 GiB.
 *
 * @par Workers
 * A worker begins as the program does: all static initialisation of the program and its libraries runs in it, and what main
 * does before procpool::init. Its arguments are pool_options::worker_args and one of procpool's own, not those of the program.
 * It has the environment, working directory, umask and limits that the program has at the moment of that launch. Its standard
 * input is /dev/null; the program's other descriptors are closed in it, but for standard output and error. All signals have
 * their default action, and none is blocked. It has a process group of its own, so Ctrl-C at the terminal does not reach it;
 * when the pool sends it SIGTERM or SIGKILL, the whole group gets that. When it is not needed any more, it ends by std::exit,
 * with the destructors of static objects and what was given to atexit, for which it has five seconds; if it is killed, these do
 * not run. With start_method::forkserver, all that comes before the fork is the fork server's: see there.
 *
 * @par Executor
 * The pool does its own work on the executor that it was given, as short handlers; no function of it blocks except where it
 * says so. Results are decoded on it too, whatever executor the handler has, and arguments are encoded by the call that is
 * given them: each takes as long as copying the values. What a handler, or another function that the pool calls in the program,
 * throws comes out of the context's `run()`. Several threads may run that executor. The pool keeps the executor's context busy,
 * as a listening socket does: `io_context::run()` returns only after the pool was closed and all is done, or it was terminated
 * or destroyed. The context has to outlive the pool.
 *
 * @par Thread safety
 * Any thread may call any member at any time, the destructor aside.
 */
class process_pool {
public:
    using executor_type = boost::asio::any_io_executor;

    /// A pool that works on the given executor.
    /**
     * Returns at once; the workers are started from the executor. If none can be started, the operations say so, as a rule
     * within a second; but a program that does not report as a worker is given 30 seconds for that.
     *
     * If SIGPIPE has its default action, the pool has it ignored, in the whole process and for good.
     *
     * @throws pool_error with `errc::not_initialized` if main did not call procpool::init
     * @throws std::invalid_argument if `workers` is 0 or more than 4096, `min_workers` is more than `workers`, a time is
     *         negative, or there is a `preload` without start_method::forkserver
     * @throws boost::system::system_error if the process has no descriptors left
     */
    explicit process_pool(executor_type executor, pool_options options = {});

    /// A pool that works on the given context's executor. Throws as the one above.
    template <class ExecutionContext>
    requires std::is_convertible_v<ExecutionContext&, boost::asio::execution_context&>
    explicit process_pool(ExecutionContext& context, pool_options options = {})
        : process_pool(executor_type(context.get_executor()), std::move(options)) {}

    /// A pool with a thread of its own, for programs without an io_context. Handlers without an executor run on that thread.
    /**
     * What a handler, or another function that the pool calls in the program, throws there ends the program by std::terminate.
     *
     * @throws as the one above does
     * @throws std::system_error if there are no threads left
     */
    explicit process_pool(pool_options options = {});

    process_pool(const process_pool&) = delete;
    process_pool& operator=(const process_pool&) = delete;

    /// Terminates the pool, and returns when no child, descriptor or thread of it is left.
    /**
     * Operations that are not over complete on their executors, as after terminate(). Blocks for as long as the workers take to
     * die from SIGKILL, which is milliseconds; one that does not die within ten seconds is left behind. It need not matter
     * whether the executor's context runs. In a copy of the process made by fork it does nothing.
     *
     * A pool with a thread of its own also lets that thread call all handlers that are due, and waits for it: do not hold a
     * lock that one of them takes. If it is destroyed on that thread itself, by a handler, the others are called after that.
     */
    ~process_pool();

    /// A call of `f` with these arguments, in a worker.
    /**
     * Nothing is started yet: see submission, which also lists cancellation and errors. The arguments are encoded now;
     * if that fails, the operation fails with the error when it is started.
     *
     * @return a submission that yields what `f` returns
     */
    template <class F, class... Arguments>
    [[nodiscard]] auto submit(F f, Arguments&&... arguments) {
        return detail::prepare_call(core_, std::move(f), std::forward<Arguments>(arguments)...);
    }

    /// Calls of `f`, one for each element of a range, in the workers.
    /**
     * The range is read and encoded now, on the calling thread, and all of it is held in memory, so it has to be finite; what
     * reading or encoding it throws is the operation's error. batch_options::window means nothing here.
     *
     * Items travel in chunks, whose size follows what they take, unless batch_options::chunk_size says otherwise; what a worker
     * has not begun of its chunk goes to one that is idle. If an item fails, the operation fails with that error, which is a
     * failed_item too and tells its index, after what has begun is over; what was not begun never runs. If several items fail,
     * the earliest one counts of those that were tried. An empty range yields an empty vector.
     *
     * @return a submission that yields a vector with a result for each element, in the order of the elements, or nothing if
     *         `f` returns nothing
     */
    template <class F, class Range>
    [[nodiscard]] auto map(F f, Range&& inputs, batch_options options = {}) {
        return detail::prepare_map(core_, std::move(f), std::forward<Range>(inputs), options);
    }

    /// Like map(), for functions of several parameters: each element is a tuple (or pair, or array) of arguments.
    template <class F, class Range>
    [[nodiscard]] auto starmap(F f, Range&& tuples, batch_options options = {}) {
        return detail::prepare_starmap(core_, std::move(f), std::forward<Range>(tuples), options);
    }

    /// Like map(), with an outcome for each element: no item's failure touches another.
    /**
     * @return a submission that yields a vector of outcomes, in the order of the elements. As a whole it fails only if it could
     *         not begin, or was called off.
     */
    template <class F, class Range>
    [[nodiscard]] auto map_settled(F f, Range&& inputs, batch_options options = {}) {
        return detail::prepare_settled(core_, std::move(f), std::forward<Range>(inputs), options);
    }

    /// Calls `f` for each element of a range, and reduces the results to one with `combine`, chunk by chunk in the workers
    /// and then, in order, here.
    /**
     * `combine` takes two values of the type of `init` and gives one. It has to be associative, since nobody knows how the
     * results will be grouped; it need not be commutative, for their order is kept. `init` takes part once. Here `combine` is
     * called on the pool's executor, once for each chunk and without a break, when all chunks are over. What it throws, there
     * or in a worker, fails the operation.
     *
     * Failures are as for map(), except that a chunk has only one result: if its worker dies, or is ended for a time limit, the
     * whole chunk fails, with the index of its first item; and if submission::retries has it run again after a death, it is run
     * again as a whole, the items that were done too.
     *
     * @return a submission that yields the value, or `init` for an empty range
     */
    template <class F, class Range, class T, class Op>
    [[nodiscard]] auto map_reduce(F f, Range&& inputs, T init, Op combine, batch_options options = {}) {
        return detail::prepare_reduce(core_, std::move(f), std::forward<Range>(inputs), std::move(init),
                                      std::move(combine), options);
    }

    /// Results of calls of `f`, one for each element of a range, as a stream in the order of the elements.
    /**
     * The range may be endless: it is read only as results are taken, see result_stream. An lvalue is referred to, and has to
     * live as long as the stream; anything else is moved into it. A stream takes no terms (submission::timeout and its kin);
     * pool_options::task_timeout limits the time of each of its items.
     *
     * @return a result_stream of what `f` returns
     */
    template <class F, class Range>
    [[nodiscard]] auto imap(F f, Range&& inputs, batch_options options = {}) {
        return detail::make_stream(core_, std::move(f), std::forward<Range>(inputs), options, true);
    }

    /// Like imap(), with results as they come.
    template <class F, class Range>
    [[nodiscard]] auto imap_unordered(F f, Range&& inputs, batch_options options = {}) {
        return detail::make_stream(core_, std::move(f), std::forward<Range>(inputs), options, false);
    }

    /// Completes when there is room for another operation: see pool_options::max_pending. Without that it does so at once.
    /**
     * Room is not kept for whoever waited: somebody else may take it first. Completes with `errc::pool_closed` or
     * `pool_terminated` when there will be none. Any cancellation ends the waiting.
     */
    [[nodiscard]] submission<void> wait_for_room();

    /// Accepts no more work. What was submitted before goes on; when all is done, the workers end.
    /**
     * Later submissions complete with `errc::pool_closed`. Returns at once. Closing twice does nothing.
     */
    void close();

    /// Completes when the pool was closed (or terminated), all of its operations are over and every worker was reaped.
    /**
     * Waits for that however long it takes, and also for somebody to close the pool. Any cancellation ends the waiting.
     */
    [[nodiscard]] submission<void> join();

    /// Closes the pool, gives it this long, then terminates it; completes as join() does. Cancelling it ends the waiting alone.
    /**
     * The pool is closed when the submission is started, not before. With a grace of 0 or less it is terminated at once. If
     * several shut it down, the grace that is over first counts.
     */
    [[nodiscard]] submission<void> shutdown(std::chrono::milliseconds grace);

    /// Kills all workers. What was not over completes with `errc::pool_terminated`, and so does what is submitted later.
    /**
     * The exceptions are join() and shutdown(), which complete without an error, and a map_settled() that was under way, which
     * succeeds and has `errc::pool_terminated` among its outcomes. Returns at once. Results that workers had written by then
     * still count.
     */
    void terminate();

    /// What the pool holds and has done, as of now.
    pool_stats stats() const;

    /// The executor that the pool works on.
    executor_type get_executor() const noexcept;

private:
    static std::shared_ptr<core::pool_core> make_core(executor_type executor, pool_options options);

    std::unique_ptr<detail::own_thread> thread_; ///< null if somebody else runs the executor
    std::shared_ptr<core::pool_core> core_;
};

} // namespace procpool

#endif
