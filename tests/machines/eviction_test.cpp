// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Single promises, and then every sequence of events up to a length, with what must hold whatever happens.

#include <machines/eviction.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

using namespace procpool::machines;
using namespace std::chrono_literals;
using action = eviction::action;
using cause = eviction::cause;

namespace {

constexpr eviction::time_point start{};

enum class event {
    cancelled_listening,
    cancelled,
    timed_out_listening,
    timed_out,
    a_moment,
    just_before_deadline,
    deadline,
    long_after_deadline,
    task_ended,
    count
};

constexpr const char* names[] = {
    "cancelled, listening",     "cancelled",    "timed out, listening", "timed out", "a moment",
    "just before the deadline", "the deadline", "long after",           "task ended"};

/// An eviction together with what was done to the task, and when.
struct walker {
    explicit walker(eviction::duration time) : grace(time), one(time) {}

    eviction::duration grace;
    eviction one;
    eviction::time_point now = start;
    bool begun = false;
    cause first = cause::cancelled;
    std::optional<eviction::time_point> asked;
    std::optional<eviction::time_point> terminated;
    std::optional<eviction::time_point> killed;

    static bool is_beginning(event what) { return what <= event::timed_out; }
    static bool listens(event what) { return what == event::cancelled_listening || what == event::timed_out_listening; }
    static cause cause_of(event what) { return what <= event::cancelled ? cause::cancelled : cause::timed_out; }

    /// Tells it, and answers what is wrong with the outcome; nothing if nothing is.
    const char* step(event what) {
        if (what == event::task_ended)
            return end_task();
        const auto limit = one.deadline();
        action answer = action::none;
        if (is_beginning(what)) {
            now += 1us;
            answer = one.begin(now, cause_of(what), listens(what));
        } else {
            const auto due = limit.value_or(now + grace + 1h);
            now = what == event::a_moment               ? now + 1us
                  : what == event::just_before_deadline ? std::max(now, due - 1ns)
                  : what == event::deadline             ? std::max(now, due)
                                                        : std::max(now, due) + 1h;
            answer = one.time_passed(now);
            if ((answer != action::none) != (limit && now >= *limit))
                return "it does something before its deadline, or nothing at it";
        }
        if (is_beginning(what)) {
            if ((answer == action::none) != begun)
                return "it begins twice, or not at all";
            if (!begun && answer != (listens(what) ? action::ask : action::terminate))
                return "it does not begin with asking who listens, and terminating who does not";
            if (!begun)
                first = cause_of(what);
            begun = true;
        }
        if (const char* const wrong = note(answer))
            return wrong;
        return look();
    }

    const char* note(action answer) {
        switch (answer) {
        case action::none:
            break;
        case action::ask:
            if (asked || terminated || killed)
                return "it asks too late";
            asked = now;
            break;
        case action::terminate:
            if (terminated || killed)
                return "it terminates twice";
            if (asked && now < *asked + grace)
                return "it terminates before the time for listening is up";
            terminated = now;
            break;
        case action::kill:
            if (!terminated)
                return "it kills what was not terminated";
            if (killed)
                return "it kills twice";
            if (now < *terminated + grace)
                return "it kills before the time for ending is up";
            killed = now;
            break;
        }
        return nullptr;
    }

    const char* end_task() {
        const bool harmed = terminated || killed;
        if (one.task_ended() == harmed)
            return "it does not know whether the worker can still be used";
        if (!harmed) { // the next task may be evicted in turn
            begun = false;
            asked.reset();
        }
        return look();
    }

    const char* look() const {
        if (one.under_way() != begun)
            return "it does not know whether it is under way";
        if (begun && one.why() != first)
            return "the first cause does not stand";
        const auto limit = one.deadline();
        if (limit.has_value() != (begun && !killed))
            return "it has a deadline where nothing is due, or none where something is";
        if (limit && *limit > now + grace)
            return "its deadline is farther away than it should be";
        if (limit && *limit < (terminated ? *terminated : *asked) + grace)
            return "its deadline comes too early";
        return nullptr;
    }
};

struct walk {
    std::vector<event> path;
    std::size_t looks = 0;

    /// However it stands, whoever does not end is killed at the second deadline at the latest.
    static const char* finish(walker one) {
        if (!one.begun)
            return nullptr;
        for (int deadlines = 0; one.one.deadline(); ++deadlines) {
            if (deadlines == 2)
                return "it does not come to an end";
            if (const char* const wrong = one.step(event::deadline))
                return wrong;
        }
        return one.killed ? nullptr : "it does not end with a kill";
    }

    void from(const walker& before, int steps) {
        ++looks;
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

BOOST_AUTO_TEST_SUITE(evictions)

BOOST_AUTO_TEST_CASE(a_task_that_listens_is_asked_then_terminated_then_killed) {
    eviction one(5s);
    BOOST_TEST(!one.under_way());
    BOOST_TEST(!one.deadline());
    BOOST_TEST((one.begin(start, cause::timed_out, true) == action::ask));
    BOOST_TEST((one.deadline() == start + 5s));
    BOOST_TEST((one.time_passed(start + 5s - 1ns) == action::none));
    BOOST_TEST((one.time_passed(start + 6s) == action::terminate));
    BOOST_TEST((one.deadline() == start + 11s)); // from when it was done, not from when it could have been
    BOOST_TEST((one.time_passed(start + 11s - 1ns) == action::none));
    BOOST_TEST((one.time_passed(start + 11s) == action::kill));
    BOOST_TEST(!one.deadline());
    BOOST_TEST((one.time_passed(start + 1h) == action::none));
    BOOST_TEST((one.why() == cause::timed_out));
}

BOOST_AUTO_TEST_CASE(a_task_that_does_not_listen_is_terminated_at_once_and_killed_when_the_time_is_up) {
    eviction one(5s);
    BOOST_TEST((one.begin(start, cause::cancelled, false) == action::terminate));
    BOOST_TEST((one.deadline() == start + 5s));
    BOOST_TEST((one.time_passed(start + 5s) == action::kill));
}

BOOST_AUTO_TEST_CASE(a_worker_whose_task_ended_when_asked_lives_on_and_its_next_task_may_be_evicted) {
    eviction one(5s);
    one.begin(start, cause::cancelled, true);
    BOOST_TEST(one.task_ended());
    BOOST_TEST(!one.under_way());
    BOOST_TEST(!one.deadline());
    BOOST_TEST((one.time_passed(start + 1h) == action::none));
    BOOST_TEST((one.begin(start + 2h, cause::timed_out, true) == action::ask));
    BOOST_TEST((one.why() == cause::timed_out));
    BOOST_TEST((one.deadline() == start + 2h + 5s));
}

BOOST_AUTO_TEST_CASE(a_worker_that_was_sent_a_signal_is_not_used_again_although_its_task_ended) {
    for (const bool listens : {true, false}) {
        eviction one(5s);
        one.begin(start, cause::cancelled, listens);
        if (listens)
            one.time_passed(start + 5s);
        BOOST_TEST(!one.task_ended());
        BOOST_TEST(one.under_way());
        BOOST_TEST((one.time_passed(start + 1h) == action::kill)); // so it ends, whatever its task did
        BOOST_TEST(!one.task_ended());
    }
}

BOOST_AUTO_TEST_CASE(without_any_grace_every_step_is_due_at_once_but_none_is_left_out) {
    eviction one(0s);
    BOOST_TEST((one.begin(start, cause::cancelled, true) == action::ask));
    BOOST_TEST((one.deadline() == start));
    BOOST_TEST((one.time_passed(start) == action::terminate));
    BOOST_TEST((one.time_passed(start) == action::kill));
    BOOST_TEST((one.time_passed(start) == action::none));
    BOOST_TEST(!one.deadline());
}

BOOST_AUTO_TEST_CASE(whatever_happens_nobody_is_killed_who_was_not_terminated_and_waited_for) {
    for (const eviction::duration grace : {eviction::duration(5s), eviction::duration(1ns), eviction::duration(0)}) {
        walk all;
        all.from(walker(grace), 6);
        BOOST_TEST(all.looks == 597871u); // of 9 events, in every order
    }
}

BOOST_AUTO_TEST_SUITE_END()
