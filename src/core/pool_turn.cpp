// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <core/pool.hpp>

#include <procpool/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <cstdint>
#include <new>
#include <string>

namespace procpool::core {

using namespace std::chrono_literals;

namespace {

// How much one turn does of each kind before it lets the program's other handlers run: each is less than a millisecond.
constexpr std::size_t tasks_accepted_per_turn = 4096;
constexpr std::size_t tasks_sent_per_turn = 4096;
constexpr std::size_t bytes_sent_per_turn = std::size_t{2} << 20;
constexpr std::size_t tasks_failed_per_turn = 4096;

constexpr std::size_t call_overhead = sizeof(wire::frame_header) + sizeof(wire::call_header);
constexpr std::chrono::milliseconds longest_limit = std::chrono::hours(24 * 365); // no clock overflows

// Of completions each may run code of the program, and another thread may want to help.
constexpr std::size_t completions_per_delivery = 64;

// No more refused than a delivery hands out: threads that go on submitting to a pool that was closed are told of it as fast as
// they are refused, rather than after they have filled the memory.
constexpr std::size_t refusals_per_turn = completions_per_delivery;

template <class... Parts>
std::exception_ptr error_of(errc code, const Parts&... explanation) {
    return std::make_exception_ptr(pool_error(code, explanation...));
}

} // namespace

void pool::begin_turn() {
    mutex_.lock();
}

void pool::end_turn() {
    std::unique_lock lock(mutex_, std::adopt_lock);
    end_turn(lock);
}

void pool::end_turn(std::unique_lock<std::mutex>& lock) {
    settle();
    if (!delivery_posted_)
        hand_out(lock);
}

// One at a time: each may post the next.
void pool::post_turn() {
    if (turn_posted_)
        return;
    boost::asio::post(executor_, [self = shared_from_this()] {
        self->begin_turn();
        self->turn_posted_ = false;
        self->end_turn();
    });
    turn_posted_ = true;
}

void pool::settle() {
    more_to_do_ = false;
    try {
        accept_submitted();
        end_distrusted();
        schedule();
        employ();
        fail_waiting();
        flush_links();
        tell_of_room();
        finish_closing();
        watch_front_tasks();
        set_timer();
    } catch (const std::bad_alloc&) {
        more_to_do_ = true; // what was done is done, and the rest of it is for when there is memory
    }
    if (more_to_do_ && !destroyed())
        post_turn();
}

// Submitting --------------------------------------------------------------------------------------------------------

void pool::accept_submitted() {
    inbox_.waking();
    std::size_t refused = 0;
    for (std::size_t count = 0; count != tasks_accepted_per_turn && refused != refusals_per_turn; ++count) {
        auto* const submitted = static_cast<task*>(inbox_.take());
        if (!submitted) {
            more_to_do_ = more_to_do_ || inbox_.interrupted();
            return;
        }
        refused += accept(*submitted) ? 0 : 1;
    }
    more_to_do_ = true;
}

/// False if it is over at once.
bool pool::accept(task& submitted) {
    const bool in_time = !closed_ || submitted.id <= closed_after_;
    if (in_time)
        ++accepted_;
    if (submitted.cancelled && !submitted.error)
        call_off(submitted);
    else if (std::exception_ptr why = refusal(submitted, in_time || submitted.part))
        over(submitted, std::move(why));
    else if (submitted.items == 0)
        over(submitted, nullptr); // a batch of nothing
    else
        try {
            if (submitted.terms)
                expect_to_begin(submitted);
            scheduler_.add(submitted);
            return true;
        } catch (const std::bad_alloc&) {
            over(submitted, std::current_exception());
        }
    return false;
}

/// Why a task cannot be taken; null if it can.
std::exception_ptr pool::refusal(const task& submitted, bool in_time) const {
    if (submitted.error)
        return submitted.error;
    if (terminated_)
        return error_of(errc::pool_terminated);
    if (!in_time)
        return error_of(errc::pool_closed);
    if (submitted.refused)
        return error_of(errc::queue_full, std::to_string(options_.max_pending) +
                                              " operations are under way, as many as pool_options::max_pending allows; "
                                              "wait_for_room() waits until there are fewer");
    if (submitted.terms && submitted.terms->timeout.value_or(0ms) < 0ms)
        return error_of(errc::timed_out, "its time limit is negative: it was over before the task was submitted");
    if (submitted.terms && submitted.terms->queue_timeout < 0ms)
        return error_of(errc::queue_timed_out,
                        "the limit of its waiting is negative: it was over before the task was submitted");
    if (submitted.bytes.size() > wire::max_payload_size - sizeof(wire::call_header))
        return error_of(errc::not_serializable, "the arguments take " + std::to_string(submitted.bytes.size()) +
                                                    " bytes; no message may be larger than " +
                                                    std::to_string(wire::max_payload_size));
    if (submitted.bytes.attachments().all.size() > wire::most_attached)
        return error_of(errc::not_serializable,
                        "the arguments hold " + std::to_string(submitted.bytes.attachments().all.size()) +
                            " shared buffers; no message may have more than " + std::to_string(wire::most_attached));
    return nullptr;
}

void pool::expect_to_begin(task& accepted) {
    accepted.priority = accepted.terms->priority;
    const auto bound = accepted.terms->queue_timeout;
    if (bound <= bound.zero())
        return;
    accepted.begin_by = now() + std::min<std::chrono::milliseconds>(bound, longest_limit);
    begin_by_.emplace(*accepted.begin_by, &accepted);
}

void pool::forget_begin_by(task& begun) {
    if (begun.begin_by)
        begin_by_.erase({*begun.begin_by, &begun});
    begun.begin_by.reset();
}

// Part of another task becomes one of its own, without ever having been submitted.
void pool::adopt(task& part, const task& of) {
    part.entry = of.entry;
    part.function = of.function;
    part.priority = of.priority;
    part.chunk = of.chunk;
    part.whole = of.whole;
    part.joint_result = of.joint_result;
    part.part = of.part;
    part.cancelled = of.cancelled;
    if (of.terms)
        part.terms = std::make_unique<task_terms>(*of.terms);
    part.id = submitted_.fetch_add(1, std::memory_order_relaxed) + 1;
    part.size = call_overhead + system::local_link::bytes_in_pipe(part.bytes);
    if (!closed_)
        ++accepted_;
}

// Room --------------------------------------------------------------------------------------------------------------

bool pool::take_room() noexcept {
    std::size_t before = pending_.load(std::memory_order_relaxed);
    do {
        if (before >= options_.max_pending)
            return false;
    } while (!pending_.compare_exchange_weak(before, before + 1, std::memory_order_relaxed));
    return true;
}

void pool::give_room() noexcept {
    pending_.fetch_sub(1, std::memory_order_relaxed);
}

void pool::tell_of_room() {
    if (waiting_for_room_.empty())
        return;
    const bool refused = terminated_ || closed_;
    if (!refused && options_.max_pending != 0 && pending_.load(std::memory_order_relaxed) >= options_.max_pending)
        return;
    // All of them: nobody knows which will make use of it.
    while (!waiting_for_room_.empty())
        over(static_cast<waiter&>(*waiting_for_room_.pop()),
             refused ? error_of(terminated_ ? errc::pool_terminated : errc::pool_closed) : nullptr);
}

// Scheduling --------------------------------------------------------------------------------------------------------

void pool::schedule() {
    std::size_t bytes = 0;
    for (std::size_t count = 0; count != tasks_sent_per_turn; ++count) {
        const auto next = scheduler_.next();
        if (!next)
            return;
        auto& chosen = static_cast<task&>(*next->task);
        if (next->kind == machines::scheduler::action_kind::recall) {
            recall(chosen);
            continue;
        }
        send(*workers_[next->worker], chosen);
        bytes += chosen.size;
        if (bytes > bytes_sent_per_turn)
            break;
    }
    more_to_do_ = true;
}

void pool::send(worker& to, task& chosen) {
    chosen.slot = to.link->admit(chosen.id);
    to.tasks[chosen.slot] = &chosen;
    given_to(to, chosen);
    const auto flags = static_cast<std::uint8_t>((time_limit(chosen).count() != 0 ? wire::call_flags::timed : 0) |
                                                 (chosen.chunk ? wire::call_flags::chunk : 0) |
                                                 (chosen.whole ? wire::call_flags::whole_chunk : 0));
    try {
        to.link->send(chosen.slot,
                      {chosen.id, flags, {chosen.entry, chosen.function, chosen.items, chosen.attempt}, chosen.bytes});
        if (!std::exchange(to.to_flush, true))
            to_flush_.push_back(&to);
    } catch (const std::bad_alloc&) {
        // What the worker would be sent is not whole. It is replaced, and the task goes elsewhere: it was not begun.
        act(to, to.life->kill(machines::worker_life::cause::terminated));
    }
}

void pool::recall(task& wanted) {
    worker& from = *workers_[wanted.worker];
    const bool back = from.link->withdraw(wanted.slot, wanted.id) == system::worker_link::withdrawal::withdrawn;
    if (back) {
        from.tasks[wanted.slot] = nullptr;
        taken_from(from, wanted);
    }
    if (!scheduler_.recall_answered(wanted, back))
        call_off(wanted);
}

void pool::flush_links() {
    // Else the thread that looks out takes a CPU from those that it looks out for.
    const bool look_out = options_.spin.count() != 0 && scheduler_.busy_workers() < cpus_;
    for (; !to_flush_.empty(); to_flush_.pop_back()) {
        worker& place = *to_flush_.back();
        if (place.to_flush) {
            place.link->flush();
            if (look_out)
                place.link->look_out();
        }
        place.to_flush = false;
    }
}

void pool::fail_waiting() {
    if (!terminated_ && !staffing_.hopeless())
        return;
    if (scheduler_.waiting() == 0)
        return;
    const std::exception_ptr why = terminated_      ? error_of(errc::pool_terminated)
                                   : start_failure_ ? start_failure_
                                                    : error_of(errc::worker_start_failed);
    for (std::size_t count = 0; count != tasks_failed_per_turn; ++count) {
        auto* const waiting = static_cast<task*>(scheduler_.take_waiting());
        if (!waiting)
            return;
        over(*waiting, why);
    }
    more_to_do_ = true;
}

// Completing --------------------------------------------------------------------------------------------------------

void pool::over(task& done, std::exception_ptr error) {
    ++(error ? counted_.tasks_failed : counted_.tasks_completed);
    done.error = std::move(error);
    over(done);
}

void pool::call_off(task& done) {
    ++counted_.tasks_cancelled;
    done.error = std::make_exception_ptr(boost::system::system_error(boost::asio::error::operation_aborted));
    over(done);
}

void pool::over(task& done) {
    if (done.cancellation)
        done.cancellation->forget();
    forget_begin_by(done);
    if (options_.max_pending != 0 && !done.part && !done.refused)
        give_room();
    done_.push(done);
}

void pool::over(waiter& done, std::exception_ptr error) {
    if (done.cancellation)
        done.cancellation->forget();
    done.error = std::move(error);
    done_.push(done);
}

void pool::post_delivery() {
    if (delivery_posted_)
        return;
    boost::asio::post(executor_, [self = shared_from_this()] { self->deliver(); });
    delivery_posted_ = true;
}

void pool::deliver() {
    std::unique_lock lock(mutex_);
    delivery_posted_ = false;
    hand_out(lock);
}

// One at a time, and a further delivery is posted before the first: a handler may block until another thread has handed out
// the next one, run the executor itself, or throw, which is for the program to deal with.
void pool::hand_out(std::unique_lock<std::mutex>& lock) {
    for (std::size_t count = 0; count < completions_per_delivery || !delivery_posted_; ++count) {
        completion* const over = done_.pop();
        if (!over)
            return;
        try {
            if (!done_.empty())
                post_delivery();
        } catch (const std::bad_alloc&) {
            // Then all of them are handed out here.
        }
        lock.unlock();
        over->complete();
        lock.lock();
    }
}

// Closing -----------------------------------------------------------------------------------------------------------

bool pool::drained() const noexcept {
    // A terminated pool does nothing more for a stream, which may be kept for as long as the program likes.
    return closed_ && accepted_ == closed_after_ && batches_ == 0 && (streams_ == 0 || terminated_) &&
           scheduler_.empty();
}

void pool::finish_closing() {
    if (!drained())
        return;
    staffing_.stop();
    for (const auto& place : workers_)
        if (place->occupied())
            retire(*place, "the pool was closed, and all is done");
    if (occupied_ != 0 || !fork_server_gone() || telling_notices_)
        return;
    terminate_at_.reset();
    keep_busy_.reset();
    while (completion* const joiner = joiners_.pop())
        over(static_cast<waiter&>(*joiner), nullptr);
}

// Time --------------------------------------------------------------------------------------------------------------

void pool::set_timer() {
    if (!timer_)
        return;
    std::optional<time_point> next = terminate_at_;
    const auto consider = [&next](std::optional<time_point> when) {
        if (when && (!next || *when < *next))
            next = when;
    };
    // A worker that is ready has no deadline, and most of the time all are.
    const bool some_are_not_ready = scheduler_.ready_workers() != occupied_;
    for (const auto& place : workers_) {
        if (some_are_not_ready && place->occupied())
            consider(place->life->deadline());
        if (place->eviction)
            consider(place->eviction->deadline());
        if (place->watched.task != 0)
            consider(place->watched.look_again);
    }
    if (forks_)
        consider(forks_->deadline());
    if (staffing_.pausing())
        consider(staffing_.retry_at(tasks_to_do()));
    if (!begin_by_.empty())
        consider(begin_by_.begin()->first);
    consider(next_idle_end());
    if (next == timer_set_for_)
        return;
    timer_set_for_.reset();
    if (!next) {
        timer_->cancel();
        return;
    }
    timer_->expires_at(*next);
    timer_->async_wait([self = shared_from_this()](const boost::system::error_code& error) {
        if (!error)
            self->timer_fired();
    });
    timer_set_for_ = next;
}

void pool::timer_fired() {
    std::unique_lock lock(mutex_);
    timer_set_for_.reset();
    const auto time = now();
    if (terminate_at_ && *terminate_at_ <= time) {
        terminate_at_.reset();
        begin_terminating();
    }
    for (const auto& place : workers_)
        if (place->occupied())
            act(*place, place->life->time_passed(time));
    for (const auto& place : workers_)
        if (place->occupied())
            look_after(*place, time);
    look_after_fork_server(time);
    end_waiting_too_long(time);
    retire_idle(time);
    end_turn(lock);
}

} // namespace procpool::core
