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

constexpr std::chrono::milliseconds shortest_look{1};

// How long the answer of a task that is done may take to come before the worker is ended for it.
constexpr std::chrono::milliseconds longest_answer = std::chrono::seconds(30);

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
            place->watched = {front->id, *time + (often ? between_looks : limit), {}, {}, front->items};
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
    if (front->items > 1)
        place.watched.look_again = std::min(place.watched.look_again, time + between_looks);
}

void pool::look_at_time(worker& place, task& running, time_point time) {
    const auto limit = time_limit(running);
    const auto state = place.link->look(running.slot, running.id);
    worker::watch& watched = place.watched;
    time_point up = time + limit; // if it begins right now
    if (state == wire::ledger_state::done) {
        // Its time is no matter any more, but the answer has to come.
        if (!watched.done_since)
            watched.done_since = time;
        up = *watched.done_since + longest_answer;
    } else if (state != wire::ledger_state::waiting) {
        // What the worker says may be nonsense. A single task cannot begin a second time; a chunk's items each have their own
        // time, but no more than that.
        const time_point said = std::min(place.link->began_at(running.id).value_or(time), time);
        if (!watched.seen_since)
            watched.seen_since = said;
        const std::uint32_t items = std::max(watched.items, running.items);
        up = running.items == 1 && items == 1 ? std::min(said, *watched.seen_since) + limit
                                              : std::min(said + limit, *watched.seen_since + limit * items);
    }
    if (up <= time)
        begin_eviction(running, eviction::cause::timed_out);
    if (!place.evicted) // or it was not late after all
        watched.look_again = std::min(watched.look_again, std::max(up, time + shortest_look));
}

void pool::look_at_chunk(worker& place, task& running) {
    if (place.link->look(running.slot, running.id) != wire::ledger_state::running)
        return; // not begun, or just over
    if (running.wants_so_far())
        if (const auto found = place.link->progress(running.id, running.items); found && found->done != 0)
            if (completion* const told = running.so_far(found->done, found->results))
                done_.push(*told);
    if (running.items > 1 && scheduler_.idle_workers() != 0 && scheduler_.waiting() == 0)
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
    if (why == eviction::cause::timed_out && running.chunk && !is_late(on, running))
        return; // the late item has ended meanwhile, and the one that runs now has its own time
    scheduler_.worker_held(on.index);
    on.evicted = &running;
    on.eviction.emplace(options_.kill_grace);
    on.link->ask_to_stop(running.id);
    // One that is done has only to hand over its answer: that is not a time to be sent signals.
    const bool gets_time =
        on.link->listens(running.id) || on.link->look(running.slot, running.id) == wire::ledger_state::done;
    carry_out(on, on.eviction->begin(now(), why, gets_time));
    if (options_.kill_grace.count() == 0)
        look_after(on, now());
}

// Takes all that a running chunk has not begun.
void pool::take_rest(task& running) {
    // Half of it each time, and no chunk has more than a million; a worker that lies does not keep us here.
    for (int halvings = 0; running.items > 1 && halvings != 24; ++halvings) {
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
    if (unharmed && on.life->now_in() == worker_life::phase::ready) {
        if (!on.wear_noted)
            scheduler_.worker_released(on.index);
    } else {
        act(on, on.life->kill(worker_life::cause::task_cancelled));
    }
    on.eviction.reset();
}

bool pool::is_late(const worker& on, const task& running) const {
    const auto began = on.link->began_at(running.id);
    const auto time = now();
    return !began || std::min(*began, time) + time_limit(running) <= time;
}

// Waiting -----------------------------------------------------------------------------------------------------------

void pool::end_waiting_too_long(time_point time) {
    while (!begin_by_.empty() && begin_by_.begin()->first <= time) {
        task& late = *begin_by_.begin()->second;
        begin_by_.erase(begin_by_.begin());
        late.begin_by.reset();
        if (late.state == machines::task_state::sent && scheduler_.ask_back(late))
            recall(late); // then it waits again, unless it has begun
        if (late.state != machines::task_state::waiting)
            continue;
        scheduler_.cancel(late);
        late.cancelled = false;
        over(late, std::make_exception_ptr(pool_error(errc::queue_timed_out)));
    }
}

// Progress ----------------------------------------------------------------------------------------------------------

namespace {

/// Tells of a running task's progress.
class progress_note final : public completion {
public:
    progress_note(std::shared_ptr<const std::function<void(const progress&)>> told, std::shared_ptr<progress_box> box)
        : told_(std::move(told)), box_(std::move(box)) {}

    void complete() override {
        const std::unique_ptr<progress_note> self(this);
        progress what;
        {
            const std::lock_guard lock(box_->mutex);
            what = std::move(box_->waiting.front());
            box_->waiting.pop_front();
        }
        (*told_)(what);
    }
    void abandon() noexcept override { delete this; }

private:
    std::shared_ptr<const std::function<void(const progress&)>> told_;
    std::shared_ptr<progress_box> box_;
};

// A task that reports faster than it is listened to must not fill the memory; then the last report is replaced.
constexpr std::size_t most_reports_waiting = 64;

} // namespace

void pool::task_progressed(worker& from, std::uint64_t id, wire::progress_message&& message) {
    auto* const front = static_cast<task*>(scheduler_.tasks_of(from.index).front());
    if (!front || front->id != id || !front->terms || !front->terms->on_progress)
        return; // threads that a task left behind may still report
    progress what{id, message.fraction, std::move(message.text)};
    progress_box& box = *front->terms->reports;
    {
        const std::lock_guard lock(box.mutex);
        if (box.waiting.size() == most_reports_waiting) {
            box.waiting.back() = std::move(what);
            return;
        }
        box.waiting.push_back(std::move(what));
    }
    done_.push(*new progress_note(front->terms->on_progress, front->terms->reports));
}

} // namespace procpool::core
