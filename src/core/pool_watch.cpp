// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <core/pool.hpp>

#include <procpool/error.hpp>

#include <algorithm>
#include <utility>

namespace procpool::core {

using machines::eviction;
using machines::worker_life;

namespace {

// How often a chunk that runs is looked at: whether its results so far are waited for, and whether some of what it has not
// begun can go to an idle worker.
constexpr std::chrono::milliseconds between_looks{2};

constexpr std::chrono::milliseconds longest_limit = std::chrono::hours(24 * 365); // no clock overflows

} // namespace

// Time limits are those of running. Only the first of a worker's tasks can run, and the worker leaves word of when it began
// one that is timed; so it is enough to look at the one in front when its time may be up.

std::chrono::milliseconds pool::time_limit(const task& of) const noexcept {
    const auto limit = of.terms && of.terms->timeout ? *of.terms->timeout : options_.task_timeout;
    return std::clamp<std::chrono::milliseconds>(limit, limit.zero(), longest_limit);
}

bool pool::is_watched(const task& one) const noexcept {
    return one.items > 1 || time_limit(one).count() != 0;
}

void pool::given_to(worker& to, task& given) {
    given.is_watched = is_watched(given);
    to.watched_tasks += given.is_watched ? 1 : 0;
}

void pool::taken_from(worker& from, task& taken) {
    from.watched_tasks -= std::exchange(taken.is_watched, false) ? 1 : 0;
}

void pool::watch_front_tasks() {
    std::optional<time_point> time;
    for (const auto& place : workers_) {
        const auto* const front =
            place->watched_tasks == 0 ? nullptr : static_cast<task*>(scheduler_.tasks_of(place->index).front());
        if (!front || !front->is_watched || place->evicted) {
            place->watched = {};
        } else if (place->watched.task != front->id) {
            if (!time)
                time = now();
            const auto limit = time_limit(*front);
            const bool often = front->items > 1 && (limit.count() == 0 || limit > between_looks);
            place->watched = {front->id, *time + (often ? between_looks : limit), std::nullopt};
        }
    }
}

void pool::look_after(worker& place, time_point time) {
    if (place.eviction)
        carry_out(place, place.eviction->time_passed(time));
    if (place.watched.task == 0 || place.watched.look_again > time)
        return;
    auto* const front = static_cast<task*>(scheduler_.tasks_of(place.index).front());
    if (!front || front->id != place.watched.task)
        return; // it is over, and this turn's end will see what is in front now
    place.watched.look_again = time_point::max();
    if (front->chunk)
        look_at_chunk(place, *front);
    if (time_limit(*front).count() != 0)
        look_at_time(place, *front, time);
    if (place.watched.look_again == time_point::max())
        place.watched.look_again = time + between_looks;
}

void pool::look_at_time(worker& place, task& running, time_point time) {
    const auto limit = time_limit(running);
    auto since = place.link->began_at(running.id);
    if (place.link->look(running.slot, running.id) == wire::ledger_state::waiting || !since) {
        // Not begun. If it begins right now, its time is up then. A worker that says nothing at all is taken at its first word.
        since = place.watched.seen_since;
        if (!since && place.link->look(running.slot, running.id) != wire::ledger_state::waiting)
            since = place.watched.seen_since = time;
    } else {
        // What it says may be nonsense. A single task cannot begin a second time; a chunk's items each have their own time.
        since = std::min(*since, time);
        if (running.items == 1 && place.watched.seen_since)
            since = std::min(*since, *place.watched.seen_since);
        place.watched.seen_since = since;
    }
    const time_point up = since.value_or(time) + limit;
    if (up <= time)
        begin_eviction(running, eviction::cause::timed_out);
    else
        place.watched.look_again = std::min(place.watched.look_again, up);
}

void pool::look_at_chunk(worker& place, task& running) {
    const auto progress = place.link->progress(running.id, running.items);
    if (!progress)
        return; // not begun, or just over
    if (running.wants_so_far() && progress->done != 0)
        if (completion* const told = running.so_far(progress->done, progress->results))
            done_.push(*told);
    if (scheduler_.idle_workers() != 0 && scheduler_.waiting() == 0)
        if (const auto first = place.link->split(running.id, running.items))
            put_back_part(running, *first, 1);
}

// Evictions ---------------------------------------------------------------------------------------------------------

// A running task that has to end may take its worker with it. But the worker must not have gone on to another task by then,
// for that one would die too. So all others are asked back first; if after that the task still runs, then there is nothing
// that the worker could go on to.
void pool::begin_eviction(task& running, eviction::cause why) {
    worker& on = *workers_[running.worker];
    if (on.evicted)
        return;
    ask_back_all(on, &running);
    // The ledger of a worker that is out of its mind may say anything; once it has no other task, ending it harms nobody.
    if (on.link->look(running.slot, running.id) != wire::ledger_state::running &&
        scheduler_.tasks_of(on.index).size() != 1)
        return;
    take_rest(running);
    scheduler_.worker_held(on.index);
    on.evicted = &running;
    on.eviction.emplace(options_.kill_grace);
    on.link->ask_to_stop(running.id);
    carry_out(on, on.eviction->begin(now(), why, on.link->listens(running.id)));
    if (options_.kill_grace.count() == 0)
        look_after(on, now());
}

// Takes all that a running chunk has not begun.
void pool::take_rest(task& running) {
    while (running.items > 1) {
        const auto first = workers_[running.worker]->link->split(running.id, running.items);
        if (!first)
            return;
        put_back_part(running, *first, 1);
    }
}

void pool::carry_out(worker& on, eviction::action action) {
    const auto why = on.eviction->why() == eviction::cause::timed_out ? worker_life::cause::task_timed_out
                                                                      : worker_life::cause::task_cancelled;
    switch (action) {
    case eviction::action::terminate:
        on.life->condemn(why);
        on.link->terminate();
        break;
    case eviction::action::kill:
        act(on, on.life->kill(why));
        break;
    case eviction::action::ask:
    case eviction::action::none:
        break;
    }
}

// The task that was to end has answered after all.
void pool::eviction_over(worker& on, task& done) {
    if (on.eviction->why() == eviction::cause::timed_out)
        done.error = std::make_exception_ptr(pool_error(errc::timed_out));
    on.evicted = nullptr;
    const bool unharmed = on.eviction->task_ended();
    if (unharmed && on.life->now_in() == worker_life::phase::ready)
        scheduler_.worker_released(on.index);
    else
        act(on, on.life->kill(worker_life::cause::task_cancelled));
    on.eviction.reset();
}

// Waiting -----------------------------------------------------------------------------------------------------------

void pool::end_waiting_too_long(time_point time) {
    while (!begin_by_.empty() && begin_by_.begin()->first <= time) {
        task& late = *begin_by_.begin()->second;
        begin_by_.erase(begin_by_.begin());
        late.begin_by.reset();
        using answer = machines::scheduler::cancel_answer;
        const answer got = scheduler_.cancel(late);
        late.cancelled = false;
        if (got == answer::recall) {
            recall(late);
            if (late.state == machines::task_state::started)
                continue; // it has begun
            scheduler_.cancel(late);
            late.cancelled = false;
        } else if (got != answer::removed) {
            continue;
        }
        over(late, std::make_exception_ptr(pool_error(errc::queue_timed_out)));
    }
}

// Progress ----------------------------------------------------------------------------------------------------------

namespace {

/// Tells of a running task's progress.
class progress_note final : public completion {
public:
    progress_note(std::function<void(const progress&)> told, progress what)
        : told_(std::move(told)), what_(std::move(what)) {}

    void complete() override {
        const std::unique_ptr<progress_note> self(this);
        told_(what_);
    }
    void abandon() noexcept override { delete this; }

private:
    std::function<void(const progress&)> told_;
    progress what_;
};

} // namespace

void pool::task_progressed(worker& from, std::uint64_t id, wire::progress_message&& message) {
    const auto* const front = static_cast<task*>(scheduler_.tasks_of(from.index).front());
    if (!front || front->id != id || !front->terms || !front->terms->on_progress)
        return; // threads that a task left behind may still report
    done_.push(*new progress_note(front->terms->on_progress, {id, message.fraction, std::move(message.text)}));
}

} // namespace procpool::core
