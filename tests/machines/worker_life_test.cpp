// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Every event in every phase, as a table; and how time is measured.

#include <machines/worker_life_text.hpp>

#include <boost/test/unit_test.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

using namespace procpool::machines;
using namespace std::chrono_literals;
using phase = worker_life::phase;
using cause = worker_life::cause;
using action = worker_life::action;

namespace {

constexpr worker_life::time_point start{};
constexpr worker_life::limits bounds{.start = 30s, .exit = 5s};

constexpr worker_life::limits with_initializer{.start = 30s, .exit = 5s, .has_initializer = true, .initializer = 60s};

// Where a worker may stand, and how it got there.
worker_life starting() {
    return worker_life(start, bounds);
}
worker_life initializing() {
    worker_life life(start, with_initializer);
    life.hello(start, true);
    return life;
}
worker_life ready() {
    worker_life life = starting();
    life.hello(start, true);
    return life;
}
worker_life retiring() {
    worker_life life = ready();
    life.retire(start);
    return life;
}
worker_life retiring_unheard() {
    worker_life life = starting();
    life.retire(start);
    return life;
}
worker_life retiring_uninitialized() {
    worker_life life = initializing();
    life.retire(start);
    return life;
}
worker_life ending() {
    worker_life life = ready();
    life.output_ended(start);
    return life;
}
worker_life killed() {
    worker_life life = ready();
    life.kill(cause::task_cancelled);
    return life;
}
worker_life buried() {
    worker_life life = ready();
    life.exited();
    return life;
}

// What may happen.
using event = action (*)(worker_life&);
action good_hello(worker_life& life) {
    return life.hello(start, true);
}
action bad_hello(worker_life& life) {
    return life.hello(start, false);
}
action initialized(worker_life& life) {
    return life.initialized(true);
}
action not_initialized(worker_life& life) {
    return life.initialized(false);
}
action misbehaved(worker_life& life) {
    return life.misbehaved();
}
action output_ended(worker_life& life) {
    return life.output_ended(start + 1s);
}
action exited(worker_life& life) {
    return life.exited();
}
action some_time(worker_life& life) {
    return life.time_passed(start + 4s);
}
action long_time(worker_life& life) {
    return life.time_passed(start + 1h);
}
action retire(worker_life& life) {
    return life.retire(start + 1s);
}
action terminate(worker_life& life) {
    return life.kill(cause::terminated);
}

struct row {
    const char* name;
    worker_life (*stands)();
    event happens;
    action answer;
    phase then;
    cause why;
};

#define ROW(stands, happens) #stands ", " #happens, &stands, &happens

const row table[] = {
    {ROW(starting, good_hello), action::use, phase::ready, cause::none},
    {ROW(starting, bad_hello), action::kill, phase::ending, cause::wrong_hello},
    {ROW(starting, initialized), action::kill, phase::ending, cause::protocol_error},
    {ROW(starting, not_initialized), action::kill, phase::ending, cause::protocol_error},
    {ROW(starting, misbehaved), action::kill, phase::ending, cause::protocol_error},
    {ROW(starting, output_ended), action::close_input, phase::ending, cause::died},
    {ROW(starting, exited), action::bury, phase::buried, cause::died},
    {ROW(starting, some_time), action::none, phase::starting, cause::none},
    {ROW(starting, long_time), action::kill, phase::ending, cause::start_timed_out},
    {ROW(starting, retire), action::close_input, phase::retiring, cause::retired},
    {ROW(starting, terminate), action::kill, phase::ending, cause::terminated},

    {ROW(initializing, good_hello), action::kill, phase::ending, cause::protocol_error},
    {ROW(initializing, bad_hello), action::kill, phase::ending, cause::protocol_error},
    {ROW(initializing, initialized), action::use, phase::ready, cause::none},
    {ROW(initializing, not_initialized), action::kill, phase::ending, cause::initializer_failed},
    {ROW(initializing, misbehaved), action::kill, phase::ending, cause::protocol_error},
    {ROW(initializing, output_ended), action::close_input, phase::ending, cause::died},
    {ROW(initializing, exited), action::bury, phase::buried, cause::died},
    {ROW(initializing, some_time), action::none, phase::initializing, cause::none},
    {ROW(initializing, long_time), action::kill, phase::ending, cause::initializer_timed_out},
    {ROW(initializing, retire), action::close_input, phase::retiring, cause::retired},
    {ROW(initializing, terminate), action::kill, phase::ending, cause::terminated},

    {ROW(ready, good_hello), action::kill, phase::ending, cause::protocol_error},
    {ROW(ready, bad_hello), action::kill, phase::ending, cause::protocol_error},
    {ROW(ready, initialized), action::kill, phase::ending, cause::protocol_error},
    {ROW(ready, not_initialized), action::kill, phase::ending, cause::protocol_error},
    {ROW(ready, misbehaved), action::kill, phase::ending, cause::protocol_error},
    {ROW(ready, output_ended), action::close_input, phase::ending, cause::died},
    {ROW(ready, exited), action::bury, phase::buried, cause::died},
    {ROW(ready, some_time), action::none, phase::ready, cause::none},
    {ROW(ready, long_time), action::none, phase::ready, cause::none},
    {ROW(ready, retire), action::close_input, phase::retiring, cause::retired},
    {ROW(ready, terminate), action::kill, phase::ending, cause::terminated},

    {ROW(retiring, good_hello), action::none, phase::retiring, cause::retired},
    {ROW(retiring, bad_hello), action::none, phase::retiring, cause::retired},
    {ROW(retiring, initialized), action::none, phase::retiring, cause::retired},
    {ROW(retiring, not_initialized), action::none, phase::retiring, cause::retired},
    {ROW(retiring, misbehaved), action::kill, phase::ending, cause::retired},
    {ROW(retiring, output_ended), action::close_input, phase::ending, cause::retired},
    {ROW(retiring, exited), action::bury, phase::buried, cause::retired},
    {ROW(retiring, some_time), action::none, phase::retiring, cause::retired},
    {ROW(retiring, long_time), action::kill, phase::ending, cause::retired},
    {ROW(retiring, retire), action::none, phase::retiring, cause::retired},
    {ROW(retiring, terminate), action::kill, phase::ending, cause::retired},

    {ROW(retiring_unheard, good_hello), action::none, phase::retiring, cause::retired},
    {ROW(retiring_unheard, bad_hello), action::none, phase::retiring, cause::retired},
    {ROW(retiring_unheard, initialized), action::none, phase::retiring, cause::retired},
    {ROW(retiring_unheard, not_initialized), action::none, phase::retiring, cause::retired},
    {ROW(retiring_unheard, misbehaved), action::kill, phase::ending, cause::retired},
    {ROW(retiring_unheard, output_ended), action::close_input, phase::ending, cause::retired},
    {ROW(retiring_unheard, exited), action::bury, phase::buried, cause::retired},
    {ROW(retiring_unheard, some_time), action::none, phase::retiring, cause::retired},
    {ROW(retiring_unheard, long_time), action::kill, phase::ending, cause::retired},
    {ROW(retiring_unheard, retire), action::none, phase::retiring, cause::retired},
    {ROW(retiring_unheard, terminate), action::kill, phase::ending, cause::retired},

    {ROW(retiring_uninitialized, good_hello), action::none, phase::retiring, cause::retired},
    {ROW(retiring_uninitialized, bad_hello), action::none, phase::retiring, cause::retired},
    {ROW(retiring_uninitialized, initialized), action::none, phase::retiring, cause::retired},
    {ROW(retiring_uninitialized, not_initialized), action::none, phase::retiring, cause::retired},
    {ROW(retiring_uninitialized, misbehaved), action::kill, phase::ending, cause::retired},
    {ROW(retiring_uninitialized, output_ended), action::close_input, phase::ending, cause::retired},
    {ROW(retiring_uninitialized, exited), action::bury, phase::buried, cause::retired},
    {ROW(retiring_uninitialized, some_time), action::none, phase::retiring, cause::retired},
    {ROW(retiring_uninitialized, long_time), action::kill, phase::ending, cause::retired},
    {ROW(retiring_uninitialized, retire), action::none, phase::retiring, cause::retired},
    {ROW(retiring_uninitialized, terminate), action::kill, phase::ending, cause::retired},

    {ROW(ending, good_hello), action::none, phase::ending, cause::died},
    {ROW(ending, bad_hello), action::none, phase::ending, cause::died},
    {ROW(ending, initialized), action::none, phase::ending, cause::died},
    {ROW(ending, not_initialized), action::none, phase::ending, cause::died},
    {ROW(ending, misbehaved), action::kill, phase::ending, cause::died},
    {ROW(ending, output_ended), action::none, phase::ending, cause::died},
    {ROW(ending, exited), action::bury, phase::buried, cause::died},
    {ROW(ending, some_time), action::none, phase::ending, cause::died},
    {ROW(ending, long_time), action::kill, phase::ending, cause::died},
    {ROW(ending, retire), action::none, phase::ending, cause::died},
    {ROW(ending, terminate), action::kill, phase::ending, cause::died},

    {ROW(killed, good_hello), action::none, phase::ending, cause::task_cancelled},
    {ROW(killed, bad_hello), action::none, phase::ending, cause::task_cancelled},
    {ROW(killed, initialized), action::none, phase::ending, cause::task_cancelled},
    {ROW(killed, not_initialized), action::none, phase::ending, cause::task_cancelled},
    {ROW(killed, misbehaved), action::none, phase::ending, cause::task_cancelled},
    {ROW(killed, output_ended), action::none, phase::ending, cause::task_cancelled},
    {ROW(killed, exited), action::bury, phase::buried, cause::task_cancelled},
    {ROW(killed, some_time), action::none, phase::ending, cause::task_cancelled},
    {ROW(killed, long_time), action::none, phase::ending, cause::task_cancelled},
    {ROW(killed, retire), action::none, phase::ending, cause::task_cancelled},
    {ROW(killed, terminate), action::none, phase::ending, cause::task_cancelled},

    {ROW(buried, good_hello), action::none, phase::buried, cause::died},
    {ROW(buried, bad_hello), action::none, phase::buried, cause::died},
    {ROW(buried, initialized), action::none, phase::buried, cause::died},
    {ROW(buried, not_initialized), action::none, phase::buried, cause::died},
    {ROW(buried, misbehaved), action::none, phase::buried, cause::died},
    {ROW(buried, output_ended), action::none, phase::buried, cause::died},
    {ROW(buried, exited), action::none, phase::buried, cause::died},
    {ROW(buried, some_time), action::none, phase::buried, cause::died},
    {ROW(buried, long_time), action::none, phase::buried, cause::died},
    {ROW(buried, retire), action::none, phase::buried, cause::died},
    {ROW(buried, terminate), action::none, phase::buried, cause::died},
};

#undef ROW

} // namespace

BOOST_AUTO_TEST_SUITE(worker_life_table)

BOOST_AUTO_TEST_CASE(every_event_in_every_phase_is_answered_as_the_table_says) {
    BOOST_TEST(std::size(table) == 9u * 11u);
    for (const row& row : table) {
        BOOST_TEST_CONTEXT(row.name) {
            worker_life life = row.stands();
            BOOST_TEST(row.happens(life) == row.answer);
            BOOST_TEST(life.now_in() == row.then);
            BOOST_TEST(life.why() == row.why);
        }
    }
}

BOOST_AUTO_TEST_CASE(whether_it_was_ever_ready_is_remembered_to_the_end) {
    BOOST_TEST(!starting().was_ready());
    BOOST_TEST(!initializing().was_ready());
    BOOST_TEST(!retiring_unheard().was_ready());
    BOOST_TEST(!retiring_uninitialized().was_ready());
    for (const auto stands : {&ready, &retiring, &ending, &killed, &buried})
        BOOST_TEST(stands().was_ready());
    worker_life life = starting();
    life.hello(start, false);
    life.exited();
    BOOST_TEST(!life.was_ready());
}

BOOST_AUTO_TEST_CASE(a_deadline_stands_exactly_where_something_must_happen_in_time) {
    BOOST_TEST((starting().deadline() == start + bounds.start));
    BOOST_TEST((initializing().deadline() == start + *with_initializer.initializer));
    BOOST_TEST(!ready().deadline());
    BOOST_TEST((retiring().deadline() == start + bounds.exit));
    BOOST_TEST((retiring_unheard().deadline() == start + bounds.exit));
    BOOST_TEST((retiring_uninitialized().deadline() == start + bounds.exit));
    BOOST_TEST((ending().deadline() == start + bounds.exit));
    BOOST_TEST(!killed().deadline());
    BOOST_TEST(!buried().deadline());
}

BOOST_AUTO_TEST_CASE(the_limits_are_measured_from_the_event_that_they_begin_with) {
    worker_life life(start + 100s, bounds);
    BOOST_TEST((life.deadline() == start + 130s));
    BOOST_TEST(life.time_passed(start + 130s - 1ns) == action::none);
    life.hello(start, true);
    life.retire(start + 200s);
    BOOST_TEST((life.deadline() == start + 205s));
    life.output_ended(start + 203s); // it closed its output, and has the full time to exit from there
    BOOST_TEST((life.deadline() == start + 208s));
    BOOST_TEST(life.time_passed(start + 208s - 1ns) == action::none);
    BOOST_TEST(life.time_passed(start + 208s) == action::kill);
    BOOST_TEST(!life.deadline());
}

BOOST_AUTO_TEST_CASE(a_worker_is_killed_at_its_deadline_and_not_before) {
    for (const auto stands :
         {&starting, &initializing, &retiring, &retiring_unheard, &retiring_uninitialized, &ending}) {
        worker_life life = stands();
        const auto limit = *life.deadline();
        BOOST_TEST(life.time_passed(limit - 1ns) == action::none);
        BOOST_TEST(life.time_passed(limit) == action::kill);
        BOOST_TEST(life.time_passed(limit) == action::none);
    }
}

BOOST_AUTO_TEST_CASE(unless_told_otherwise_a_worker_has_half_a_minute_to_report_and_five_seconds_to_exit) {
    worker_life life(start);
    BOOST_TEST((life.deadline() == start + 30s));
    life.hello(start, true);
    life.retire(start);
    BOOST_TEST((life.deadline() == start + 5s));
}

// The initializer -----------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_worker_with_an_initializer_is_used_only_after_that) {
    worker_life life(start, with_initializer);
    BOOST_TEST(life.hello(start, true) == action::initialize);
    BOOST_TEST(life.now_in() == phase::initializing);
    BOOST_TEST(!life.was_ready());
    BOOST_TEST(life.initialized(true) == action::use);
    BOOST_TEST(life.was_ready());
    BOOST_TEST(life.initialized(true) == action::kill); // once is enough
    BOOST_TEST(life.why() == cause::protocol_error);
}

BOOST_AUTO_TEST_CASE(a_worker_of_another_build_is_not_asked_to_run_the_initializer) {
    worker_life life(start, with_initializer);
    BOOST_TEST(life.hello(start, false) == action::kill);
    BOOST_TEST(life.why() == cause::wrong_hello);
}

BOOST_AUTO_TEST_CASE(the_initializers_time_counts_from_the_hello_and_not_from_the_launch) {
    worker_life life(start, with_initializer);
    life.hello(start + 29s, true);
    BOOST_TEST((life.deadline() == start + 89s));
    BOOST_TEST(life.time_passed(start + 89s - 1ns) == action::none);
    BOOST_TEST(life.time_passed(start + 89s) == action::kill);
    BOOST_TEST(life.why() == cause::initializer_timed_out);
}

BOOST_AUTO_TEST_CASE(an_initializer_without_a_limit_may_take_as_long_as_it_likes) {
    worker_life::limits unlimited = with_initializer;
    unlimited.initializer.reset();
    worker_life life(start, unlimited);
    BOOST_TEST((life.deadline() == start + 30s)); // but not the hello
    life.hello(start, true);
    BOOST_TEST(!life.deadline());
    BOOST_TEST(life.time_passed(start + 10000h) == action::none);
    BOOST_TEST(life.initialized(true) == action::use);
}

BOOST_AUTO_TEST_CASE(a_limit_for_an_initializer_that_there_is_not_limits_nothing) {
    worker_life life(start, {.start = 30s, .exit = 5s, .has_initializer = false, .initializer = 1s});
    BOOST_TEST(life.hello(start, true) == action::use);
    BOOST_TEST(!life.deadline());
}

// Condemning ----------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(condemning_changes_nothing_but_why_a_worker_ends) {
    for (const auto stands : {&starting, &initializing, &ready}) {
        worker_life life = stands();
        const phase before = life.now_in();
        const auto deadline = life.deadline();
        life.condemn(cause::task_timed_out);
        BOOST_TEST(life.now_in() == before);
        BOOST_TEST((life.deadline() == deadline));
        BOOST_TEST(life.why() == cause::task_timed_out);
        life.condemn(cause::task_cancelled);
        BOOST_TEST(life.why() == cause::task_timed_out);
        BOOST_TEST(life.exited() == action::bury);
        BOOST_TEST(life.why() == cause::task_timed_out);
    }
}

BOOST_AUTO_TEST_CASE(whatever_happens_to_a_condemned_worker_it_ends_for_that_reason) {
    for (const auto happens :
         {&bad_hello, &not_initialized, &misbehaved, &output_ended, &exited, &long_time, &retire, &terminate}) {
        for (const auto stands : {&starting, &initializing, &ready}) {
            worker_life life = stands();
            life.condemn(cause::task_timed_out);
            happens(life);
            BOOST_TEST(life.why() == cause::task_timed_out);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_worker_that_has_a_cause_to_end_is_not_condemned_for_another) {
    for (const auto stands : {&retiring, &retiring_unheard, &retiring_uninitialized, &ending, &killed, &buried}) {
        worker_life life = stands();
        const cause why = life.why();
        life.condemn(cause::task_timed_out);
        BOOST_TEST(life.why() == why);
    }
}

BOOST_AUTO_TEST_SUITE_END()
