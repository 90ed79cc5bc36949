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

// Where a worker may stand, and how it got there.
worker_life starting() {
    return worker_life(start, bounds);
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
    {ROW(starting, misbehaved), action::kill, phase::ending, cause::protocol_error},
    {ROW(starting, output_ended), action::close_input, phase::ending, cause::died},
    {ROW(starting, exited), action::bury, phase::buried, cause::died},
    {ROW(starting, some_time), action::none, phase::starting, cause::none},
    {ROW(starting, long_time), action::kill, phase::ending, cause::start_timed_out},
    {ROW(starting, retire), action::close_input, phase::retiring, cause::retired},
    {ROW(starting, terminate), action::kill, phase::ending, cause::terminated},

    {ROW(ready, good_hello), action::kill, phase::ending, cause::protocol_error},
    {ROW(ready, bad_hello), action::kill, phase::ending, cause::protocol_error},
    {ROW(ready, misbehaved), action::kill, phase::ending, cause::protocol_error},
    {ROW(ready, output_ended), action::close_input, phase::ending, cause::died},
    {ROW(ready, exited), action::bury, phase::buried, cause::died},
    {ROW(ready, some_time), action::none, phase::ready, cause::none},
    {ROW(ready, long_time), action::none, phase::ready, cause::none},
    {ROW(ready, retire), action::close_input, phase::retiring, cause::retired},
    {ROW(ready, terminate), action::kill, phase::ending, cause::terminated},

    {ROW(retiring, good_hello), action::none, phase::retiring, cause::retired},
    {ROW(retiring, bad_hello), action::none, phase::retiring, cause::retired},
    {ROW(retiring, misbehaved), action::kill, phase::ending, cause::retired},
    {ROW(retiring, output_ended), action::close_input, phase::ending, cause::retired},
    {ROW(retiring, exited), action::bury, phase::buried, cause::retired},
    {ROW(retiring, some_time), action::none, phase::retiring, cause::retired},
    {ROW(retiring, long_time), action::kill, phase::ending, cause::retired},
    {ROW(retiring, retire), action::none, phase::retiring, cause::retired},
    {ROW(retiring, terminate), action::kill, phase::ending, cause::retired},

    {ROW(retiring_unheard, good_hello), action::none, phase::retiring, cause::retired},
    {ROW(retiring_unheard, bad_hello), action::none, phase::retiring, cause::retired},
    {ROW(retiring_unheard, misbehaved), action::kill, phase::ending, cause::retired},
    {ROW(retiring_unheard, output_ended), action::close_input, phase::ending, cause::retired},
    {ROW(retiring_unheard, exited), action::bury, phase::buried, cause::retired},
    {ROW(retiring_unheard, some_time), action::none, phase::retiring, cause::retired},
    {ROW(retiring_unheard, long_time), action::kill, phase::ending, cause::retired},
    {ROW(retiring_unheard, retire), action::none, phase::retiring, cause::retired},
    {ROW(retiring_unheard, terminate), action::kill, phase::ending, cause::retired},

    {ROW(ending, good_hello), action::none, phase::ending, cause::died},
    {ROW(ending, bad_hello), action::none, phase::ending, cause::died},
    {ROW(ending, misbehaved), action::kill, phase::ending, cause::died},
    {ROW(ending, output_ended), action::none, phase::ending, cause::died},
    {ROW(ending, exited), action::bury, phase::buried, cause::died},
    {ROW(ending, some_time), action::none, phase::ending, cause::died},
    {ROW(ending, long_time), action::kill, phase::ending, cause::died},
    {ROW(ending, retire), action::none, phase::ending, cause::died},
    {ROW(ending, terminate), action::kill, phase::ending, cause::died},

    {ROW(killed, good_hello), action::none, phase::ending, cause::task_cancelled},
    {ROW(killed, bad_hello), action::none, phase::ending, cause::task_cancelled},
    {ROW(killed, misbehaved), action::none, phase::ending, cause::task_cancelled},
    {ROW(killed, output_ended), action::none, phase::ending, cause::task_cancelled},
    {ROW(killed, exited), action::bury, phase::buried, cause::task_cancelled},
    {ROW(killed, some_time), action::none, phase::ending, cause::task_cancelled},
    {ROW(killed, long_time), action::none, phase::ending, cause::task_cancelled},
    {ROW(killed, retire), action::none, phase::ending, cause::task_cancelled},
    {ROW(killed, terminate), action::none, phase::ending, cause::task_cancelled},

    {ROW(buried, good_hello), action::none, phase::buried, cause::died},
    {ROW(buried, bad_hello), action::none, phase::buried, cause::died},
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
    BOOST_TEST(std::size(table) == 7u * 9u);
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
    BOOST_TEST(!retiring_unheard().was_ready());
    for (const auto stands : {&ready, &retiring, &ending, &killed, &buried})
        BOOST_TEST(stands().was_ready());
    worker_life life = starting();
    life.hello(start, false);
    life.exited();
    BOOST_TEST(!life.was_ready());
}

BOOST_AUTO_TEST_CASE(a_deadline_stands_exactly_where_something_must_happen_in_time) {
    BOOST_TEST((starting().deadline() == start + bounds.start));
    BOOST_TEST(!ready().deadline());
    BOOST_TEST((retiring().deadline() == start + bounds.exit));
    BOOST_TEST((retiring_unheard().deadline() == start + bounds.exit));
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
    for (const auto stands : {&starting, &retiring, &retiring_unheard, &ending}) {
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

BOOST_AUTO_TEST_SUITE_END()
