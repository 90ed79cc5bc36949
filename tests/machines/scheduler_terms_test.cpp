// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Promises of the scheduler about urgent tasks, and about workers that are given no more than so much, or nothing for a while.

#include <machines/scheduler_desk.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace procpool::machines;
using fate = scheduler::fate;
using cancel_answer = scheduler::cancel_answer;

BOOST_AUTO_TEST_SUITE(scheduler_terms)

// Priorities ----------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_more_urgent_task_goes_before_those_that_wait) {
    desk desk(1);
    desk.to.worker_ready(0);
    desk['c'].priority = 1;
    desk['d'].priority = 2;
    desk['e'].priority = 1;
    desk.add("abcde");
    std::string order = desk.wants();
    for (const char name : {'d', 'c', 'e', 'a'}) {
        desk.to.finished(desk[name]);
        order += " " + desk.wants();
    }
    BOOST_TEST(order == "d>0 c>0 e>0 a>0 b>0");
}

BOOST_AUTO_TEST_CASE(a_task_that_is_put_in_front_goes_before_its_equals_and_after_more_urgent_ones) {
    desk desk(1);
    desk['b'].priority = 1;
    desk.add("ab");
    desk.to.add_in_front(desk['c']);
    desk['d'].priority = 1;
    desk.to.add_in_front(desk['d']);
    desk['e'].priority = -1;
    desk.to.add_in_front(desk['e']);
    desk.to.worker_ready(0);
    std::string order = desk.wants();
    for (const char name : {'d', 'b', 'c', 'a'}) {
        desk.to.finished(desk[name]);
        order += " " + desk.wants();
    }
    BOOST_TEST(order == "d>0 b>0 c>0 a>0 e>0");
}

BOOST_AUTO_TEST_CASE(less_urgent_tasks_that_were_sent_ahead_are_asked_back_but_not_the_first) {
    desk desk(10);
    desk['u'].priority = 1;
    desk.to.worker_ready(0);
    desk.add("abcd");
    desk.wants();
    desk.add("u");
    BOOST_TEST(desk.wants_and_gets_back() == "d<0 c<0 b<0");
    BOOST_TEST(desk.wants() == ""); // what was sent is still on its way, so nothing goes ahead of that
    desk.to.finished(desk['a']);
    BOOST_TEST(desk.wants() == "u>0 b>0 c>0 d>0");
}

BOOST_AUTO_TEST_CASE(an_urgent_task_may_be_sent_behind_those_that_are_being_asked_back) {
    desk desk(10);
    desk['u'].priority = 1;
    desk.to.worker_ready(0);
    desk.add("abcd");
    desk.wants();
    desk.add("u");
    BOOST_TEST(desk.wants() == "d<0 c<0 b<0 u>0");
    for (const char name : {'d', 'c', 'b'})
        BOOST_TEST(desk.back(name));
    BOOST_TEST(desk.has(0) == "au");
    BOOST_TEST(desk.wants() == "");
    desk.to.finished(desk['a']);
    BOOST_TEST(desk.wants() == "b>0 c>0 d>0");
}

BOOST_AUTO_TEST_CASE(every_worker_makes_way_for_what_is_more_urgent) {
    desk desk(10);
    desk['u'].priority = 1;
    desk.to.worker_ready(0);
    desk.to.worker_ready(1);
    desk.add("abcdef");
    desk.wants();
    const std::string had[] = {desk.has(0), desk.has(1)};
    BOOST_REQUIRE(had[0].size() == 3u);
    BOOST_REQUIRE(had[1].size() == 3u);
    desk.add("u");
    const std::string expected =
        std::string{had[0][2]} + "<0 " + had[0][1] + "<0 " + had[1][2] + "<1 " + had[1][1] + "<1";
    BOOST_TEST(desk.wants_and_gets_back() == expected);
}

BOOST_AUTO_TEST_CASE(nobody_makes_way_for_an_equal_or_for_one_less_urgent) {
    for (const int priority : {0, -1, -1000}) {
        desk desk(3);
        desk.to.worker_ready(0);
        desk.add("abc");
        desk.wants();
        desk['u'].priority = priority;
        desk.add("u");
        BOOST_TEST(desk.wants() == "");
    }
}

BOOST_AUTO_TEST_CASE(only_those_that_are_less_urgent_make_way) {
    desk desk(10);
    for (const char name : {'b', 'd', 'f'})
        desk[name].priority = 2;
    desk['u'].priority = 1;
    desk['v'].priority = 3;
    desk.to.worker_ready(0);
    desk.add("bdface");
    BOOST_TEST(desk.wants() == "b>0 d>0 f>0 a>0 c>0 e>0");
    desk.add("u");
    BOOST_TEST(desk.wants_and_gets_back() == "e<0 c<0 a<0");
    desk.add("v");
    BOOST_TEST(desk.wants_and_gets_back() == "f<0 d<0");
}

BOOST_AUTO_TEST_CASE(a_task_that_is_known_to_run_is_not_asked_to_make_way) {
    desk desk(10);
    desk['u'].priority = 1;
    desk['v'].priority = 1;
    desk.to.worker_ready(0);
    desk.add("abc");
    desk.wants();
    desk.add("u");
    BOOST_TEST(desk.wants() == "c<0 b<0 u>0");
    BOOST_TEST(desk.refused('c')); // it was the worker's first by then
    BOOST_TEST(desk.refused('b'));
    desk.add("v");
    BOOST_TEST(desk.wants() == "v>0");
}

BOOST_AUTO_TEST_CASE(an_urgent_task_for_which_a_worker_is_idle_disturbs_nobody) {
    desk desk(10);
    desk['u'].priority = 5;
    desk.to.worker_ready(0);
    desk.add("a");
    desk.wants();
    desk.to.worker_ready(1);
    desk.add("u");
    BOOST_TEST(desk.wants() == "u>1");
}

BOOST_AUTO_TEST_CASE(an_urgent_task_that_was_called_off_is_no_reason_to_forget_what_was_sent_ahead) {
    // While nothing waits, there is nobody to make way for. But the next urgent task has the same right.
    desk desk(10);
    desk['u'].priority = 1;
    desk['v'].priority = 1;
    desk.to.worker_ready(0);
    desk.add("abc");
    desk.wants();
    desk.add("u");
    BOOST_TEST((desk.to.cancel(desk['u']) == cancel_answer::removed));
    BOOST_TEST(desk.wants() == "");
    desk.add("v");
    BOOST_TEST(desk.wants_and_gets_back() == "c<0 b<0");
}

BOOST_AUTO_TEST_CASE(a_worker_that_is_given_nothing_more_is_not_asked_to_make_way) {
    desk desk(10);
    desk['u'].priority = 1;
    desk.to.worker_ready(0);
    desk.add("abc");
    desk.wants();
    desk.to.worker_leaving(0);
    desk.add("u");
    BOOST_TEST(desk.wants() == "");
}

BOOST_AUTO_TEST_CASE(a_worker_that_is_released_makes_way_for_what_came_meanwhile) {
    desk desk(10);
    desk['u'].priority = 1;
    desk.to.worker_ready(0);
    desk.add("abc");
    desk.wants();
    desk.to.worker_held(0);
    desk.add("u");
    BOOST_TEST(desk.wants() == "");
    desk.to.worker_released(0);
    BOOST_TEST(desk.wants_and_gets_back() == "c<0 b<0");
}

BOOST_AUTO_TEST_CASE(urgent_tasks_one_after_another_move_the_others_back_and_forth_only_as_often_as_they_come) {
    desk desk(20);
    desk.to.worker_ready(0);
    desk.to.worker_ready(1);
    desk.add("abcdefghij");
    desk.wants();
    for (const char urgent : {'q', 'r', 's', 't'}) {
        desk[urgent].priority = urgent - 'a';
        desk.add(std::string{urgent});
        const std::string moves = desk.wants_and_gets_back();
        BOOST_TEST(moves.find('>') == std::string::npos); // nothing is sent again where it came from
        const char first = desk.has(0)[0];
        desk.to.finished(desk[first]);
        BOOST_TEST(desk.wants().substr(0, 3) == std::string{urgent} + ">0");
        desk.to.finished(desk[urgent]);
        desk.wants();
    }
}

// Allowances ----------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(no_more_is_sent_to_a_worker_than_it_is_allowed) {
    for (const std::uint64_t allowance : {1u, 2u, 5u}) {
        desk desk(10);
        desk.to.worker_ready(0, allowance);
        desk.add("abcdefgh");
        desk.wants();
        BOOST_TEST(desk.has(0) == std::string("abcdefgh").substr(0, allowance));
        BOOST_TEST(!desk.to.used_up(0));
        for (const char name : desk.has(0)) {
            desk.to.finished(desk[name]);
            BOOST_TEST(desk.wants() == "");
        }
        BOOST_TEST(desk.to.used_up(0));
        BOOST_TEST(desk.to.waiting() == 8 - allowance);
    }
}

BOOST_AUTO_TEST_CASE(a_worker_that_is_used_up_is_not_idle_and_its_successor_is_allowed_as_much_again) {
    desk desk(10);
    desk.to.worker_ready(0, 1);
    BOOST_TEST(!desk.to.used_up(0));
    BOOST_TEST(desk.to.idle_workers() == 1u);
    desk.add("a");
    BOOST_TEST(desk.wants() == "a>0");
    BOOST_TEST(!desk.to.used_up(0)); // it has something to do yet
    desk.to.finished(desk['a']);
    BOOST_TEST(desk.to.used_up(0));
    BOOST_TEST(desk.to.idle_workers() == 0u);
    desk.add("bc");
    BOOST_TEST(desk.wants() == "");
    desk.to.worker_leaving(0);
    BOOST_TEST(!desk.to.used_up(0)); // that it is to end is known
    desk.to.worker_gone(0, [](schedulable&) { return fate::over; });
    desk.to.worker_ready(0, 1);
    BOOST_TEST(desk.wants() == "b>0");
}

BOOST_AUTO_TEST_CASE(a_task_counts_as_many_times_as_it_stands_for_items) {
    desk desk(10);
    desk['a'].items = 3;
    desk['b'].items = 2;
    desk.to.worker_ready(0, 5);
    desk.add("abc");
    BOOST_TEST(desk.wants() == "a>0 b>0");
}

BOOST_AUTO_TEST_CASE(a_task_of_more_items_than_are_left_is_sent_but_nothing_behind_it) {
    // Else it would wait for ever: no worker is allowed more than that one.
    desk desk(10);
    desk['a'].items = 3;
    desk.to.worker_ready(0, 2);
    desk.add("ab");
    BOOST_TEST(desk.wants() == "a>0");
    desk.to.finished(desk['a']);
    BOOST_TEST(desk.to.used_up(0));
}

BOOST_AUTO_TEST_CASE(what_is_taken_back_may_be_sent_again_and_no_more_than_that) {
    desk desk(10);
    desk.to.worker_ready(0, 3);
    desk['b'].items = 7; // it goes, since the worker is allowed two more, and no more than these come back with it
    desk.add("ab");
    BOOST_TEST(desk.wants() == "a>0 b>0");
    BOOST_TEST(desk.to.ask_back(desk['b']));
    desk.to.cancel(desk['b']);
    BOOST_TEST(!desk.back('b'));
    desk.add("cdefgh");
    BOOST_TEST(desk.wants() == "");
    desk.to.finished(desk['a']);
    BOOST_TEST(desk.wants() == "c>0 d>0");
}

BOOST_AUTO_TEST_CASE(a_worker_whose_last_task_is_taken_back_is_idle_again) {
    desk desk(10);
    desk.to.worker_ready(0, 1);
    desk.add("a");
    desk.wants();
    desk.to.cancel(desk['a']);
    BOOST_TEST(desk.to.idle_workers() == 0u);
    desk.back('a');
    BOOST_TEST(!desk.to.used_up(0));
    BOOST_TEST(desk.to.idle_workers() == 1u);
    desk.add("b");
    BOOST_TEST(desk.wants() == "b>0");
}

BOOST_AUTO_TEST_CASE(a_used_up_worker_does_not_count_as_idle_when_others_have_too_much) {
    desk desk(10);
    desk.to.worker_ready(0);
    desk.add("abc");
    desk.wants();
    desk.to.worker_ready(1, 0); // allowed nothing at all
    BOOST_TEST(desk.to.used_up(1));
    BOOST_TEST(desk.wants() == "");
}

// Holding -------------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_held_worker_gets_nothing_until_it_is_released) {
    desk desk(4);
    desk.to.worker_ready(0);
    desk.to.worker_held(0);
    desk.to.worker_held(0); // twice is once
    BOOST_TEST(desk.to.ready_workers() == 0u);
    BOOST_TEST(desk.to.idle_workers() == 0u);
    desk.add("ab");
    BOOST_TEST(desk.wants() == "");
    desk.to.worker_released(0);
    desk.to.worker_released(0);
    BOOST_TEST(desk.to.ready_workers() == 1u);
    BOOST_TEST(desk.to.idle_workers() == 1u);
    BOOST_TEST(desk.wants() == "a>0 b>0");
}

BOOST_AUTO_TEST_CASE(a_held_worker_keeps_what_it_has_and_goes_on_from_there_when_it_is_released) {
    desk desk(4);
    desk.to.worker_ready(0, 3);
    desk.add("abc");
    desk.wants();
    desk.to.worker_held(0);
    desk.to.finished(desk['a']);
    desk.add("de");
    BOOST_TEST(desk.wants() == "");
    BOOST_TEST(desk.has(0) == "bc");
    desk.to.worker_released(0);
    BOOST_TEST(desk.wants() == ""); // it was sent all that it is allowed
    desk.to.worker_ready(1);
    BOOST_TEST(desk.wants().substr(0, 7) == "d>1 e>1");
    BOOST_TEST(desk.to.with_workers() == 4u);
}

BOOST_AUTO_TEST_CASE(a_worker_that_finished_everything_while_it_was_held_is_idle_when_it_is_released) {
    desk desk(4);
    desk.to.worker_ready(0);
    desk.add("a");
    desk.wants();
    desk.to.worker_held(0);
    desk.to.finished(desk['a']);
    BOOST_TEST(desk.to.idle_workers() == 0u);
    desk.to.worker_released(0);
    BOOST_TEST(desk.to.idle_workers() == 1u);
    desk.add("bc");
    BOOST_TEST(desk.wants() == "b>0 c>0");
}

BOOST_AUTO_TEST_CASE(the_tasks_of_a_held_worker_are_as_before_when_others_shares_are_made_after_its_release) {
    desk desk(10);
    desk.to.worker_ready(0);
    desk.add("abcd");
    desk.wants();
    desk.to.worker_held(0);
    desk.to.worker_released(0);
    desk.to.worker_ready(1);
    BOOST_TEST(desk.wants() == "d<0 c<0");
    desk.back('d');
    desk.back('c');
    BOOST_TEST(desk.wants() == "c>1 d>1");
}

BOOST_AUTO_TEST_SUITE_END()
