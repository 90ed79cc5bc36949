// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_CORE_POOL_CORE_HPP
#define PROCPOOL_CORE_POOL_CORE_HPP

#include <procpool/core/task.hpp>
#include <procpool/pool_options.hpp>
#include <procpool/pool_stats.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_type.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <utility>

namespace procpool::core {

/// The name by which a worker knows the function at this address. Throws pool_error if it lies in no module.
std::uint64_t function_entry(const void* address);

/// Where arguments are to be encoded, so that large ones can be handed to a worker as they are.
wire::storage& memory_for_arguments() noexcept;

class wait_cancellation;

/// Somebody who waits for something to become true of the pool.
class waiter : public completion {
public:
    std::shared_ptr<wait_cancellation> cancellation; ///< null if nobody can call it off

protected:
    waiter() = default;
    ~waiter() = default;
};

/// What submits several tasks, now and later.
enum class operation_kind : std::uint8_t {
    batch,  ///< comes to its end by itself
    stream, ///< goes on as its results are taken, which may be never
};

/// What a pool does with tasks whose meaning it does not know. The façade's process_pool is a handle to one.
/**
 * Any thread may call any member. None of them calls back into the façade: what is over is completed from the executor.
 */
class pool_core {
public:
    /// Throws pool_error if options make no sense, or if procpool::init was not called.
    static std::shared_ptr<pool_core> create(boost::asio::any_io_executor executor, pool_options options);

    virtual ~pool_core() = default;

    virtual const boost::asio::any_io_executor& executor() const noexcept = 0;

    /// How many workers run tasks at the same time.
    virtual std::size_t workers() const noexcept = 0;

    /// Takes the task over until it is completed, and answers its id: tasks are numbered in the order of submission.
    /// Not for a pool that was destroyed.
    virtual std::uint64_t submit(task& submitted) = 0;

    /// Calls tasks off, the last one first. Where each stands decides what that does; it completes either way.
    virtual void cancel(std::span<const std::shared_ptr<task_cancellation>> which,
                        boost::asio::cancellation_type type) = 0;

    /// An operation that will submit several tasks, now and later, begins. Why it may not; null if it may.
    virtual std::exception_ptr begin_operation(operation_kind kind) = 0;

    /// It is over: it will submit nothing more. Only if it had begun.
    virtual void end_operation(operation_kind kind) = 0;

    /// The answer to this task says nothing that its type allows. Its worker gets no more tasks, and is ended as one that broke the
    /// protocol when what it has begun is over: not before, for the mistake may be a serialize of the program's own.
    virtual void distrust(const task& answered) noexcept = 0;

    virtual void close() = 0;
    virtual void terminate() = 0;

    /// Completes when the pool was closed, all is done, and no worker is left. Streams that are not at their end keep it waiting
    /// unless the pool was terminated.
    virtual void join(waiter& joiner) = 0;

    /// Closes; terminates when that much time has passed; completes as join() does.
    virtual void shut_down(std::chrono::milliseconds grace, waiter& joiner) = 0;

    /// Completes when there is room for another operation.
    virtual void wait_for_room(waiter& waiting) = 0;

    /// Ends somebody's waiting, unless it is over already.
    virtual void cancel_wait(wait_cancellation& which) = 0;

    virtual pool_stats stats() const = 0;

    /// Terminates, and does not return before every worker was reaped and every descriptor closed. After that the executor
    /// may cease to exist.
    /**
     * @return false in a copy of the process made by fork: there the pool is not to be touched at all
     */
    virtual bool destroy() = 0;
    virtual bool destroyed() const noexcept = 0;

    /// Whether everything that is over was completed.
    virtual bool all_told() const = 0;
};

/// By which a task can be called off from anywhere, as long as it is not over.
class task_cancellation {
public:
    explicit task_cancellation(std::weak_ptr<pool_core> pool, task& which) : pool_(std::move(pool)), task_(&which) {}

    static void request(const std::shared_ptr<task_cancellation>& self, boost::asio::cancellation_type type) {
        if (const auto pool = self->pool_.lock())
            pool->cancel({&self, 1}, type);
    }

    /// For the core, under its lock: the task, or null once it is over.
    task* target() const noexcept { return task_; }
    void forget() noexcept { task_ = nullptr; }

private:
    std::weak_ptr<pool_core> pool_;
    task* task_;
};

/// By which a wait can be called off from anywhere, as long as it is not over.
class wait_cancellation {
public:
    wait_cancellation(std::weak_ptr<pool_core> pool, waiter& which) : pool_(std::move(pool)), waiter_(&which) {}

    void request() {
        if (const auto pool = pool_.lock())
            pool->cancel_wait(*this);
    }

    /// For the core, under its lock: the waiter, or null once it is over.
    waiter* target() const noexcept { return waiter_; }
    void forget() noexcept { waiter_ = nullptr; }

private:
    std::weak_ptr<pool_core> pool_;
    waiter* waiter_;
};

} // namespace procpool::core

#endif
