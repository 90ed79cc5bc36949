// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <machines/staffing.hpp>

#include <boost/test/unit_test.hpp>

#include <iterator>
#include <vector>

using namespace procpool::machines;
using namespace std::chrono_literals;

namespace {

constexpr staffing::time_point start{};
constexpr staffing::pauses pauses{.first = 100ms, .longest = 10s};

/// Staffing together with its clock, told of events in the order in which a pool tells them.
class team {
public:
    explicit team(std::size_t wanted) : staff(wanted, pauses) {}

    staffing staff;
    staffing::time_point now = start;

    std::size_t launches(bool work_waits = false) const { return staff.launches(now, work_waits); }
    auto retry_at(bool work_waits = true) const { return staff.retry_at(work_waits); }

    void launch(std::size_t count) {
        for (; count != 0; --count)
            staff.launched();
    }
    void come_up(std::size_t count) {
        for (; count != 0; --count)
            staff.became_ready();
    }
    void full_strength(std::size_t count) {
        launch(count);
        come_up(count);
    }

    /// Replaces a worker that died, which becomes ready and dies in turn without having begun a task.
    void useless_life() {
        launch(1);
        come_up(1);
        staff.gone(now, false);
    }

    /// A start that fails; unless said otherwise, in a way that makes it clear that trying again is of no use.
    void failed_start(bool trying_again_may_help = false) {
        launch(1);
        staff.start_failed(now, trying_again_may_help);
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(staffing_cases)

BOOST_AUTO_TEST_CASE(a_pool_starts_all_its_workers_at_once_with_or_without_work) {
    for (const std::size_t wanted : {1u, 2u, 13u}) {
        for (const bool work_waits : {false, true}) {
            team team(wanted);
            BOOST_TEST(team.launches(work_waits) == wanted);
            BOOST_TEST(!team.staff.hopeless());
            for (std::size_t count = 0; count != wanted; ++count) {
                team.launch(1);
                BOOST_TEST(team.launches(work_waits) == wanted - count - 1);
                BOOST_TEST(team.staff.starting() == count + 1);
            }
            team.come_up(wanted);
            BOOST_TEST(team.launches(work_waits) == 0u);
            BOOST_TEST(team.staff.ready() == wanted);
            BOOST_TEST(team.staff.starting() == 0u);
            BOOST_TEST(team.staff.failures() == 0u);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_worker_that_died_after_useful_work_is_replaced_at_once_however_often) {
    team team(2);
    team.full_strength(2);
    for (int deaths = 0; deaths != 100; ++deaths) {
        team.staff.gone(team.now, true);
        BOOST_TEST(team.launches(false) == 1u);
        BOOST_TEST(!team.staff.hopeless());
        BOOST_TEST(!team.retry_at());
        team.full_strength(1);
    }
}

BOOST_AUTO_TEST_CASE(all_that_died_at_once_are_replaced_at_once) {
    team team(5);
    team.full_strength(5);
    for (int deaths = 0; deaths != 5; ++deaths)
        team.staff.gone(team.now, true);
    BOOST_TEST(team.launches(false) == 5u);
    BOOST_TEST(!team.staff.hopeless());
}

// Failed starts -------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(the_first_two_failed_starts_in_a_row_are_forgiven_if_trying_again_may_help) {
    team team(1);
    for (int failures = 1; failures <= 2; ++failures) {
        team.failed_start(true);
        BOOST_TEST(team.launches(false) == 0u);
        BOOST_TEST(team.staff.failures() == 0u);
        BOOST_TEST(team.staff.pausing());
        BOOST_TEST((team.retry_at() == team.now + 20ms)); // what the system is short of may come back
        BOOST_TEST(!team.staff.hopeless());
        team.now += 20ms;
        BOOST_TEST(team.launches(false) == 1u);
    }
    team.failed_start(true);
    BOOST_TEST(team.launches(false) == 0u);
    BOOST_TEST(team.launches(true) == 0u);
    BOOST_TEST((team.retry_at() == team.now + 100ms));
    BOOST_TEST(team.staff.failures() == 1u);
    BOOST_TEST(team.staff.hopeless());
    team.now += 100ms;
    BOOST_TEST(team.launches(true) == 1u);
    team.failed_start(true);
    BOOST_TEST((team.retry_at() == team.now + 200ms));
}

BOOST_AUTO_TEST_CASE(a_failed_start_that_nothing_can_help_is_not_forgiven_whatever_came_before) {
    for (int before = 0; before <= 2; ++before) {
        team team(1);
        for (int failures = 0; failures != before; ++failures)
            team.failed_start(true);
        BOOST_TEST(!team.staff.hopeless());
        team.failed_start(false);
        BOOST_TEST(team.staff.hopeless());
        BOOST_TEST(team.staff.failures() == 1u);
        BOOST_TEST((team.retry_at() == start + 100ms));
    }
}

BOOST_AUTO_TEST_CASE(a_worker_that_comes_up_makes_the_next_failed_starts_forgiven_again) {
    team team(2);
    for (int round = 0; round != 5; ++round) {
        for (int failures = 0; failures != 2; ++failures) {
            team.failed_start(true);
            team.now += 20ms;
            BOOST_TEST(team.launches(false) == 2u);
        }
        team.full_strength(1);
        team.staff.gone(team.now, true);
    }
}

BOOST_AUTO_TEST_CASE(after_a_failed_start_nothing_is_tried_while_there_is_no_work) {
    team team(2);
    team.failed_start();
    team.now += 1h;
    BOOST_TEST(team.launches(false) == 0u);
    BOOST_TEST(!team.retry_at(false));
    BOOST_TEST(team.staff.failures() == 1u);
    BOOST_TEST(team.staff.hopeless());
}

BOOST_AUTO_TEST_CASE(after_a_failed_start_one_worker_is_tried_when_work_waits_and_the_pause_is_over) {
    team team(3);
    team.failed_start();
    BOOST_TEST(team.launches(true) == 0u);
    BOOST_TEST((team.retry_at() == start + 100ms));
    team.now = start + 100ms - 1ns;
    BOOST_TEST(team.launches(true) == 0u);
    team.now = start + 100ms;
    BOOST_TEST(team.launches(true) == 1u);
    BOOST_TEST((team.retry_at() == start + 100ms));
    team.launch(1);
    BOOST_TEST(team.launches(true) == 0u); // one at a time
    BOOST_TEST(!team.retry_at());
    BOOST_TEST(!team.staff.hopeless()); // it may come up
}

BOOST_AUTO_TEST_CASE(the_pause_doubles_with_each_failed_start_up_to_the_longest) {
    team team(1);
    const std::vector<staffing::duration> expected{100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 6400ms, 10s, 10s, 10s};
    for (const auto pause : expected) {
        team.failed_start();
        BOOST_TEST((team.retry_at() == team.now + pause));
        BOOST_TEST(team.staff.hopeless());
        team.now += pause;
        BOOST_TEST(team.launches(true) == 1u);
    }
    for (int more = 0; more != 10000; ++more) { // and no number of failures makes it anything else
        team.failed_start();
        BOOST_REQUIRE((team.retry_at() == team.now + 10s));
        team.now += 10s;
    }
}

BOOST_AUTO_TEST_CASE(several_starts_that_fail_together_are_as_many_failures) {
    team team(4);
    team.launch(4);
    for (int count = 0; count != 4; ++count) {
        BOOST_TEST(!team.staff.hopeless());
        team.staff.start_failed(team.now, false);
    }
    BOOST_TEST(team.staff.hopeless());
    BOOST_TEST(team.staff.failures() == 4u);
    BOOST_TEST((team.retry_at() == start + 800ms));
}

BOOST_AUTO_TEST_CASE(a_worker_that_comes_up_ends_the_pauses_and_the_others_follow_at_once) {
    team team(4);
    for (int failures = 0; failures != 6; ++failures)
        team.failed_start();
    team.now += 1h;
    team.launch(1);
    team.come_up(1);
    BOOST_TEST(team.staff.failures() == 0u);
    BOOST_TEST(!team.staff.hopeless());
    BOOST_TEST(team.launches(false) == 3u);
    team.failed_start(); // the next failure is a first one again
    BOOST_TEST((team.retry_at() == team.now + 100ms));
}

BOOST_AUTO_TEST_CASE(a_pool_with_a_living_worker_is_not_hopeless_though_others_fail_to_start) {
    team team(2);
    team.full_strength(1);
    for (int failures = 0; failures != 20; ++failures) {
        team.failed_start();
        BOOST_TEST(!team.staff.hopeless());
    }
    team.staff.gone(team.now, true);
    BOOST_TEST(team.staff.hopeless());
}

// Useless deaths ------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(three_useless_deaths_in_a_row_are_free) {
    team team(1);
    for (int deaths = 1; deaths <= 3; ++deaths) {
        team.useless_life();
        BOOST_TEST(team.launches(false) == 1u);
        BOOST_TEST(team.staff.failures() == 0u);
        BOOST_TEST(!team.retry_at());
        BOOST_TEST(!team.staff.hopeless());
    }
}

BOOST_AUTO_TEST_CASE(more_useless_deaths_are_paused_for_and_only_the_ninth_is_hopeless) {
    team team(1);
    for (int deaths = 1; deaths <= 3; ++deaths)
        team.useless_life();
    const std::vector<staffing::duration> expected{100ms, 200ms, 400ms, 800ms, 1600ms};
    for (const auto pause : expected) { // the fourth to the eighth
        team.useless_life();
        BOOST_TEST(team.launches(false) == 0u);
        BOOST_TEST(team.launches(true) == 0u);
        BOOST_TEST((team.retry_at() == team.now + pause));
        BOOST_TEST(!team.retry_at(false));
        BOOST_TEST(!team.staff.hopeless()); // what waits goes on waiting
        team.now += pause;
        BOOST_TEST(team.launches(false) == 0u);
        BOOST_TEST(team.launches(true) == 1u);
    }
    team.useless_life();
    BOOST_TEST(team.staff.hopeless());
    BOOST_TEST((team.retry_at() == team.now + 3200ms));
    team.now += 1h;
    BOOST_TEST(team.launches(true) == 1u); // and yet it is tried again when there is work
}

BOOST_AUTO_TEST_CASE(a_useful_worker_ends_the_row_of_useless_deaths) {
    for (int row = 1; row <= 20; ++row) {
        team team(1);
        for (int deaths = 0; deaths != row; ++deaths)
            team.useless_life();
        team.full_strength(1);
        team.staff.gone(team.now, true);
        BOOST_TEST(team.staff.failures() == 0u);
        BOOST_TEST(!team.staff.hopeless());
        BOOST_TEST(team.launches(false) == 1u);
        team.useless_life(); // the first of a new row
        BOOST_TEST(team.launches(false) == 1u);
    }
}

BOOST_AUTO_TEST_CASE(a_worker_that_answers_ends_the_row_while_it_lives) {
    team team(2);
    for (int deaths = 1; deaths <= 5; ++deaths)
        team.useless_life();
    team.full_strength(1);
    BOOST_TEST(team.staff.failures() == 2u);
    BOOST_TEST(team.launches(false) == 0u);
    team.staff.was_of_use();
    BOOST_TEST(team.staff.failures() == 0u);
    BOOST_TEST(team.launches(false) == 1u);
}

BOOST_AUTO_TEST_CASE(failed_starts_and_useless_deaths_add_up) {
    team team(1);
    for (int deaths = 1; deaths <= 4; ++deaths)
        team.useless_life();
    team.failed_start();
    BOOST_TEST(team.staff.failures() == 2u);
    BOOST_TEST((team.retry_at() == team.now + 200ms));
}

// The end -------------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(after_stop_nothing_is_started_whatever_happens) {
    for (const bool work_waits : {false, true}) {
        team fresh(3);
        fresh.staff.stop();
        BOOST_TEST(fresh.launches(work_waits) == 0u);
        BOOST_TEST(!fresh.staff.hopeless());

        team team(3);
        team.launch(3);
        team.come_up(1);
        team.staff.stop();
        BOOST_TEST(team.launches(work_waits) == 0u);
        team.staff.start_failed(team.now, false);
        team.come_up(1);
        team.staff.gone(team.now, true);
        team.staff.gone(team.now, false);
        BOOST_TEST(team.staff.starting() == 0u);
        BOOST_TEST(team.staff.ready() == 0u);
        team.now += 1h;
        BOOST_TEST(team.launches(work_waits) == 0u);
        BOOST_TEST(!team.retry_at(work_waits));
    }
}

BOOST_AUTO_TEST_CASE(unless_told_otherwise_the_pauses_go_from_a_tenth_of_a_second_to_ten_seconds) {
    staffing staff(1);
    staff.launched();
    staff.start_failed(start, false);
    BOOST_TEST((staff.retry_at(true) == start + 100ms));
    for (int failures = 0; failures != 30; ++failures) {
        staff.launched();
        staff.start_failed(start, false);
    }
    BOOST_TEST((staff.retry_at(true) == start + 10s));
}

// A changing size -----------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(an_elastic_pool_starts_as_many_workers_as_there_are_tasks_within_its_bounds) {
    const staffing staff(2, 5, pauses);
    const std::size_t expected[] = {2, 2, 2, 3, 4, 5, 5, 5};
    for (std::size_t tasks = 0; tasks != std::size(expected); ++tasks)
        BOOST_TEST(staff.launches(start, tasks) == expected[tasks]);
    BOOST_TEST(staff.launches(start, ~std::size_t{0}) == 5u);
}

BOOST_AUTO_TEST_CASE(an_elastic_pool_counts_the_workers_that_are_coming_up) {
    staffing staff(0, 4, pauses);
    BOOST_TEST(staff.launches(start, 0) == 0u);
    for (std::size_t launched = 0; launched != 3; ++launched) {
        BOOST_TEST(staff.launches(start, 3) == 3 - launched);
        staff.launched();
    }
    staff.became_ready();
    BOOST_TEST(staff.launches(start, 3) == 0u);
    BOOST_TEST(staff.launches(start, 4) == 1u);
}

BOOST_AUTO_TEST_CASE(an_elastic_pool_with_more_workers_than_work_starts_none_and_ends_none_by_itself) {
    staffing staff(1, 4, pauses);
    for (int count = 0; count != 4; ++count) {
        staff.launched();
        staff.became_ready();
    }
    for (const std::size_t tasks : {0u, 1u, 3u, 4u, 100u})
        BOOST_TEST(staff.launches(start, tasks) == 0u);
    staff.gone(start, true);
    staff.gone(start, true);
    BOOST_TEST(staff.ready() == 2u);
    BOOST_TEST(staff.launches(start, 1) == 0u); // who ended since it was idle is not replaced
    BOOST_TEST(staff.launches(start, 3) == 1u);
}

BOOST_AUTO_TEST_CASE(a_pool_of_no_workers_is_hopeless_only_after_failures_and_not_for_lack_of_work) {
    staffing staff(0, 2, pauses);
    BOOST_TEST(!staff.hopeless());
    BOOST_TEST(!staff.retry_at(0));
    auto now = start;
    for (int failures = 0; failures != 3; ++failures) {
        now += 20ms;
        BOOST_TEST(staff.launches(now, 1) == 1u);
        BOOST_TEST(!staff.hopeless());
        staff.launched();
        staff.start_failed(now, true);
    }
    BOOST_TEST(staff.hopeless());
    BOOST_TEST(staff.launches(now + 1h, 0) == 0u);
    BOOST_TEST((staff.retry_at(1) == now + 100ms));
    BOOST_TEST(staff.launches(now + 100ms, 5) == 1u); // one at a time
}

BOOST_AUTO_TEST_CASE(with_enough_workers_for_the_work_there_is_nothing_to_try_again) {
    staffing staff(1, 3, pauses);
    staff.launched();
    staff.became_ready();
    for (int failures = 0; failures != 3; ++failures) {
        staff.launched();
        staff.start_failed(start, true);
    }
    BOOST_TEST(staff.failures() == 1u);
    BOOST_TEST(!staff.retry_at(1));
    BOOST_TEST(staff.launches(start + 1h, 1) == 0u);
    BOOST_TEST((staff.retry_at(2) == start + 100ms));
    BOOST_TEST(staff.launches(start + 100ms, 2) == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
