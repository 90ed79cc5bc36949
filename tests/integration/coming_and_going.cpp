// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Workers that are prepared, replaced, started when there is work and ended when there is none; tasks that run again.

#include <procpool/procpool.hpp>

#include <integration/scratch.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <map>
#include <numeric>
#include <ranges>
#include <set>
#include <vector>

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace procpool::testing;
using namespace std::chrono_literals;
using procpool::errc;

namespace {

int prepared = 0;

void prepare(int value, const std::string& diary) {
    prepared = value;
    note(diary, ::getpid());
}

int what_was_prepared() {
    return prepared;
}

void refuse(int) {
    throw std::domain_error("no licence");
}

void crash() {
    ::raise(SIGSEGV);
}

void hang() {
    for (;;)
        ::pause();
}

// Works from its second run on: the first leaves a file behind.
void succeed_later(const std::string& file) {
    if (!exists(file)) {
        touch(file);
        throw std::runtime_error("not yet");
    }
}

int own_pid() {
    return ::getpid();
}

int own_pid_for(int) {
    return ::getpid();
}

int echo(int value) {
    return value;
}

unsigned die_before_attempt(unsigned attempt) {
    if (procpool::this_task::attempt() < attempt)
        ::raise(SIGKILL);
    return procpool::this_task::attempt();
}

int throw_and_note(const std::string& diary) {
    note(diary, 1);
    throw std::runtime_error("as always");
}

int die_once(int item, const std::string& diary) {
    note(diary, item);
    if (item % 50 == 7 && procpool::this_task::attempt() == 1)
        ::abort();
    return item;
}

std::size_t grow(std::size_t bytes) {
    static std::vector<std::vector<char>> leaked;
    leaked.emplace_back(bytes, 'x');
    return leaked.size();
}

} // namespace

BOOST_AUTO_TEST_SUITE(coming_and_going)

// The initializer ---------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(the_initializer_runs_in_every_worker_before_any_task_also_in_replacements) {
    const scratch here;
    procpool::process_pool pool({.workers = 2, .initializer = procpool::bind(prepare, 42, here.file("diary"))});
    for (int round = 0; round != 4; ++round) {
        BOOST_TEST(pool.submit(what_was_prepared).get() == 42);
        ::kill(pool.submit(own_pid).get(), SIGKILL);
    }
    BOOST_REQUIRE(wait_until([&] { return pool.stats().workers_died == 4 && pool.stats().workers_idle == 2; }));
    const auto ran_in = notes(here.file("diary"));
    BOOST_TEST(ran_in.size() == 6u);
    BOOST_TEST(std::set<std::int64_t>(ran_in.begin(), ran_in.end()).size() == 6u); // once each
}

BOOST_AUTO_TEST_CASE(an_initializer_that_throws_fails_what_waits_with_its_exception_nested) {
    procpool::process_pool pool({.workers = 2, .initializer = procpool::bind(refuse, 1)});
    try {
        pool.submit(what_was_prepared).get();
        BOOST_FAIL("it worked");
    } catch (const procpool::pool_error& error) {
        BOOST_TEST((error.code() == errc::initializer_failed));
        BOOST_TEST(std::string(error.what()).find("no licence") != std::string::npos);
        BOOST_CHECK_THROW(std::rethrow_if_nested(error), std::domain_error);
    }
}

BOOST_AUTO_TEST_CASE(an_initializer_that_crashes_or_hangs_fails_what_waits_too) {
    const auto code = [](procpool::pool_options options) {
        procpool::process_pool pool(std::move(options));
        try {
            pool.submit(what_was_prepared).get();
        } catch (const procpool::pool_error& error) {
            return error.code();
        }
        return boost::system::error_code();
    };
    BOOST_TEST((code({.workers = 2, .initializer = procpool::bind(crash)}) == errc::initializer_failed));
    BOOST_TEST(
        (code({.workers = 1, .initializer = procpool::bind(hang), .task_timeout = 50ms}) == errc::initializer_failed));
}

BOOST_AUTO_TEST_CASE(after_an_initializer_failed_it_is_tried_again_for_later_work) {
    const scratch here;
    procpool::process_pool pool({.workers = 1, .initializer = procpool::bind(succeed_later, here.file("ran"))});
    BOOST_CHECK_THROW(pool.submit(echo, 1).get(), procpool::pool_error);
    // Not at once: until some time has passed, operations fail without another attempt.
    const auto works = [&] {
        try {
            return pool.submit(echo, 2).get() == 2;
        } catch (const procpool::pool_error& error) {
            return false;
        }
    };
    BOOST_TEST(wait_until(works));
}

// Recycling ---------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(no_worker_runs_more_tasks_than_it_may_whether_there_is_a_backlog_or_not) {
    procpool::process_pool pool({.workers = 2, .max_tasks_per_worker = 7});
    std::vector<procpool::task_handle<int>> all;
    for (int i = 0; i != 200; ++i)
        all.push_back(pool.submit(own_pid_for, i).start());
    std::map<int, int> tasks;
    for (auto& one : all)
        ++tasks[one.get()];
    for (int i = 0; i != 30; ++i)
        ++tasks[pool.submit(own_pid).get()];
    for (const auto& [pid, count] : tasks)
        BOOST_TEST(count <= 7);
    BOOST_TEST(tasks.size() >= 230u / 7);
    BOOST_TEST(pool.stats().workers_died == 0u); // a recycled worker is no crash
    BOOST_TEST(wait_until([&] { return pool.stats().workers_idle + pool.stats().workers_starting == 2; }));
}

BOOST_AUTO_TEST_CASE(a_single_worker_is_recycled_with_a_backlog_and_while_the_pool_closes) {
    procpool::process_pool pool({.workers = 1, .max_tasks_per_worker = 3});
    std::vector<procpool::task_handle<int>> all;
    for (int i = 0; i != 50; ++i)
        all.push_back(pool.submit(echo, i).start());
    pool.close();
    pool.join().get();
    for (int i = 0; i != 50; ++i)
        BOOST_TEST(all[static_cast<std::size_t>(i)].get() == i);
    BOOST_TEST(pool.stats().workers_died == 0u);
}

BOOST_AUTO_TEST_CASE(recycling_with_one_task_per_worker_is_no_death_however_it_is_used) {
    for (const std::size_t workers : {1U, 3U}) {
        procpool::process_pool pool({.workers = workers, .max_tasks_per_worker = 1});
        std::vector<procpool::task_handle<int>> all;
        for (int i = 0; i != 40; ++i)
            all.push_back(pool.submit(own_pid).start());
        std::set<int> pids;
        for (auto& one : all)
            pids.insert(one.get());
        BOOST_TEST(pids.size() == 40u);
        // How many there are counts, not how many there were.
        BOOST_TEST(wait_until([&] { return pool.stats().workers_idle == workers; }));
        // One that dies of its last task is not a recycled one.
        BOOST_CHECK_THROW(pool.submit([] { ::raise(SIGKILL); }).get(), procpool::worker_died);
        BOOST_TEST(wait_until([&] { return pool.stats().workers_idle == workers; }));
        BOOST_TEST(pool.stats().workers_died == 1u);
        const std::uint64_t started = pool.stats().workers_started;
        auto last = pool.submit(echo, 5).start();
        pool.close();
        pool.join().get();
        BOOST_TEST(last.get() == 5);
        BOOST_TEST(pool.stats().workers_died == 1u);
        BOOST_TEST(pool.stats().workers_started <= started + 1); // none for work that will not come
    }
}

void go_wrong_at_exit(int how) {
    static int chosen;
    chosen = how;
    std::atexit([] {
        if (chosen == 0)
            ::raise(SIGSEGV);
        else if (chosen == 1)
            ::_exit(9);
        else
            std::abort();
    });
}

// Its last result has left by then.
BOOST_AUTO_TEST_CASE(a_recycled_worker_that_crashes_on_its_way_out_disturbs_nobody_and_is_no_death) {
    procpool::process_pool pool({.workers = 2, .max_tasks_per_worker = 2});
    for (int i = 0; i != 30; ++i) {
        pool.submit(go_wrong_at_exit, i % 3).get();
        BOOST_TEST(pool.submit(echo, i).get() == i);
    }
    pool.submit(go_wrong_at_exit, 0).get();
    pool.close();
    pool.join().get();
    BOOST_TEST(pool.stats().workers_died == 0u);
}

BOOST_AUTO_TEST_CASE(batches_go_through_recycled_workers) {
    procpool::process_pool pool({.workers = 2, .max_tasks_per_worker = 5});
    const auto pids = pool.map(own_pid_for, std::views::iota(0, 300)).get();
    BOOST_TEST(pids.size() == 300u);
    BOOST_TEST(std::set<int>(pids.begin(), pids.end()).size() > 2u);
    BOOST_TEST(pool.stats().workers_died == 0u);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) // which take memory of their own
BOOST_AUTO_TEST_CASE(a_worker_that_takes_too_much_memory_is_replaced_between_tasks) {
    constexpr std::size_t limit = std::size_t{64} << 20;
    procpool::process_pool pool({.workers = 1, .max_memory_per_worker = limit});
    std::size_t most = 0;
    for (int i = 0; i != 40; ++i)
        most = std::max(most, pool.submit(grow, limit / 8).get());
    BOOST_TEST(most <= 8u);
    BOOST_TEST(most >= 2u);
    BOOST_TEST(pool.stats().workers_started > 3u);
    BOOST_TEST(pool.stats().workers_died == 0u);
}
#endif

// Elastic size ------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(workers_above_the_least_number_are_started_for_work_and_end_when_they_are_idle) {
    const scratch here;
    procpool::process_pool pool({.workers = 3, .min_workers = 1, .idle_timeout = 30ms});
    BOOST_REQUIRE(wait_until([&] { return pool.stats().workers_idle == 1; }));
    BOOST_TEST(pool.stats().workers_started == 1u);
    std::vector<procpool::task_handle<int>> all;
    for (int i = 0; i != 3; ++i)
        all.push_back(
            pool.submit(meet_and_return, here.file("began " + std::to_string(i)), here.file("go on"), i).start());
    // All three run at once, so there are three workers.
    for (int i = 0; i != 3; ++i)
        BOOST_REQUIRE(wait_until([&] { return exists(here.file("began " + std::to_string(i))); }));
    touch(here.file("go on"));
    for (int i = 0; i != 3; ++i)
        BOOST_TEST(all[static_cast<std::size_t>(i)].get() == i);
    BOOST_TEST(wait_until([&] {
        const auto now = pool.stats();
        return now.workers_idle == 1 && now.workers_busy == 0 && now.workers_starting == 0;
    }));
    BOOST_TEST(pool.stats().workers_started == 3u);
    BOOST_TEST(pool.stats().workers_died == 0u);
    BOOST_TEST(pool.submit(echo, 5).get() == 5);
}

BOOST_AUTO_TEST_CASE(a_pool_may_have_no_worker_at_all_while_there_is_no_work) {
    procpool::process_pool pool({.workers = 2, .min_workers = 0, .idle_timeout = 1ms});
    BOOST_TEST(pool.stats().workers_started == 0u);
    for (int i = 0; i != 5; ++i) {
        BOOST_TEST(pool.submit(echo, i).get() == i);
        BOOST_REQUIRE(wait_until([&] { return pool.stats().workers_idle == 0; }));
    }
    pool.close();
    pool.join().get();
    BOOST_TEST(pool.stats().workers_died == 0u);
}

BOOST_AUTO_TEST_CASE(an_idle_time_of_nothing_loses_no_task) {
    procpool::process_pool pool({.workers = 4, .min_workers = 0, .idle_timeout = 0ms});
    std::vector<procpool::task_handle<int>> all;
    for (int round = 0; round != 20; ++round)
        for (int i = 0; i != 10; ++i) {
            all.push_back(pool.submit(echo, i).start());
            if (i % 5 == 4)
                BOOST_TEST(all.back().get() == i);
        }
    for (std::size_t i = 0; i != all.size(); ++i)
        BOOST_TEST(all[i].get() == static_cast<int>(i % 10));
}

BOOST_AUTO_TEST_CASE(options_that_make_no_sense_are_refused) {
    BOOST_CHECK_THROW(procpool::process_pool({.workers = 2, .min_workers = 3}), std::invalid_argument);
    BOOST_CHECK_THROW(procpool::process_pool({.workers = 2, .idle_timeout = -1ms}), std::invalid_argument);
    BOOST_CHECK_THROW(procpool::process_pool({.workers = 2, .task_timeout = -1ms}), std::invalid_argument);
    BOOST_CHECK_THROW(procpool::process_pool({.workers = 2, .kill_grace = -1ms}), std::invalid_argument);
}

// Running again -----------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_task_whose_worker_died_runs_again_as_often_as_it_may_and_sees_which_run_it_is) {
    procpool::process_pool pool({.workers = 2});
    BOOST_TEST(pool.submit(die_before_attempt, 1U).retries(3).get() == 1u);
    BOOST_TEST(pool.submit(die_before_attempt, 4U).retries(3).get() == 4u);
    try {
        pool.submit(die_before_attempt, 5U).retries(3).get();
        BOOST_FAIL("it ran too often");
    } catch (const procpool::worker_died& error) {
        BOOST_TEST(error.details().attempt == 4u);
    }
    BOOST_CHECK_THROW(pool.submit(die_before_attempt, 2U).get(), procpool::worker_died);
}

BOOST_AUTO_TEST_CASE(what_a_task_throws_is_no_reason_to_run_it_again) {
    const scratch here;
    procpool::process_pool pool({.workers = 1});
    BOOST_CHECK_THROW(pool.submit(throw_and_note, here.file("diary")).retries(5).get(), std::runtime_error);
    BOOST_TEST(notes(here.file("diary")).size() == 1u);
}

BOOST_AUTO_TEST_CASE(in_a_batch_only_the_item_that_ran_when_its_worker_died_runs_again) {
    const scratch here;
    procpool::process_pool pool({.workers = 2});
    std::vector<std::pair<int, std::string>> items;
    for (int i = 0; i != 300; ++i)
        items.emplace_back(i, here.file("diary"));
    std::vector<int> expected(300);
    std::iota(expected.begin(), expected.end(), 0);
    BOOST_TEST(pool.starmap(die_once, items).retries(1).get() == expected, boost::test_tools::per_element());
    std::map<std::int64_t, int> runs;
    for (const auto item : notes(here.file("diary")))
        ++runs[item];
    for (int i = 0; i != 300; ++i)
        BOOST_TEST(runs[i] == (i % 50 == 7 ? 2 : 1));
}

BOOST_AUTO_TEST_CASE(without_retries_only_the_item_that_ran_when_its_worker_died_fails) {
    const scratch here;
    procpool::process_pool pool({.workers = 2});
    std::vector<std::pair<int, std::string>> items;
    for (int i = 0; i != 300; ++i)
        items.emplace_back(i, here.file("diary"));
    const auto call = [](const std::pair<int, std::string>& one) { return die_once(one.first, one.second); };
    const auto all = pool.map_settled(call, items).get();
    for (std::size_t i = 0; i != 300; ++i) {
        if (i % 50 == 7)
            BOOST_CHECK_THROW(all[i].value(), procpool::worker_died);
        else
            BOOST_TEST(all[i].value() == static_cast<int>(i));
    }
    BOOST_TEST(notes(here.file("diary")).size() == 300u);
}

BOOST_AUTO_TEST_SUITE_END()
