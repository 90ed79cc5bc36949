// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <core/pool.hpp>

#include <procpool/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <new>
#include <string>

namespace procpool::core {

namespace {

// How much one turn does of each kind before it lets the program's other handlers run: each is less than a millisecond.
constexpr std::size_t tasks_accepted_per_turn = 4096;
constexpr std::size_t tasks_sent_per_turn = 4096;
constexpr std::size_t bytes_sent_per_turn = std::size_t{2} << 20;
constexpr std::size_t tasks_failed_per_turn = 4096;

// Of completions each may run code of the program, and another thread may want to help.
constexpr std::size_t completions_per_delivery = 64;

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
    settle();
    if (!delivery_posted_)
        hand_out(lock);
}

void pool::run_turn() {
    begin_turn();
    turn_posted_ = false;
    end_turn();
}

void pool::post_turn() {
    if (std::exchange(turn_posted_, true))
        return;
    boost::asio::post(executor_, [self = shared_from_this()] { self->run_turn(); });
}

void pool::settle() {
    more_to_do_ = false;
    accept_submitted();
    schedule();
    employ();
    fail_waiting();
    flush_links();
    finish_closing();
    set_timer();
    if (more_to_do_ && !destroyed())
        post_turn();
}

// Submitting --------------------------------------------------------------------------------------------------------

void pool::accept_submitted() {
    inbox_.waking();
    for (std::size_t count = 0; count != tasks_accepted_per_turn; ++count) {
        auto* const submitted = static_cast<task*>(inbox_.take());
        if (!submitted) {
            more_to_do_ = more_to_do_ || inbox_.interrupted();
            return;
        }
        accept(*submitted);
    }
    more_to_do_ = true;
}

void pool::accept(task& submitted) {
    const bool in_time = !closed_ || submitted.id <= closed_after_;
    if (in_time)
        ++accepted_;
    if (submitted.error)
        over(submitted, std::exchange(submitted.error, nullptr));
    else if (submitted.cancelled)
        call_off(submitted);
    else if (terminated_)
        over(submitted, error_of(errc::pool_terminated));
    else if (!in_time)
        over(submitted, error_of(errc::pool_closed));
    else if (submitted.items == 0)
        over(submitted, nullptr); // a batch of nothing
    else if (submitted.bytes.size() > wire::max_payload_size - sizeof(wire::call_header))
        over(submitted,
             error_of(errc::not_serializable, "the arguments take " + std::to_string(submitted.bytes.size()) +
                                                  " bytes; no message may be larger than " +
                                                  std::to_string(wire::max_payload_size)));
    else
        scheduler_.add(submitted);
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
    try {
        to.link->send(chosen.slot,
                      {chosen.id, {chosen.entry, chosen.function, chosen.items, chosen.attempt}, chosen.bytes});
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
    if (back)
        from.tasks[wanted.slot] = nullptr;
    if (!scheduler_.recall_answered(wanted, back))
        call_off(wanted);
}

void pool::flush_links() {
    for (worker* const place : to_flush_) {
        if (std::exchange(place->to_flush, false))
            place->link->flush();
    }
    to_flush_.clear();
}

void pool::fail_waiting() {
    if (!terminated_ && !staffing_.hopeless())
        return;
    if (scheduler_.waiting() == 0)
        return;
    const std::exception_ptr why = terminated_ ? error_of(errc::pool_terminated) : start_failure();
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
    done_.push(done);
}

void pool::post_delivery() {
    if (std::exchange(delivery_posted_, true))
        return;
    boost::asio::post(executor_, [self = shared_from_this()] { self->deliver(); });
}

void pool::deliver() {
    std::unique_lock lock(mutex_);
    delivery_posted_ = false;
    hand_out(lock);
}

// One at a time, and a further delivery is posted before the first: a handler may block until another thread has handed out
// the next one, run the executor itself, or throw, which is for the program to deal with.
void pool::hand_out(std::unique_lock<std::mutex>& lock) {
    for (std::size_t count = 0; count != completions_per_delivery; ++count) {
        completion* const over = done_.pop();
        if (!over)
            return;
        if (!done_.empty())
            post_delivery();
        lock.unlock();
        over->complete();
        lock.lock();
    }
}

// Closing -----------------------------------------------------------------------------------------------------------

bool pool::drained() const noexcept {
    return closed_ && accepted_ == closed_after_ && scheduler_.empty();
}

void pool::finish_closing() {
    if (!drained())
        return;
    staffing_.stop();
    for (const auto& place : workers_)
        if (place->occupied())
            act(*place, place->life->retire(now()));
    if (occupied_ != 0)
        return;
    terminate_at_.reset();
    keep_busy_.reset();
    while (completion* const joiner = joiners_.pop())
        done_.push(*joiner);
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
    if (scheduler_.ready_workers() != occupied_)
        for (const auto& place : workers_)
            if (place->occupied())
                consider(place->life->deadline());
    if (staffing_.failures() != 0)
        consider(staffing_.retry_at(!scheduler_.empty()));
    if (next == timer_set_for_)
        return;
    timer_set_for_ = next;
    if (!next) {
        timer_->cancel();
        return;
    }
    timer_->expires_at(*next);
    timer_->async_wait([self = shared_from_this()](const boost::system::error_code& error) {
        if (!error)
            self->timer_fired();
    });
}

void pool::timer_fired() {
    begin_turn();
    timer_set_for_.reset();
    const auto time = now();
    if (terminate_at_ && *terminate_at_ <= time) {
        terminate_at_.reset();
        begin_terminating();
    }
    for (const auto& place : workers_)
        if (place->occupied())
            act(*place, place->life->time_passed(time));
    end_turn();
}

} // namespace procpool::core
