// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <core/pool.hpp>

#include <procpool/error.hpp>

#include <system/modules.hpp>
#include <system/process.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>

#include <algorithm>
#include <new>
#include <stdexcept>
#include <string>

namespace procpool::core {

namespace {

constexpr std::size_t most_workers = 4096;
constexpr std::chrono::milliseconds longest_grace = std::chrono::hours(24 * 365); // no clock overflows
constexpr std::chrono::milliseconds longest_reaping = std::chrono::seconds(10);
constexpr std::size_t call_overhead = sizeof(wire::frame_header) + sizeof(wire::call_header);

void check(const pool_options& options) {
    if (options.workers == 0 || options.workers > most_workers)
        throw std::invalid_argument("procpool: pool_options::workers is " + std::to_string(options.workers) +
                                    "; it must be from 1 to " + std::to_string(most_workers));
    if (options.min_workers > options.workers)
        throw std::invalid_argument("procpool: pool_options::min_workers is " + std::to_string(options.min_workers) +
                                    ", more than pool_options::workers, which is " + std::to_string(options.workers));
    const auto check_time = [](std::chrono::milliseconds time, const char* name) {
        if (time < std::chrono::milliseconds(0))
            throw std::invalid_argument(std::string("procpool: pool_options::") + name + " is negative");
    };
    if (options.preload && options.method != start_method::forkserver)
        throw std::invalid_argument("procpool: pool_options::preload is for start_method::forkserver alone; what every "
                                    "worker is to run by itself is pool_options::initializer");
    check_time(options.idle_timeout, "idle_timeout");
    check_time(options.task_timeout, "task_timeout");
    check_time(options.kill_grace, "kill_grace");
    if (options.spin < options.spin.zero())
        throw std::invalid_argument("procpool: pool_options::spin is negative");
}

/// A clock overflows on the longest durations there are; a year is as good.
pool_options bounded(pool_options options) {
    for (auto* const time : {&options.idle_timeout, &options.task_timeout, &options.kill_grace})
        *time = std::min(*time, longest_grace);
    options.spin = available_parallelism() > 1 ? std::min<std::chrono::microseconds>(options.spin, longest_grace)
                                               : options.spin.zero();
    return options;
}

} // namespace

std::uint64_t function_entry(const void* address) {
    return system::locate_function(address);
}

wire::storage& memory_for_arguments() noexcept {
    return system::segment_cache::instance();
}

std::shared_ptr<pool_core> pool_core::create(boost::asio::any_io_executor executor, pool_options options) {
    check(options);
    auto made = std::make_shared<pool>(std::move(executor), std::move(options));
    made->start();
    return made;
}

pool::pool(boost::asio::any_io_executor executor, pool_options options)
    : executor_(std::move(executor)), options_(bounded(std::move(options))), owner_process_(system::this_process()),
      own_process_(system::open_own_process()), scheduler_({.tasks_ahead = wire::ledger::slots}),
      staffing_(options_.min_workers, options_.workers, {}), timer_(executor_) {
    keep_busy_.emplace(boost::asio::prefer(executor_, boost::asio::execution::outstanding_work.tracked));
    system::survive_broken_pipes();
    if (options_.method == start_method::forkserver)
        forks_ = std::make_unique<fork_server>(*this);
    workers_.reserve(options_.workers);
    for (std::uint32_t index = 0; index != options_.workers; ++index)
        workers_.push_back(std::make_unique<worker>(*this, index));
}

// Reached only when nothing refers to the pool any more: no handle, no operation of its own under way. What is left here
// was never told since the program did away with the executor.
pool::~pool() {
    while (auto* submitted = static_cast<task*>(inbox_.take()))
        done_.push(*submitted);
    while (auto* waiting = static_cast<task*>(scheduler_.take_waiting()))
        done_.push(*waiting);
    for (const auto& place : workers_)
        scheduler_.worker_gone(place->index, [this](machines::schedulable& lost) {
            done_.push(static_cast<task&>(lost));
            return machines::scheduler::fate::over;
        });
}

void pool::start() {
    const std::lock_guard lock(mutex_);
    post_turn();
}

std::uint64_t pool::submit(task& submitted) {
    const std::uint64_t id = submitted_.fetch_add(1, std::memory_order_relaxed) + 1;
    submitted.id = id;
    submitted.size = call_overhead + system::local_link::bytes_in_pipe(submitted.bytes);
    if (options_.max_pending != 0 && !submitted.part)
        submitted.refused = !take_room();
    const bool wake = inbox_.put(submitted); // from here on it may be over at any time
    if (destroyed_.load(std::memory_order_seq_cst)) {
        std::unique_lock lock(mutex_);
        tell_the_last(lock);
    } else if (wake) {
        try {
            boost::asio::post(executor_, [self = shared_from_this()] {
                self->begin_turn();
                self->end_turn();
            });
        } catch (const std::bad_alloc&) {
            // It is in the queue, so it must not seem to be refused.
            std::unique_lock lock(mutex_);
            end_from_outside(lock);
        }
    }
    return id;
}

void pool::cancel(std::span<const std::shared_ptr<task_cancellation>> which, boost::asio::cancellation_type type) {
    if (in_a_copy())
        return; // the workers, and what is shared with them, are the original's
    std::unique_lock lock(mutex_);
    // What was submitted just now may not have been looked at yet.
    accept_submitted();
    // What has not begun first: were a running task asked to stop before, its worker could go on to one of these.
    for (auto one = which.rbegin(); one != which.rend(); ++one)
        withdraw(**one);
    for (const auto& one : which)
        end_running(*one, type);
    end_from_outside(lock);
}

void pool::withdraw(task_cancellation& which) {
    task* const wanted = which.target();
    if (!wanted)
        return;
    using answer = machines::scheduler::cancel_answer;
    if (wanted->state == machines::task_state::fresh)
        wanted->cancelled = true; // still in the inbox: accept() sees it
    else if (const answer got = scheduler_.cancel(*wanted); got == answer::removed)
        call_off(*wanted);
    else if (got == answer::recall)
        recall(*wanted);
}

void pool::end_running(task_cancellation& which, boost::asio::cancellation_type type) {
    task* const wanted = which.target();
    if (!wanted || wanted->state != machines::task_state::started)
        return;
    take_rest(*wanted);
    using boost::asio::cancellation_type;
    if ((type & (cancellation_type::terminal | cancellation_type::partial)) != cancellation_type::none)
        wanted->asked_to_end = true;
    else if (!wanted->chunk)                      // of which only the items that were begun go on
        wanted->cancelled = wanted->asked_to_end; // as if nothing had been asked: it may be run again
    if ((type & cancellation_type::terminal) != cancellation_type::none)
        begin_eviction(*wanted, machines::eviction::cause::cancelled);
    else if ((type & cancellation_type::partial) != cancellation_type::none)
        ask_to_stop(*wanted);
}

// A worker can be told of one task at a time; so of the one that runs, and not of another whose answer is on its way.
void pool::ask_to_stop(const task& running) {
    system::worker_link& link = *workers_[running.worker]->link;
    if (link.look(running.slot, running.id) == wire::ledger_state::running)
        link.ask_to_stop(running.id);
}

std::exception_ptr pool::begin_operation(operation_kind kind) {
    const std::lock_guard lock(mutex_);
    if (terminated_)
        return std::make_exception_ptr(pool_error(errc::pool_terminated));
    if (closed_)
        return std::make_exception_ptr(pool_error(errc::pool_closed));
    if (options_.max_pending != 0 && !take_room())
        return std::make_exception_ptr(pool_error(errc::queue_full));
    ++(kind == operation_kind::batch ? batches_ : streams_);
    return nullptr;
}

void pool::end_operation(operation_kind kind) {
    if (in_a_copy())
        return;
    std::unique_lock lock(mutex_);
    --(kind == operation_kind::batch ? batches_ : streams_);
    if (options_.max_pending != 0)
        give_room();
    if (!destroyed())
        end_from_outside(lock);
}

void pool::close() {
    std::unique_lock lock(mutex_);
    begin_closing();
    end_from_outside(lock);
}

void pool::terminate() {
    std::unique_lock lock(mutex_);
    begin_terminating();
    end_from_outside(lock);
}

void pool::join(waiter& joiner) {
    std::unique_lock lock(mutex_);
    joiners_.push(joiner);
    end_from_outside(lock);
}

void pool::shut_down(std::chrono::milliseconds grace, waiter& joiner) {
    std::unique_lock lock(mutex_);
    begin_closing();
    const auto limit = now() + std::clamp(grace, std::chrono::milliseconds(0), longest_grace);
    terminate_at_ = std::min(limit, terminate_at_.value_or(limit));
    joiners_.push(joiner);
    end_from_outside(lock);
}

void pool::wait_for_room(waiter& waiting) {
    std::unique_lock lock(mutex_);
    waiting_for_room_.push(waiting);
    end_from_outside(lock);
}

void pool::cancel_wait(wait_cancellation& which) {
    if (in_a_copy())
        return;
    std::unique_lock lock(mutex_);
    if (waiter* const waiting = which.target()) {
        joiners_.remove(*waiting);
        waiting_for_room_.remove(*waiting);
        over(*waiting, std::make_exception_ptr(boost::system::system_error(boost::asio::error::operation_aborted)));
    }
    end_from_outside(lock);
}

void pool::begin_closing() {
    if (closed_)
        return;
    closed_ = true;
    closed_after_ = submitted_.load(std::memory_order_relaxed);
}

void pool::begin_terminating() {
    begin_closing();
    if (terminated_)
        return;
    terminated_ = true;
    staffing_.stop();
    for (const auto& place : workers_)
        if (place->occupied())
            act(*place, place->life->kill(machines::worker_life::cause::terminated));
    if (forks_ && forks_->there())
        act_on_fork_server(forks_->life->kill(machines::worker_life::cause::terminated));
}

bool pool::all_told() const {
    const std::lock_guard lock(mutex_);
    return done_.empty() && last_left_.load(std::memory_order_acquire) == 0;
}

pool_stats pool::stats() const {
    const std::lock_guard lock(mutex_);
    pool_stats now = counted_;
    now.workers_starting = staffing_.starting();
    now.workers_idle = scheduler_.idle_workers();
    now.workers_busy = scheduler_.ready_workers() - scheduler_.idle_workers();
    now.tasks_with_workers = scheduler_.with_workers();
    now.tasks_submitted = submitted_.load(std::memory_order_relaxed);
    now.tasks_waiting = static_cast<std::size_t>(now.tasks_submitted - now.tasks_completed - now.tasks_failed -
                                                 now.tasks_cancelled - now.tasks_with_workers);
    return now;
}

bool pool::destroy() {
    if (in_a_copy())
        return false; // the workers, and what the descriptors refer to, are the original's
    std::unique_lock lock(mutex_);
    begin_terminating();
    // All were killed just now, so they end at the same time, and the waiting adds up to one.
    const auto limit = now() + longest_reaping;
    for (const auto& place : workers_) {
        if (!place->occupied())
            continue;
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(limit - now());
        place->link->destroy(std::max(left, std::chrono::milliseconds(0)));
        bury(*place, {});
    }
    if (forks_)
        close_fork_server(std::max(std::chrono::duration_cast<std::chrono::milliseconds>(limit - now()),
                                   std::chrono::milliseconds(0)));
    // From here on nothing is left that refers to the executor's context, which may cease to exist before the last
    // submission does.
    timer_.reset();
    keep_busy_.reset();
    begin_by_.clear();
    notices_.clear();
    own_process_ = system::unique_fd();
    large_memory_.reset();
    destroyed_.store(true, std::memory_order_seq_cst);
    tell_the_last(lock);
    return true;
}

void pool::tell_the_last(std::unique_lock<std::mutex>& lock) {
    do {
        settle();
    } while (more_to_do_);
    // A batch or a stream is over only when it was told of its last task. Nobody waits for that any more, so whoever joins
    // is told right behind them.
    while (completion* const joiner = joiners_.pop())
        over(static_cast<waiter&>(*joiner), nullptr);
    completion_queue anywhere;
    completion_queue others;
    std::size_t count = 0;
    while (completion* const over = done_.pop()) {
        (over->completes_anywhere ? anywhere : others).push(*over);
        count += over->completes_anywhere ? 0 : 1;
    }
    last_left_.fetch_add(count, std::memory_order_acq_rel);
    lock.unlock();
    if (!others.empty())
        hand_out_the_last(std::move(others));
    while (completion* const over = anywhere.pop())
        over->complete();
}

// The handler owns what is to be handed out: if the context does away with the one, the other goes with it.
void pool::hand_out_the_last(completion_queue last) {
    boost::asio::post(executor_, [self = shared_from_this(), last = std::move(last)]() mutable {
        completion* const over = last.pop();
        if (!last.empty())
            self->hand_out_the_last(std::move(last));
        self->last_left_.fetch_sub(1, std::memory_order_acq_rel);
        over->complete();
    });
}

// A call from outside ends like a turn, except that nothing may be completed within it: the program is in the middle of
// calling us.
void pool::end_from_outside(std::unique_lock<std::mutex>& lock) {
    settle();
    if (!done_.empty())
        post_delivery();
    lock.unlock();
}

} // namespace procpool::core
