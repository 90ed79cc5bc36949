// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Single promises of the scheduler, each with the shortest story that shows it.

#include <machines/scheduler_desk.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace procpool::machines;
using fate = scheduler::fate;
using cancel_answer = scheduler::cancel_answer;

BOOST_AUTO_TEST_SUITE(scheduler_promises)

// Sending -----------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(without_a_worker_tasks_wait) {
    desk desk(4);
    desk.add("abc");
    BOOST_TEST(desk.wants() == "");
    BOOST_TEST(desk.to.waiting() == 3u);
    desk.to.worker_ready(0);
    BOOST_TEST(desk.wants() == "a>0 b>0 c>0");
}

BOOST_AUTO_TEST_CASE(a_task_goes_to_an_idle_worker_first) {
    desk desk(4);
    desk.to.worker_ready(0);
    desk.add("a");
    BOOST_TEST(desk.wants() == "a>0");
    desk.to.worker_ready(1);
    desk.add("b");
    BOOST_TEST(desk.wants() == "b>1");
    desk.to.worker_ready(2);
    desk.add("c");
    BOOST_TEST(desk.wants() == "c>2");
}

BOOST_AUTO_TEST_CASE(no_more_tasks_are_sent_ahead_than_the_limit_says) {
    for (std::size_t ahead = 1; ahead != 6; ++ahead) {
        desk desk(ahead);
        desk.to.worker_ready(0);
        desk.add("abcdefgh");
        desk.wants();
        BOOST_TEST(desk.has(0).size() == ahead);
        desk.to.finished(desk['a']);
        desk.wants();
        BOOST_TEST(desk.has(0) == std::string("bcdefgh").substr(0, ahead));
    }
}

BOOST_AUTO_TEST_CASE(no_more_bytes_are_sent_ahead_than_the_limit_says) {
    desk desk(10, 100);
    for (const char name : {'a', 'b', 'c', 'd'})
        desk[name].size = 40;
    desk.to.worker_ready(0);
    desk.add("abcd");
    BOOST_TEST(desk.wants() == "a>0 b>0");
    desk.to.finished(desk['a']);
    BOOST_TEST(desk.wants() == "c>0");
}

BOOST_AUTO_TEST_CASE(a_task_larger_than_the_limit_is_sent_alone) {
    desk desk(10, 100);
    desk['a'].size = 500;
    desk['c'].size = 101;
    desk.to.worker_ready(0);
    desk.add("abc");
    BOOST_TEST(desk.wants() == "a>0");
    desk.to.finished(desk['a']);
    BOOST_TEST(desk.wants() == "b>0");
    desk.to.finished(desk['b']);
    BOOST_TEST(desk.wants() == "c>0");
}

BOOST_AUTO_TEST_CASE(tasks_are_sent_ahead_evenly) {
    for (std::size_t count = 1; count <= 12; ++count) {
        desk desk(4);
        for (std::uint32_t worker = 0; worker != 3; ++worker)
            desk.to.worker_ready(worker);
        desk.add(std::string("abcdefghijkl").substr(0, count));
        desk.wants();
        std::vector<std::size_t> had;
        for (std::uint32_t worker = 0; worker != 3; ++worker)
            had.push_back(desk.has(worker).size());
        const auto [least, most] = std::ranges::minmax(had);
        BOOST_TEST(most - least <= 1);
    }
}

BOOST_AUTO_TEST_CASE(with_one_worker_tasks_come_out_in_the_order_in_which_they_came_in) {
    desk desk(2);
    desk.to.worker_ready(0);
    desk.add("abcde");
    std::string order = desk.wants();
    for (const char name : {'a', 'b', 'c', 'd', 'e'}) {
        desk.to.finished(desk[name]);
        order += " " + desk.wants();
    }
    BOOST_TEST(order == "a>0 b>0 c>0 d>0 e>0  ");
    BOOST_TEST(desk.to.empty());
}

// Moving --------------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(half_of_what_waits_behind_a_running_task_is_asked_back_for_an_idle_worker) {
    const std::string expected[] = {"", "b<0", "c<0", "d<0 c<0", "e<0 d<0", "f<0 e<0 d<0"};
    for (std::size_t behind = 0; behind != std::size(expected); ++behind) {
        desk desk(10);
        desk.fill_first_of_two(std::string("abcdef").substr(0, 1 + behind));
        BOOST_TEST(desk.wants() == expected[behind]);
    }
}

BOOST_AUTO_TEST_CASE(what_was_moved_keeps_its_order) {
    desk desk(10);
    desk.fill_first_of_two("abcdefg");
    BOOST_TEST(desk.wants() == "g<0 f<0 e<0");
    for (const char name : {'g', 'f', 'e'})
        BOOST_TEST(desk.back(name));
    desk.add("h");
    BOOST_TEST(desk.wants() == "e>1 f>1 g>1 h>1");
    BOOST_TEST(desk.has(0) == "abcd");
    BOOST_TEST(desk.has(1) == "efgh");
}

BOOST_AUTO_TEST_CASE(the_first_task_of_a_worker_is_never_moved_but_may_be_asked_back) {
    desk desk(10);
    desk.fill_first_of_two("a");
    BOOST_TEST(desk.wants() == "");
    BOOST_TEST(desk.to.ask_back(desk['a'])); // by somebody who knows why
    BOOST_TEST(desk.back('a'));
    BOOST_TEST(desk.wants().substr(0, 2) == "a>");
}

BOOST_AUTO_TEST_CASE(one_task_and_two_idle_workers_come_to_rest) {
    desk desk(10);
    desk.to.worker_ready(0);
    desk.to.worker_ready(1);
    desk.add("a");
    BOOST_TEST(desk.wants().size() == 3u);
    BOOST_TEST(desk.wants() == "");
}

BOOST_AUTO_TEST_CASE(a_task_that_was_refused_is_known_to_have_begun_and_not_asked_for_again) {
    desk desk(10);
    desk.fill_first_of_two("ab");
    BOOST_TEST(desk.wants() == "b<0");
    BOOST_TEST(desk.refused('b'));
    BOOST_TEST((desk['b'].state == task_state::started));
    BOOST_TEST(desk.wants() == "");
    BOOST_TEST(!desk.to.ask_back(desk['b']));
}

BOOST_AUTO_TEST_CASE(who_has_begun_a_task_has_begun_all_that_it_was_sent_before) {
    desk desk(10);
    desk.fill_first_of_two("abcdefgh");
    desk.to.worker_ready(2);
    BOOST_TEST(desk.wants() == "h<0 g<0 f<0 e<0");
    desk.back('h');
    desk.refused('f');
    for (const char one : {'a', 'b', 'c', 'd', 'f'})
        BOOST_TEST((desk[one].state == task_state::started));
    BOOST_TEST((desk['e'].state == task_state::recalled)); // its own answer is still to come
    desk.refused('e');
    BOOST_TEST((desk.to.cancel(desk['b']) == cancel_answer::started));
    desk.back('g');
    BOOST_TEST(desk.wants() == "g>2 h>1");
    BOOST_TEST(desk.wants() == "");
}

BOOST_AUTO_TEST_CASE(of_a_worker_that_has_begun_everything_only_one_task_is_asked_for) {
    desk desk(10);
    desk.to.worker_ready(0);
    desk.to.worker_ready(1);
    desk.add("abcdefghijklmn"); // half of them each
    desk.wants();
    desk.to.worker_ready(2);
    const auto first = desk.to.next();
    BOOST_REQUIRE((first && first->kind == scheduler::action_kind::recall));
    BOOST_TEST(desk.to.recall_answered(*first->task, false));
    const auto second = desk.to.next();
    BOOST_REQUIRE((second && second->kind == scheduler::action_kind::recall));
    BOOST_TEST(second->worker != first->worker);
    BOOST_TEST(desk.to.recall_answered(*second->task, false));
    BOOST_TEST(desk.wants() == "");
}

BOOST_AUTO_TEST_CASE(a_task_is_sent_ahead_to_the_worker_that_has_the_fewest) {
    desk desk(10);
    for (std::uint32_t worker = 0; worker != 3; ++worker)
        desk.to.worker_ready(worker);
    desk.add("abcdefghi"); // three each
    desk.wants();
    const std::string had = desk.has(1);
    desk.to.finished(desk[had[0]]);
    desk.to.finished(desk[had[1]]);
    desk.add("jk");
    BOOST_TEST(desk.wants() == "j>1 k>1");
}

BOOST_AUTO_TEST_CASE(a_refusal_elsewhere_does_not_end_a_moving_that_is_under_way) {
    desk desk(10);
    desk.to.worker_ready(0);
    desk.to.worker_ready(1);
    desk.add("abcdefghij"); // half of them each
    desk.wants();
    desk.to.worker_ready(2);
    const auto first = desk.to.next();
    BOOST_REQUIRE((first && first->kind == scheduler::action_kind::recall));
    const std::uint32_t other = 1 - first->worker;
    schedulable& begun = desk[desk.has(other)[1]];
    BOOST_TEST(desk.to.ask_back(begun));
    BOOST_TEST(desk.to.recall_answered(begun, false));
    BOOST_TEST(desk.to.recall_answered(*first->task, true));
    const auto second = desk.to.next(); // of the four behind the first one, two are moved
    BOOST_REQUIRE((second && second->kind == scheduler::action_kind::recall));
    BOOST_TEST(second->worker == first->worker);
}

BOOST_AUTO_TEST_CASE(behind_a_first_task_that_is_known_to_run_everything_may_be_moved) {
    desk desk(10);
    desk.to.worker_ready(0);
    desk.add("abc");
    desk.wants();
    desk.to.ask_back(desk['a']);
    desk.refused('a');
    desk.to.worker_ready(1);
    BOOST_TEST(desk.wants() == "c<0");
    desk.back('c');
    BOOST_TEST(desk.wants() == "c>1");
    desk.to.finished(desk['c']);
    BOOST_TEST(desk.wants() == "b<0");
}

BOOST_AUTO_TEST_CASE(it_is_the_worker_with_most_behind_that_gives_something_up) {
    for (const std::uint32_t busy : {0u, 1u}) {
        desk desk(10);
        desk.to.worker_ready(0);
        desk.to.worker_ready(1);
        desk.add("abcdefgh");
        desk.wants();
        BOOST_REQUIRE(desk.has(busy).size() == 4u);
        for (const char name : desk.has(1 - busy).substr(0, 2))
            desk.to.finished(desk[name]);
        BOOST_TEST(desk.wants() == "");
        desk.to.worker_ready(2);
        const std::string last = {desk.has(busy)[3], '<', static_cast<char>('0' + busy)};
        BOOST_TEST(desk.wants().substr(0, 3) == last);
    }
}

BOOST_AUTO_TEST_CASE(nothing_more_is_sent_ahead_where_something_was_taken_back_until_a_task_is_finished_there) {
    desk desk(10);
    desk.to.worker_ready(0);
    desk.add("abc");
    desk.wants();
    desk.to.ask_back(desk['c']);
    desk.refused('c'); // a refusal is no taking back
    desk.add("d");
    BOOST_TEST(desk.wants() == "d>0");
    BOOST_TEST((desk.to.cancel(desk['d']) == cancel_answer::recall));
    desk.back('d');
    desk.add("ef");
    BOOST_TEST(desk.wants() == "");
    desk.to.finished(desk['a']);
    BOOST_TEST(desk.wants() == "e>0 f>0");
}

BOOST_AUTO_TEST_CASE(a_worker_that_has_nothing_gets_one_task_whatever_was_taken_back_from_it) {
    desk desk(10);
    desk.to.worker_ready(0);
    desk.add("abc");
    desk.wants();
    for (const char name : {'c', 'b', 'a'}) {
        desk.to.ask_back(desk[name]);
        desk.back(name);
    }
    BOOST_TEST(desk.wants() == "a>0");
    desk.to.finished(desk['a']);
    BOOST_TEST(desk.wants() == "b>0 c>0");
}

BOOST_AUTO_TEST_CASE(what_was_taken_back_from_a_worker_is_no_concern_of_the_next_one_in_its_place) {
    desk desk(10);
    desk.to.worker_ready(0);
    desk.add("abc");
    desk.wants();
    desk.to.ask_back(desk['c']);
    desk.back('c');
    desk.to.worker_gone(0, [](schedulable&) { return fate::again; });
    desk.to.worker_ready(0);
    BOOST_TEST(desk.wants() == "a>0 b>0 c>0");
}

BOOST_AUTO_TEST_CASE(nothing_more_is_asked_back_before_the_answers_came) {
    desk desk(10);
    desk.fill_first_of_two("abcde");
    BOOST_TEST(desk.wants() == "e<0 d<0");
    BOOST_TEST(desk.wants() == "");
    desk.back('e');
    BOOST_TEST(desk.wants() == "e>1");
    desk.to.finished(desk['e']);
    BOOST_TEST(desk.wants() == "");
    desk.back('d');
    BOOST_TEST(desk.wants() == "d>1");
    desk.to.finished(desk['d']);
    BOOST_TEST(desk.wants() == "c<0");
}

BOOST_AUTO_TEST_CASE(an_answer_that_overtakes_the_recall_settles_it) {
    desk desk(10);
    desk.fill_first_of_two("abc");
    BOOST_TEST(desk.wants() == "c<0");
    desk.to.finished(desk['a']);
    desk.to.finished(desk['b']);
    desk.to.finished(desk['c']); // it was done before the recall came
    BOOST_TEST(desk.to.empty());
    desk.add("de");
    desk.wants();
    BOOST_TEST(desk.to.idle_workers() == 0u);
}

// Cancelling ----------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_waiting_task_is_removed_by_cancelling) {
    desk desk(4);
    desk.add("abc");
    BOOST_TEST((desk.to.cancel(desk['b']) == cancel_answer::removed));
    BOOST_TEST((desk['b'].state == task_state::fresh));
    BOOST_TEST(desk.to.waiting() == 2u);
    desk.to.worker_ready(0);
    BOOST_TEST(desk.wants() == "a>0 c>0");
}

BOOST_AUTO_TEST_CASE(a_sent_task_is_asked_back_by_cancelling_and_gone_when_it_comes) {
    desk desk(4);
    desk.to.worker_ready(0);
    desk.add("ab");
    desk.wants();
    BOOST_TEST((desk.to.cancel(desk['b']) == cancel_answer::recall));
    BOOST_TEST((desk.to.cancel(desk['b']) == cancel_answer::recalled));
    BOOST_TEST(desk.wants() == "");
    BOOST_TEST(!desk.back('b'));
    BOOST_TEST((desk['b'].state == task_state::fresh));
    BOOST_TEST(desk.has(0) == "a");
    BOOST_TEST(desk.to.waiting() == 0u);
}

BOOST_AUTO_TEST_CASE(a_task_that_began_before_it_was_cancelled_stays_where_it_is) {
    desk desk(4);
    desk.to.worker_ready(0);
    desk.add("a");
    desk.wants();
    BOOST_TEST((desk.to.cancel(desk['a']) == cancel_answer::recall));
    BOOST_TEST(desk.refused('a'));
    BOOST_TEST((desk.to.cancel(desk['a']) == cancel_answer::started));
    BOOST_TEST(desk.has(0) == "a");
    desk.to.finished(desk['a']);
    BOOST_TEST(desk.to.empty());
}

BOOST_AUTO_TEST_CASE(a_task_cancelled_while_it_is_moved_is_gone_when_it_comes_back) {
    desk desk(10);
    desk.fill_first_of_two("ab");
    BOOST_TEST(desk.wants() == "b<0");
    BOOST_TEST((desk.to.cancel(desk['b']) == cancel_answer::recalled));
    BOOST_TEST(!desk.back('b'));
    BOOST_TEST(desk.wants() == "");
    BOOST_TEST(desk.to.with_workers() == 1u);
}

// Workers that end ----------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_leaving_worker_gets_nothing_more_and_keeps_what_it_has) {
    desk desk(2);
    desk.to.worker_ready(0);
    desk.add("abcd");
    BOOST_TEST(desk.wants() == "a>0 b>0");
    desk.to.worker_leaving(0);
    desk.to.worker_leaving(0); // twice is once
    BOOST_TEST(desk.to.ready_workers() == 0u);
    desk.to.finished(desk['a']);
    BOOST_TEST(desk.wants() == "");
    BOOST_TEST(desk.has(0) == "b");
    desk.to.finished(desk['b']);
    BOOST_TEST(desk.to.idle_workers() == 0u);
    BOOST_TEST(desk.wants() == "");
    BOOST_TEST(desk.to.waiting() == 2u);
}

BOOST_AUTO_TEST_CASE(nothing_is_moved_away_from_a_leaving_worker) {
    desk desk(10);
    desk.to.worker_ready(0);
    desk.add("abcd");
    desk.wants();
    desk.to.worker_leaving(0);
    desk.to.worker_ready(1);
    BOOST_TEST(desk.wants() == "");
}

BOOST_AUTO_TEST_CASE(moving_stops_when_its_worker_leaves_and_what_comes_back_goes_on) {
    desk desk(10);
    desk.fill_first_of_two("abcde");
    const auto first = desk.to.next();
    BOOST_REQUIRE(first);
    BOOST_TEST(first->task == &desk['e']);
    desk.to.worker_leaving(0); // with one more to be asked back
    BOOST_TEST(desk.wants() == "");
    BOOST_TEST(desk.back('e'));
    BOOST_TEST(desk.wants() == "e>1");
}

BOOST_AUTO_TEST_CASE(moving_spares_a_task_that_has_become_the_first_meanwhile) {
    desk desk(10);
    desk.fill_first_of_two("abcde");
    const auto first = desk.to.next();
    BOOST_REQUIRE(first);
    BOOST_TEST(first->task == &desk['e']); // with one more to be asked back
    for (const char name : {'a', 'b', 'c'})
        desk.to.finished(desk[name]);
    BOOST_TEST(desk.has(0) == "de");
    BOOST_TEST(desk.wants() == "");
    BOOST_TEST((desk['d'].state == task_state::sent));
}

BOOST_AUTO_TEST_CASE(what_a_dead_worker_had_not_begun_waits_again_in_front_and_in_order) {
    desk desk(4);
    desk.to.worker_ready(0);
    desk.add("abcdef");
    BOOST_TEST(desk.wants() == "a>0 b>0 c>0 d>0");
    std::string asked;
    desk.to.worker_gone(0, [&](schedulable& lost) {
        asked += desk.name(lost);
        return &lost == &desk['a'] ? fate::over : fate::again;
    });
    BOOST_TEST(asked == "abcd");
    BOOST_TEST((desk['a'].state == task_state::fresh));
    BOOST_TEST(desk.to.waiting() == 5u);
    desk.to.worker_ready(0);
    BOOST_TEST(desk.wants() == "b>0 c>0 d>0 e>0");
}

BOOST_AUTO_TEST_CASE(a_recall_dies_with_its_worker) {
    desk desk(10);
    desk.fill_first_of_two("abc");
    BOOST_TEST(desk.wants() == "c<0");
    desk.to.worker_gone(0, [](schedulable&) { return fate::again; });
    BOOST_TEST(desk.wants() == "a>1 b>1 c>1");
    desk.to.worker_ready(0);
    BOOST_TEST(desk.wants() == "c<1"); // so nothing is waited for any more
}

BOOST_AUTO_TEST_CASE(the_end_of_an_unknown_or_idle_worker_changes_nothing_for_the_others) {
    desk desk(4);
    const auto nobody = [](schedulable&) {
        BOOST_ERROR("it had no task");
        return fate::over;
    };
    desk.to.worker_gone(7, nobody);
    desk.to.worker_leaving(7);
    desk.to.worker_ready(0);
    desk.to.worker_ready(1);
    desk.to.worker_ready(1); // twice is once
    BOOST_TEST(desk.to.ready_workers() == 2u);
    desk.to.worker_gone(1, nobody);
    desk.to.worker_gone(1, nobody);
    BOOST_TEST(desk.to.ready_workers() == 1u);
    BOOST_TEST(desk.to.idle_workers() == 1u);
    desk.add("ab");
    BOOST_TEST(desk.wants() == "a>0 b>0");
}

BOOST_AUTO_TEST_CASE(the_tasks_of_a_leaving_worker_do_not_keep_others_from_being_sent_ahead) {
    // Worker 0 is about to end and has as many tasks as it may. That is no reason to let worker 1 wait for the pool after
    // each of its own.
    desk desk(2);
    desk.to.worker_ready(0);
    desk.add("ab");
    BOOST_TEST(desk.wants() == "a>0 b>0");
    desk.to.worker_leaving(0);
    desk.to.worker_ready(1);
    desk.add("cdef");
    BOOST_TEST(desk.wants() == "c>1 d>1");
}

BOOST_AUTO_TEST_CASE(the_tasks_of_a_leaving_worker_do_not_count_when_the_others_shares_are_made) {
    desk desk(10);
    desk.to.worker_ready(0);
    desk.add("abcdefgh");
    desk.wants();
    desk.to.worker_leaving(0);
    desk.to.worker_ready(1);
    desk.to.worker_ready(2);
    desk.add("ijklmn");
    desk.wants();
    BOOST_TEST(desk.has(1).size() == 3u);
    BOOST_TEST(desk.has(2).size() == 3u);
}

BOOST_AUTO_TEST_CASE(what_waits_can_be_taken_away_in_order) {
    desk desk(1);
    desk.to.worker_ready(0);
    desk.add("abc");
    desk.wants();
    BOOST_TEST(desk.to.take_waiting() == &desk['b']);
    BOOST_TEST((desk['b'].state == task_state::fresh));
    BOOST_TEST(desk.to.take_waiting() == &desk['c']);
    BOOST_TEST(!desk.to.take_waiting());
    BOOST_TEST(!desk.to.empty());
    desk.to.finished(desk['a']);
    BOOST_TEST(desk.to.empty());
}
BOOST_AUTO_TEST_SUITE_END()
