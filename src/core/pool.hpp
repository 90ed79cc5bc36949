// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_CORE_POOL_HPP
#define PROCPOOL_CORE_POOL_HPP

#include <procpool/core/pool_core.hpp>

#include <core/completion_queue.hpp>
#include <core/fork_server.hpp>
#include <core/inbox.hpp>
#include <core/worker.hpp>
#include <machines/scheduler.hpp>
#include <machines/staffing.hpp>
#include <system/local_link.hpp>
#include <system/process.hpp>
#include <system/segment_cache.hpp>

#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
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
    std::exception_ptr begin_operation(operation_kind kind) override;
    void end_operation(operation_kind kind) override;
    void distrust(const task& answered) noexcept override;
    void close() override;
    void terminate() override;
    void join(waiter& joiner) override;
    void shut_down(std::chrono::milliseconds grace, waiter& joiner) override;
    void wait_for_room(waiter& waiting) override;
    void cancel_wait(wait_cancellation& which) override;
    pool_stats stats() const override;
    bool destroy() override;
    bool destroyed() const noexcept override { return destroyed_.load(std::memory_order_acquire); }
    bool all_told() const override;

    // For the workers, on an event of their links.
    void begin_turn();
    void end_turn();
    time_point now() const { return std::chrono::steady_clock::now(); }
    void worker_said_hello(worker& from, const wire::hello_message& message);
    void worker_initialized(worker& from, const wire::payload* error);
    void worker_answered(worker& from, system::answer&& message);
    void task_progressed(worker& from, std::uint64_t id, wire::progress_message&& message);
    void worker_printed(worker& from, output_stream where, std::vector<std::string>&& lines);
    void worker_exited(worker& from, const system::exit_status& status);
    void act(worker& on, machines::worker_life::action action);

    // For the fork server, on an event of its link or of the socket for orders.
    void act_on_fork_server(machines::worker_life::action action);
    void fork_server_printed(output_stream where, std::vector<std::string>&& lines);
    void fork_server_exited(const system::exit_status& status);
    void worker_forked(std::shared_ptr<system::local_link> link);
    void worker_not_forked(const std::string& why);

private:
    // A turn's work (pool_turn.cpp). All of it under the lock.
    void settle();
    void accept_submitted();
    bool accept(task& submitted);
    std::exception_ptr refusal(const task& submitted, bool in_time) const;
    void adopt(task& part, const task& of);
    void expect_to_begin(task& accepted);
    bool take_room() noexcept;
    void give_room() noexcept;
    void tell_of_room();
    void schedule();
    void send(worker& to, task& chosen);
    void recall(task& wanted);
    void withdraw(task_cancellation& which);
    void ask_to_stop(const task& running);
    void end_running(task_cancellation& which, boost::asio::cancellation_type type);
    void fail_waiting();
    void flush_links();
    void finish_closing();
    void set_timer();
    void timer_fired();
    void end_turn(std::unique_lock<std::mutex>& lock);
    void post_turn();
    void post_delivery();
    void deliver();
    void hand_out(std::unique_lock<std::mutex>& lock);
    void tell_the_last(std::unique_lock<std::mutex>& lock);
    void hand_out_the_last(completion_queue last);
    void over(task& done, std::exception_ptr error);
    void over(task& done);
    void over(waiter& done, std::exception_ptr error);
    void call_off(task& done);
    void end_from_outside(std::unique_lock<std::mutex>& lock);
    bool drained() const noexcept;
    bool in_a_copy() const noexcept { return system::this_process() != owner_process_; }
    std::size_t tasks_to_do() const noexcept { return scheduler_.waiting() + scheduler_.with_workers(); }
    void begin_closing();
    void begin_terminating();

    // Looking after what runs (pool_watch.cpp). All of it under the lock.
    std::chrono::milliseconds time_limit(const task& of) const noexcept;
    bool is_watched(const task& one) const noexcept;
    void given_to(worker& to, task& given);
    void taken_from(worker& from, task& taken);
    void watch_front_tasks();
    void look_after(worker& place, time_point time);
    void look_at_time(worker& place, task& running, time_point time);
    void look_at_chunk(worker& place, task& running);
    bool is_late(const worker& on, const task& running) const;
    void begin_eviction(task& running, machines::eviction::cause why);
    void take_rest(task& running);
    void carry_out(worker& on, machines::eviction::action action);
    void eviction_over(worker& on, task& done);
    void end_waiting_too_long(time_point time);

    // The workers (pool_workers.cpp). All of it under the lock.
    void employ();
    worker& free_place();
    system::worker_command command_for_workers() const;
    void launch(worker& place);
    void settle_in(worker& place, std::shared_ptr<system::local_link> link);
    void launch_failed(worker& place, const std::string& why);
    void start_failed(worker& place, std::string reason, bool trying_again_may_help);
    void initialize(worker& place);
    void retire(worker& place, const char* why);
    bool is_idle(const worker& place) const;
    std::size_t spare_workers() const;
    void retire_idle(time_point time);
    std::optional<time_point> next_idle_end() const;
    void wind_down(worker& place);
    void end_distrusted();
    void end_if_distrusted(worker& place);
    std::uint64_t allowance() const noexcept;
    void ask_back_all(worker& from, const task* except);
    void bury(worker& dead, const system::exit_status& status);
    void tell_of_end(worker& dead, const system::exit_status& status, bool useful);
    void note_start_failure(const std::string& reason);
    void note_initializer_failure(const worker& failed, const std::string& reason);

    // The fork server, if there is to be one (pool_forks.cpp). All of it under the lock.
    void open_fork_server();
    void order(worker& place, const system::worker_command& command);
    void look_after_fork_server(time_point time);
    void close_fork_server(std::chrono::milliseconds bound);
    bool fork_server_gone();

    // What the program is told besides results (pool_notices.cpp). All of it under the lock, but tell_notices().
    /// Lines that a worker printed, or an event.
    struct notice {
        std::vector<output_line> lines;
        std::size_t told_lines = 0;
        std::shared_ptr<system::worker_link> from; ///< which is to be read on when the lines were told
        output_stream where = output_stream::standard_output;
        std::optional<worker_event> event;
    };
    class notices_to_tell;
    void note(notice&& what);
    void note_event(worker_event::kind what, const worker& of, std::string reason);
    void note_launch(worker& place);
    void note_failed_launch(worker& place, std::string reason);
    void note_end(worker& dead, const system::exit_status& status, std::string reason);
    void tell_notices();
    void told(notice&& what);

    // What a dead worker had begun (pool_blame.cpp). All of it under the lock.
    machines::scheduler::fate judge(worker& dead, task& ran, const system::exit_status& status);
    post_mortem examine_with(const worker& dead, const task& ran, const system::exit_status& status) const;
    bool may_run_again(const worker& dead, const task& ran) const noexcept;
    bool timed_out(const worker& dead, const task& ran) const noexcept;
    void forget_begin_by(task& begun);
    void put_back_part(task& chunk, std::uint32_t first, std::uint32_t attempt);
    std::exception_ptr verdict(const worker& dead, const task& ran, const system::exit_status& status) const;
    std::exception_ptr blame(const worker& dead, const task& ran, const system::exit_status& status) const;

    const boost::asio::any_io_executor executor_;
    const pool_options options_;
    std::optional<boost::asio::any_io_executor> keep_busy_; ///< as long as it is there, the executor has work
    const std::size_t cpus_ = available_parallelism();
    const pid_t owner_process_;
    std::optional<system::segment_cache::user> large_memory_{std::in_place}; ///< as long as there may be tasks
    system::unique_fd own_process_;

    std::atomic<std::uint64_t> submitted_{0}; ///< tasks so far; also the last one's id
    inbox inbox_;
    std::atomic<bool> destroyed_{false};

    mutable std::mutex mutex_;
    machines::scheduler scheduler_;
    machines::staffing staffing_;
    std::vector<std::unique_ptr<worker>> workers_;
    std::unique_ptr<fork_server> forks_; ///< null if workers are spawned
    std::vector<worker*> to_flush_;
    std::deque<notice> notices_;
    bool telling_notices_ = false; ///< somebody does, or is about to
    std::size_t occupied_ = 0;
    std::uint64_t last_worker_ = 0; ///< how many workers there have been; also the last one's number
    std::optional<boost::asio::steady_timer> timer_;
    std::optional<time_point> timer_set_for_;
    std::optional<time_point> terminate_at_;
    std::exception_ptr start_failure_;                ///< why the last start failed
    std::set<std::pair<time_point, task*>> begin_by_; ///< the tasks whose waiting time is limited
    completion_queue done_;
    std::atomic<std::size_t> last_left_{0}; ///< what a destroyed pool has yet to hand out
    completion_queue joiners_;
    completion_queue waiting_for_room_;
    std::atomic<std::size_t> pending_{0}; ///< operations under way, if their number is limited
    std::size_t batches_ = 0;             ///< that are not over
    std::size_t streams_ = 0;             ///< the same
    pool_stats counted_;                  ///< what cannot be derived
    std::uint64_t closed_after_ = 0;      ///< the last task that was submitted in time
    std::uint64_t accepted_ = 0;          ///< how many that were submitted in time have left the inbox
    bool closed_ = false;
    bool terminated_ = false;
    bool turn_posted_ = false;
    bool delivery_posted_ = false;
    bool distrust_noted_ = false; ///< of workers that no turn has seen to
    bool more_to_do_ = false;     ///< this turn stopped before its work was done
};

} // namespace procpool::core

#endif
