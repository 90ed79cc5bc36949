// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <core/pool.hpp>

#include <procpool/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <string>

namespace procpool::core {

namespace {

// How much one turn does of each kind before it lets the program's other handlers run: each is less than a millisecond.
constexpr std::size_t tasks_accepted_per_turn = 4096;
constexpr std::size_t tasks_sent_per_turn = 4096;
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
    if (done_.empty() || delivery_posted_)
        return;
    completion_queue portion = done_.pop_some(completions_per_delivery);
    if (!done_.empty())
        post_delivery();
    lock.unlock();
    hand_out(std::move(portion));
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
    if (more_to_do_)
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
    else if (submitted.bytes.size() > wire::max_payload_size - sizeof(wire::call_header))
        over(submitted, error_of(errc::not_serializable,
                                 "the arguments take " + std::to_string(submitted.bytes.size()) +
                                     " bytes; no message may be larger than " + std::to_string(wire::max_payload_size)));
    else
        scheduler_.add(submitted);
}

// Scheduling --------------------------------------------------------------------------------------------------------

void pool::schedule() {
    for (std::size_t count = 0; count != tasks_sent_per_turn; ++count) {
        const auto next = scheduler_.next();
        if (!next)
            return;
        auto& chosen = static_cast<task&>(*next->task);
        if (next->kind == machines::scheduler::action_kind::recall) {
            recall(chosen);
            continue;
        }
        worker& to = *workers_[next->worker];
        chosen.slot =
            to.link->send({chosen.id, {chosen.entry, chosen.function, chosen.items, chosen.attempt}, chosen.bytes});
        to.tasks[chosen.slot] = &chosen;
        if (!std::exchange(to.to_flush, true))
            to_flush_.push_back(&to);
    }
    more_to_do_ = true;
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
    ++counted_.tasks_failed;
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
    completion_queue portion = done_.pop_some(completions_per_delivery);
    // Posted before the portion is handed out, so that another thread of the program can hand out the next meanwhile.
    if (!done_.empty())
        post_delivery();
    lock.unlock();
    hand_out(std::move(portion));
}

void pool::hand_out(completion_queue portion) {
    // A handler may throw, which is for the program to deal with; what has not been told then is told later.
    struct rest_goes_back {
        pool& self;
        completion_queue& rest;
        ~rest_goes_back() {
            if (rest.empty())
                return;
            const std::lock_guard lock(self.mutex_);
            self.done_.put_back(rest);
            self.post_delivery();
        }
    } guard{*this, portion};
    while (completion* const over = portion.pop())
        over->complete();
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
        consider(staffing_.retry_at(now(), scheduler_.waiting() != 0));
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
