// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_CORE_POOL_HPP
#define PROCPOOL_CORE_POOL_HPP

#include <procpool/core/pool_core.hpp>

#include <core/completion_queue.hpp>
#include <core/inbox.hpp>
#include <core/worker.hpp>
#include <machines/scheduler.hpp>
#include <machines/staffing.hpp>
#include <system/local_link.hpp>

#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

namespace procpool::core {

/// The pool itself: it carries the events of links and of the program to the state machines, and does what they say.
/**
 * All of its state belongs to one lock. Whatever happens, happens in a turn: the lock is taken, the event is told,
 * settle() does all that follows from it, the lock is given up, and then some of what is over is completed. No code of
 * the program runs under the lock. A turn that has much to do stops after a while and posts another one.
 */
class pool final : public pool_core, public std::enable_shared_from_this<pool> {
public:
    using time_point = std::chrono::steady_clock::time_point;

    pool(boost::asio::any_io_executor executor, pool_options options);
    ~pool() override;

    void start();

    const boost::asio::any_io_executor& executor() const noexcept override { return executor_; }
    std::size_t workers() const noexcept override { return options_.workers; }
    std::uint64_t submit(task& submitted) override;
    void cancel(std::span<const std::shared_ptr<task_cancellation>> which,
                boost::asio::cancellation_type type) override;
    void close() override;
    void terminate() override;
    void join(completion& joiner) override;
    void shut_down(std::chrono::milliseconds grace, completion& joiner) override;
    pool_stats stats() const override;
    bool destroy() override;
    bool destroyed() const noexcept override { return destroyed_.load(std::memory_order_acquire); }
    bool all_told() const override;

    // For the workers, on an event of their links.
    void begin_turn();
    void end_turn();
    time_point now() const { return std::chrono::steady_clock::now(); }
    void worker_said_hello(worker& from, const wire::hello_message& message);
    void worker_answered(worker& from, system::answer&& message);
    void worker_exited(worker& from, const system::exit_status& status);
    void act(worker& on, machines::worker_life::action action);

private:
    // A turn's work (pool_turn.cpp). All of it under the lock.
    void settle();
    void accept_submitted();
    void accept(task& submitted);
    void schedule();
    void send(worker& to, task& chosen);
    void fail_waiting();
    void flush_links();
    void finish_closing();
    void set_timer();
    void timer_fired();
    void post_turn();
    void run_turn();
    void post_delivery();
    void deliver();
    void hand_out(std::unique_lock<std::mutex>& lock);
    void tell_the_last(std::unique_lock<std::mutex>& lock);
    void hand_out_the_last(completion_queue last);
    void over(task& done, std::exception_ptr error);
    void over(task& done);
    void call_off(task& done);
    void end_from_outside(std::unique_lock<std::mutex>& lock);
    bool drained() const noexcept;
    void begin_closing();
    void begin_terminating();

    // The workers (pool_workers.cpp). All of it under the lock.
    void employ();
    void launch(worker& place);
    void bury(worker& dead, const system::exit_status& status);
    std::exception_ptr blame(const worker& dead, const task& ran, const system::exit_status& status) const;
    void note_start_failure(const std::string& reason);
    void recall(task& wanted);
    void cancel_one(task_cancellation& which, boost::asio::cancellation_type type);
    void kill_for(task& cancelled);
    std::exception_ptr start_failure() const;

    const boost::asio::any_io_executor executor_;
    const pool_options options_;
    std::optional<boost::asio::any_io_executor> keep_busy_; ///< as long as it is there, the executor has work
    const pid_t owner_process_;
    system::unique_fd own_process_;

    std::atomic<std::uint64_t> submitted_{0}; ///< tasks so far; also the last one's id
    inbox inbox_;
    std::atomic<bool> destroyed_{false};

    mutable std::mutex mutex_;
    machines::scheduler scheduler_;
    machines::staffing staffing_;
    std::vector<std::unique_ptr<worker>> workers_;
    std::vector<worker*> to_flush_;
    std::size_t occupied_ = 0;
    std::optional<boost::asio::steady_timer> timer_;
    std::optional<time_point> timer_set_for_;
    std::optional<time_point> terminate_at_;
    std::string start_failure_;
    completion_queue done_;
    std::atomic<std::size_t> last_left_{0}; ///< what a destroyed pool has yet to hand out
    completion_queue joiners_;
    pool_stats counted_;             ///< what cannot be derived
    std::uint64_t closed_after_ = 0; ///< the last task that was submitted in time
    std::uint64_t accepted_ = 0;     ///< how many that were submitted in time have left the inbox
    bool closed_ = false;
    bool terminated_ = false;
    bool turn_posted_ = false;
    bool delivery_posted_ = false;
    bool more_to_do_ = false; ///< this turn stopped before its work was done
};

} // namespace procpool::core

#endif
