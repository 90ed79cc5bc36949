// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_MACHINES_WORKER_LIFE_WALKER_HPP
#define PROCPOOL_TESTS_MACHINES_WORKER_LIFE_WALKER_HPP

// A worker's life to which anything may happen, and what must hold whatever does.

#include <machines/worker_life.hpp>

#include <algorithm>
#include <chrono>

namespace procpool::testing {

using machines::worker_life;

enum class life_event {
    good_hello,
    bad_hello,
    initialized,
    not_initialized,
    misbehaved,
    output_ended,
    exited,
    a_moment,
    deadline,
    retire,
    condemn,
    cancel,
    terminate,
    count
};

inline constexpr const char* life_event_names[] = {
    "good hello", "bad hello", "initialized", "not initialized", "misbehaved", "output ended", "exited",
    "a moment",   "deadline",  "retire",      "condemn",         "cancel",     "terminate"};

/// A life together with what is known of its past.
struct life_walker {
    using phase = worker_life::phase;
    using cause = worker_life::cause;
    using action = worker_life::action;
    using event = life_event;
    using duration = worker_life::duration;

    explicit life_walker(const worker_life::limits& with) : bounds(with) {}

    worker_life::limits bounds;
    worker_life life{worker_life::time_point{}, bounds};
    worker_life::time_point now{};
    bool condemned = false;
    int initializations = 0;
    int uses = 0;
    int kills = 0;
    int burials = 0;
    int closings = 0;

    action tell(event what) {
        switch (what) {
        case event::good_hello:
            return life.hello(now, true);
        case event::bad_hello:
            return life.hello(now, false);
        case event::initialized:
            return life.initialized(true);
        case event::not_initialized:
            return life.initialized(false);
        case event::misbehaved:
            return life.misbehaved();
        case event::output_ended:
            return life.output_ended(now);
        case event::exited:
            return life.exited();
        case event::a_moment:
            return life.time_passed(now);
        case event::deadline:
            now = std::max(now, life.deadline().value_or(now + std::chrono::hours(1)));
            return life.time_passed(now);
        case event::retire:
            return life.retire(now);
        case event::condemn:
            condemned = condemned || life.why() == cause::none;
            life.condemn(cause::task_timed_out);
            return action::none;
        case event::cancel:
            return life.kill(cause::task_cancelled);
        case event::terminate:
            return life.kill(cause::terminated);
        case event::count:
            break;
        }
        return action::none;
    }

    /// Tells it after a while, and answers what is wrong with the outcome; nothing if nothing is.
    const char* step(event what, duration after_a_while = std::chrono::milliseconds(1)) {
        now += after_a_while;
        const phase before = life.now_in();
        const cause cause_before = life.why();
        const bool had_deadline = life.deadline().has_value();
        const bool is_late = had_deadline && now >= *life.deadline();
        const action answer = tell(what);
        initializations += answer == action::initialize ? 1 : 0;
        uses += answer == action::use ? 1 : 0;
        kills += answer == action::kill ? 1 : 0;
        burials += answer == action::bury ? 1 : 0;
        closings += answer == action::close_input ? 1 : 0;
        const phase after = life.now_in();

        if (before == phase::buried && (answer != action::none || after != phase::buried))
            return "something happens after the burial";
        if ((answer == action::bury) != (what == event::exited && before != phase::buried))
            return "it is buried without having exited, or not buried although it has";
        if ((after == phase::buried) != (burials == 1) || burials > 1)
            return "it is not buried exactly once";
        if (kills > 1)
            return "it is killed twice";
        if (after < before)
            return "it goes back to an earlier phase";
        if (uses > 1 || (answer == action::use) != (before < phase::ready && after == phase::ready))
            return "it is used at another time than when it became ready";
        if (bounds.has_initializer && (after == phase::ready) && initializations != 1)
            return "it is used without having run the initializer";
        if ((answer == action::initialize) != (before == phase::starting && after == phase::initializing))
            return "it runs the initializer at another time than after its hello";
        if (initializations > (bounds.has_initializer ? 1 : 0))
            return "it runs the initializer twice, or one that there is not";
        if (life.was_ready() != (uses == 1))
            return "it does not know rightly whether it was ready";
        if (cause_before != cause::none && life.why() != cause_before)
            return "the first cause does not stand";
        if ((life.why() == cause::none) != (after <= phase::ready && !condemned))
            return "it ends without a cause, or has one without ending";
        if (what == event::condemn && (answer != action::none || after != before))
            return "condemning it does something";
        const bool must_move = after == phase::starting || after == phase::retiring ||
                               (after == phase::initializing && bounds.initializer) ||
                               (after == phase::ending && kills == 0);
        if (life.deadline().has_value() != must_move)
            return "it has a deadline where nothing has to happen, or none where something has to";
        if (must_move &&
            *life.deadline() > now + std::max({bounds.start, bounds.exit, bounds.initializer.value_or(duration(0))}))
            return "its deadline is farther away than any limit";
        if (what == event::a_moment && (answer != action::none) != is_late)
            return "it does something before its deadline, or nothing after it";
        if (what == event::deadline && (answer == action::kill) != had_deadline)
            return "it is not killed at its deadline";
        const bool wants_end = what == event::cancel || what == event::terminate || what == event::misbehaved;
        if (wants_end && after != phase::buried && kills == 0)
            return "it lives on although it is to be killed";
        if (what == event::output_ended && (answer == action::close_input) != (before < phase::ending))
            return "its input stays open after the end of its output";
        if (what == event::retire && (answer == action::close_input) != (before < phase::retiring))
            return "its input stays open although it is to retire";
        if (after >= phase::retiring && kills == 0 && closings == 0 && burials == 0)
            return "it is to end and nobody tells it";
        return nullptr;
    }

    /// Whatever has happened, it comes to an end within a bounded time if the worker does nothing by itself any more.
    const char* finish() {
        // Whatever an initializer without a limit does, and a worker that is used, the pool may end it.
        if (life.now_in() == phase::ready || !life.deadline())
            if (const char* const wrong = step(event::retire))
                return wrong;
        for (int deadlines = 0; life.deadline(); ++deadlines) {
            if (deadlines == 2)
                return "it is not killed in time";
            if (const char* const wrong = step(event::deadline))
                return wrong;
        }
        if (life.now_in() != phase::buried && kills != 1)
            return "it may live for ever";
        return step(event::exited);
    }
};

} // namespace procpool::testing

#endif
