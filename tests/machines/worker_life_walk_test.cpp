// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Every sequence of events up to a length, with what must hold whatever happens.

#include <machines/worker_life_text.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

using namespace procpool::machines;
using namespace std::chrono_literals;
using phase = worker_life::phase;
using cause = worker_life::cause;
using action = worker_life::action;

namespace {

enum class event {
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

constexpr const char* names[] = {"good hello",   "bad hello", "initialized", "not initialized", "misbehaved",
                                 "output ended", "exited",    "a moment",    "deadline",        "retire",
                                 "condemn",      "cancel",    "terminate"};

/// A life together with what is known of its past.
struct walker {
    explicit walker(const worker_life::limits& with) : bounds(with) {}

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
        now += 1ms;
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
            now = life.deadline().value_or(now + 1h);
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

    /// Tells it, and answers what is wrong with the outcome; nothing if nothing is.
    const char* step(event what) {
        const phase before = life.now_in();
        const cause cause_before = life.why();
        const bool had_deadline = life.deadline().has_value();
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
            *life.deadline() > now + std::max({bounds.start, bounds.exit, bounds.initializer.value_or(0s)}))
            return "its deadline is farther away than any limit";
        if (what == event::a_moment && answer != action::none)
            return "it does something before its deadline";
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
};

struct walk {
    std::vector<event> path;
    std::size_t lives = 0;

    /// Whatever has happened, it comes to an end within a bounded time if the worker does nothing by itself any more.
    static const char* finish(walker one) {
        // Whatever an initializer without a limit does, and a worker that is used, the pool may end it.
        if (one.life.now_in() == phase::ready || !one.life.deadline())
            if (const char* const wrong = one.step(event::retire))
                return wrong;
        for (int deadlines = 0; one.life.deadline(); ++deadlines) {
            if (deadlines == 2)
                return "it is not killed in time";
            if (const char* const wrong = one.step(event::deadline))
                return wrong;
        }
        if (one.life.now_in() != phase::buried && one.kills != 1)
            return "it may live for ever";
        return one.step(event::exited);
    }

    void from(const walker& before, int steps) {
        ++lives;
        if (const char* const wrong = finish(before))
            fail(wrong);
        if (steps == 0)
            return;
        for (int what = 0; what != static_cast<int>(event::count); ++what) {
            walker one = before;
            path.push_back(static_cast<event>(what));
            if (const char* const wrong = one.step(path.back()))
                fail(wrong);
            from(one, steps - 1);
            path.pop_back();
        }
    }

    [[noreturn]] void fail(const char* wrong) const {
        std::ostringstream text;
        text << wrong << ", after:";
        for (const event what : path)
            text << ' ' << names[static_cast<int>(what)] << ';';
        throw std::logic_error(text.str());
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(worker_life_walk)

BOOST_AUTO_TEST_CASE(whatever_happens_it_is_buried_once_killed_at_most_once_and_ends_in_time_for_the_first_cause) {
    for (const worker_life::limits& bounds :
         {worker_life::limits{.start = 30s, .exit = 5s},
          worker_life::limits{.start = 30s, .exit = 5s, .has_initializer = true, .initializer = 60s},
          worker_life::limits{.start = 30s, .exit = 5s, .has_initializer = true}}) {
        walk all;
        all.from(walker(bounds), 5);
        BOOST_TEST(all.lives == 402234u); // of 13 events, in every order
    }
}

BOOST_AUTO_TEST_SUITE_END()
