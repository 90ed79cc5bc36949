// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Tasks that run or wait too long, and tasks that are asked to stop.

#include <procpool/procpool.hpp>

#include <integration/scratch.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <ranges>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

using namespace procpool::testing;
using namespace std::chrono_literals;
using procpool::errc;

namespace {

template <class Get>
boost::system::error_code code_of(Get get) {
    try {
        get();
    } catch (const boost::system::system_error& error) {
        return error.code();
    }
    return {};
}

int own_pid() {
    return ::getpid();
}

int echo(int value) {
    return value;
}

// Never looks whether it is to stop.
int run_for_ever(const std::string& began) {
    touch(began);
    for (;;)
        ::pause();
}

int ignore_sigterm_and_run_for_ever(const std::string& began) {
    ::signal(SIGTERM, SIG_IGN);
    return run_for_ever(began);
}

// The other way of looking is tested with cancellation.
int run_until_asked(const std::string& began, int value) {
    while (!procpool::this_task::stop_requested()) {
        if (!exists(began))
            touch(began);
        std::this_thread::sleep_for(1ms); // what a task does here is its own matter
    }
    return value;
}

int listen_and_run_for_ever(const std::string& began) {
    static_cast<void>(procpool::this_task::stop_requested());
    return run_for_ever(began);
}

int diary_of_signals = -1;

void note_the_time(int) {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const std::int64_t time = now.tv_sec * 1'000'000'000LL + now.tv_nsec;
    [[maybe_unused]] const ssize_t written = ::write(diary_of_signals, &time, sizeof time);
}

// From now on SIGTERM does nothing to this worker but that it is noted when it came. In a task of its own: in the one that is
// to run too long, the signal might come first.
void note_every_sigterm(const std::string& diary) {
    diary_of_signals = ::open(diary.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    struct sigaction action {};
    action.sa_handler = note_the_time;
    ::sigaction(SIGTERM, &action, nullptr);
}

[[noreturn]] void end_when_it_may(const std::string& go_on, const std::string& ended) {
    wait_until([&] { return exists(go_on); }, 60s);
    touch(ended);
    ::_exit(0);
}

int stop_the_process(const std::string& began) {
    touch(began);
    ::raise(SIGSTOP);
    return 0;
}

int run_for_ever_at(int item, int at, const std::string& diary) {
    note(diary, item);
    if (item == at)
        for (;;)
            ::pause();
    return item;
}

} // namespace

BOOST_AUTO_TEST_SUITE(time_limits)

BOOST_AUTO_TEST_CASE(a_task_that_runs_too_long_fails_with_timed_out_and_its_worker_is_replaced) {
    const scratch here;
    procpool::process_pool pool({.workers = 1});
    const int before = pool.submit(own_pid).get();
    BOOST_TEST(
        (code_of([&] { pool.submit(run_for_ever, here.file("began")).timeout(50ms).get(); }) == errc::timed_out));
    BOOST_TEST(exists(here.file("began")));
    BOOST_TEST(pool.submit(own_pid).get() != before);
    BOOST_TEST(pool.stats().workers_died == 0u); // it did not die, it was ended
}

BOOST_AUTO_TEST_CASE(a_limit_of_the_pool_holds_for_every_task_unless_it_has_its_own) {
    const scratch here;
    procpool::process_pool pool({.workers = 3, .task_timeout = 50ms});
    auto without = pool.submit(meet_and_return, here.file("one began"), here.file("go on"), 1).timeout(0ms).start();
    auto longer = pool.submit(meet_and_return, here.file("two began"), here.file("go on"), 2).timeout(1h).start();
    BOOST_REQUIRE(wait_until([&] { return exists(here.file("one began")) && exists(here.file("two began")); }));
    // When a later one has reached the pool's limit, these two run longer than it already.
    BOOST_TEST((code_of([&] { pool.submit(run_for_ever, here.file("began")).get(); }) == errc::timed_out));
    BOOST_TEST(!without.ready());
    BOOST_TEST(!longer.ready());
    touch(here.file("go on"));
    BOOST_TEST(without.get() == 1);
    BOOST_TEST(longer.get() == 2);
}

BOOST_AUTO_TEST_CASE(the_time_counts_from_the_beginning_of_the_task_and_not_from_its_submission) {
    const scratch here;
    procpool::process_pool pool({.workers = 1});
    auto first = pool.submit(meet_and_return, here.file("began"), here.file("go on"), 1).start();
    BOOST_REQUIRE(wait_until([&] { return exists(here.file("began")); }));
    auto behind = pool.submit(echo, 2).timeout(20ms).start();
    // It waits longer than it may run.
    BOOST_TEST((code_of([&] { pool.submit(echo, 3).queue_timeout(60ms).get(); }) == errc::queue_timed_out));
    BOOST_TEST(!behind.ready());
    touch(here.file("go on"));
    BOOST_TEST(first.get() == 1);
    BOOST_TEST(behind.get() == 2);
}

BOOST_AUTO_TEST_CASE(a_task_that_stops_when_it_is_asked_keeps_its_worker_and_still_has_timed_out) {
    const scratch here;
    procpool::process_pool pool({.workers = 1, .kill_grace = 30s});
    const int before = pool.submit(own_pid).get();
    BOOST_TEST(
        (code_of([&] { pool.submit(run_until_asked, here.file("began"), 1).timeout(50ms).get(); }) == errc::timed_out));
    BOOST_TEST(pool.submit(own_pid).get() == before);
    // And the next task is not asked.
    BOOST_TEST(pool.submit([] { return procpool::this_task::stop_requested(); }).get() == false);
}

BOOST_AUTO_TEST_CASE(one_that_does_not_stop_although_it_listened_is_ended_after_the_grace) {
    const scratch here;
    procpool::process_pool pool({.workers = 1, .kill_grace = 30ms});
    BOOST_TEST((code_of([&] { pool.submit(listen_and_run_for_ever, here.file("began")).timeout(30ms).get(); }) ==
                errc::timed_out));
    BOOST_TEST(pool.submit(echo, 3).get() == 3);
}

BOOST_AUTO_TEST_CASE(one_that_ignores_sigterm_is_killed) {
    const scratch here;
    for (const auto grace : {0ms, 30ms}) {
        procpool::process_pool pool({.workers = 1, .kill_grace = grace});
        BOOST_TEST((code_of([&] {
                        pool.submit(ignore_sigterm_and_run_for_ever, here.file("began")).timeout(30ms).get();
                    }) == errc::timed_out));
        BOOST_TEST(pool.submit(echo, 3).get() == 3);
    }
}

BOOST_AUTO_TEST_CASE(sigterm_comes_once_when_the_time_is_up_and_nothing_more_within_the_grace) {
    const scratch here;
    const std::string signals = here.file("signals");
    procpool::process_pool pool({.workers = 1, .kill_grace = 1h});
    pool.submit(note_every_sigterm, signals).get();
    const std::int64_t submitted = std::chrono::steady_clock::now().time_since_epoch() / 1ns;
    auto late = pool.submit(end_when_it_may, here.file("go on"), here.file("ended")).timeout(30ms).start();
    BOOST_REQUIRE(wait_until([&] { return !notes(signals).empty(); }));
    BOOST_TEST(!late.ready());
    touch(here.file("go on"));
    BOOST_REQUIRE(late.wait_for(20s));
    BOOST_TEST((code_of([&] { late.get(); }) == errc::timed_out));
    BOOST_TEST(exists(here.file("ended")));
    BOOST_TEST(notes(signals).size() == 1U);
    BOOST_TEST((notes(signals).front() - submitted >= 30ms / 1ns)); // both clocks are the same
    BOOST_TEST(pool.stats().workers_died == 0U);
}

BOOST_AUTO_TEST_CASE(sigkill_comes_when_the_grace_after_sigterm_is_over_and_no_earlier) {
    using procpool::worker_event;
    const scratch here;
    std::vector<worker_event> retired;
    procpool::process_pool pool({.workers = 1, .kill_grace = 300ms, .on_event = [&](const worker_event& event) {
                                     if (event.what == worker_event::kind::retired)
                                         retired.push_back(event);
                                 }});
    pool.submit(note_every_sigterm, here.file("signals")).get();
    const auto submitted = std::chrono::steady_clock::now();
    BOOST_TEST(
        (code_of([&] { pool.submit(run_for_ever, here.file("began")).timeout(30ms).get(); }) == errc::timed_out));
    BOOST_TEST((std::chrono::steady_clock::now() - submitted >= 30ms + 300ms));
    pool.close();
    pool.join().get();
    BOOST_REQUIRE(!retired.empty());
    BOOST_TEST(retired.front().details->signal.value_or(0) == SIGKILL);
}

BOOST_AUTO_TEST_CASE(a_worker_that_was_stopped_by_a_signal_is_ended_like_any_other) {
    const scratch here;
    procpool::process_pool pool({.workers = 1, .kill_grace = 30ms});
    BOOST_TEST(
        (code_of([&] { pool.submit(stop_the_process, here.file("began")).timeout(50ms).get(); }) == errc::timed_out));
    BOOST_TEST(pool.submit(echo, 3).get() == 3);
}

BOOST_AUTO_TEST_CASE(tasks_behind_one_that_runs_too_long_are_not_touched) {
    const scratch here;
    procpool::process_pool pool({.workers = 1});
    auto late = pool.submit(run_for_ever, here.file("began")).timeout(100ms).start();
    std::vector<procpool::task_handle<int>> behind;
    for (int i = 0; i != 200; ++i)
        behind.push_back(pool.submit(echo, i).start());
    BOOST_TEST((code_of([&] { late.get(); }) == errc::timed_out));
    for (int i = 0; i != 200; ++i)
        BOOST_TEST(behind[static_cast<std::size_t>(i)].get() == i);
}

BOOST_AUTO_TEST_CASE(limits_on_ten_thousand_tasks_at_once_that_keep_to_them_change_nothing) {
    procpool::process_pool pool({.workers = 2});
    std::vector<procpool::task_handle<int>> all;
    for (int i = 0; i != 10'000; ++i)
        all.push_back(pool.submit(echo, i).timeout(30s).queue_timeout(60s).start());
    for (int i = 0; i != 10'000; ++i)
        BOOST_REQUIRE(all[static_cast<std::size_t>(i)].get() == i);
    BOOST_TEST(pool.stats().workers_started == 2u);
}

BOOST_AUTO_TEST_CASE(limits_on_ten_thousand_tasks_at_once_end_those_that_do_not_keep_to_them_and_no_others) {
    procpool::process_pool pool({.workers = 2, .kill_grace = 0ms});
    std::vector<procpool::task_handle<int>> all;
    const auto hang_on_some = [](int value) {
        while (value % 1000 == 999)
            ::pause();
        return value;
    };
    // Long for those that do nothing, on a busy machine too.
    for (int i = 0; i != 10'000; ++i)
        all.push_back(pool.submit(hang_on_some, i).timeout(i % 1000 == 999 ? 30ms : 20000ms).start());
    for (int i = 0; i != 10'000; ++i) {
        auto& one = all[static_cast<std::size_t>(i)];
        BOOST_REQUIRE(one.wait_for(30s));
        const auto code = code_of([&] { BOOST_REQUIRE(one.get() == i); });
        BOOST_REQUIRE((i % 1000 == 999 ? code == errc::timed_out : !code));
    }
    BOOST_TEST(pool.stats().workers_died == 0u);
    BOOST_TEST(wait_until([&] { return pool.stats().workers_idle == 2; }));
}

BOOST_AUTO_TEST_CASE(waiting_limits_on_ten_thousand_tasks_at_once_end_all_of_them_and_none_begins) {
    const scratch here;
    procpool::process_pool pool({.workers = 1});
    auto first = pool.submit(meet_and_return, here.file("began"), here.file("go on"), 1).start();
    BOOST_REQUIRE(wait_until([&] { return exists(here.file("began")); }));
    std::vector<procpool::task_handle<int>> all;
    for (int i = 0; i != 10'000; ++i)
        all.push_back(pool.submit(note_and_return, i, here.file("diary"))
                          .queue_timeout(std::chrono::milliseconds(1 + i % 50))
                          .start());
    for (auto& one : all) {
        BOOST_REQUIRE(one.wait_for(30s));
        BOOST_REQUIRE((code_of([&] { one.get(); }) == errc::queue_timed_out));
    }
    touch(here.file("go on"));
    BOOST_TEST(first.get() == 1);
    BOOST_TEST(pool.submit(echo, 2).get() == 2);
    BOOST_TEST(notes(here.file("diary")).empty());
}

BOOST_AUTO_TEST_CASE(a_worker_stopped_from_outside_between_tasks_is_no_reason_to_wait_for_ever) {
    procpool::process_pool pool({.workers = 1, .kill_grace = 10ms});
    const int worker = pool.submit(own_pid).get();
    ::kill(worker, SIGSTOP);
    auto late = pool.submit(echo, 1).queue_timeout(50ms).start();
    BOOST_REQUIRE(late.wait_for(20s)); // it was sent to that worker, and is taken back
    BOOST_TEST((code_of([&] { late.get(); }) == errc::queue_timed_out));
    auto cancelled = pool.submit(echo, 2).start();
    cancelled.cancel();
    BOOST_REQUIRE(cancelled.wait_for(20s));
    auto patient = pool.submit(echo, 3).timeout(20ms).start(); // which has not begun, so its time has not either
    ::kill(worker, SIGCONT);
    BOOST_TEST(patient.get() == 3);
    BOOST_TEST(pool.submit(own_pid).get() == worker);
    ::kill(worker, SIGSTOP);
    pool.terminate();
    auto joined = pool.join().start();
    BOOST_TEST(joined.wait_for(20s));
}

BOOST_AUTO_TEST_CASE(a_limit_that_is_hit_at_about_the_end_of_the_task_gives_either_the_result_or_the_error) {
    procpool::process_pool pool({.workers = 2});
    std::vector<procpool::task_handle<int>> all;
    const auto burn = [](int microseconds) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(microseconds);
        while (std::chrono::steady_clock::now() < end) {
        }
        return microseconds;
    };
    for (int i = 0; i != 100; ++i)
        all.push_back(pool.submit(burn, 1800 + 4 * i).timeout(2ms).start());
    std::size_t results = 0;
    std::size_t errors = 0;
    for (int i = 0; i != 100; ++i) {
        auto& one = all[static_cast<std::size_t>(i)];
        const auto code = code_of([&] { BOOST_TEST(one.get() == 1800 + 4 * i); });
        BOOST_TEST((!code || code == errc::timed_out));
        ++(code ? errors : results);
    }
    BOOST_TEST(results + errors == 100u);
    BOOST_TEST(pool.stats().workers_died == 0u);
    BOOST_TEST(pool.submit(echo, 1).get() == 1);
}

BOOST_AUTO_TEST_CASE(in_a_batch_each_item_has_its_own_time_and_only_the_one_that_ran_too_long_fails) {
    const scratch here;
    procpool::process_pool pool({.workers = 2});
    std::vector<std::tuple<int, int, std::string>> items;
    for (int i = 0; i != 500; ++i)
        items.emplace_back(i, 250, here.file("diary"));
    const auto call = [](const std::tuple<int, int, std::string>& one) { return std::apply(run_for_ever_at, one); };
    const auto all = pool.map_settled(call, items).timeout(300ms).get();
    BOOST_REQUIRE(all.size() == 500u);
    for (std::size_t i = 0; i != 500; ++i) {
        if (i == 250)
            BOOST_TEST((code_of([&] { all[i].value(); }) == errc::timed_out));
        else
            BOOST_TEST(all[i].value() == static_cast<int>(i));
    }
    auto ran = notes(here.file("diary"));
    std::ranges::sort(ran);
    BOOST_TEST(std::ranges::equal(ran, std::views::iota(0, 500))); // each began exactly once
}

BOOST_AUTO_TEST_CASE(an_item_that_begins_when_the_one_before_it_is_about_to_be_ended_has_its_own_time_and_no_more) {
    procpool::process_pool pool({.workers = 1, .kill_grace = 0ms});
    // Works for so many microseconds; for ever, if that is 0.
    const auto burn = [](int microseconds) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(microseconds);
        while (microseconds == 0 || std::chrono::steady_clock::now() < end) {
        }
        return microseconds;
    };
    for (int round = 0; round != 60; ++round) {
        const int first = 4700 + 10 * round;
        auto batch = pool.map_settled(burn, std::vector{first, 0}, {.chunk_size = 2}).timeout(5ms).start();
        BOOST_REQUIRE(batch.wait_for(20s));
        const auto all = batch.get();
        BOOST_TEST((code_of([&] { all[1].value(); }) == errc::timed_out));
        const auto code = code_of([&] { BOOST_TEST(all[0].value() == first); });
        BOOST_TEST((!code || code == errc::timed_out));
    }
}

BOOST_AUTO_TEST_CASE(a_task_that_waits_too_long_fails_and_never_begins) {
    const scratch here;
    procpool::process_pool pool({.workers = 1});
    auto first = pool.submit(meet_and_return, here.file("began"), here.file("go on"), 1).start();
    BOOST_REQUIRE(wait_until([&] { return exists(here.file("began")); }));
    auto late = pool.submit(note_and_return, 2, here.file("diary")).queue_timeout(30ms).start();
    auto patient = pool.submit(note_and_return, 3, here.file("diary")).queue_timeout(1h).start();
    BOOST_TEST((code_of([&] { late.get(); }) == errc::queue_timed_out));
    touch(here.file("go on"));
    BOOST_TEST(first.get() == 1);
    BOOST_TEST(patient.get() == 3);
    BOOST_TEST(notes(here.file("diary")) == std::vector<std::int64_t>{3}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_task_that_began_in_time_may_run_longer_than_it_was_allowed_to_wait) {
    const scratch here;
    procpool::process_pool pool({.workers = 1});
    auto one = pool.submit(meet_and_return, here.file("began"), here.file("go on"), 1).queue_timeout(10s).start();
    BOOST_REQUIRE(wait_until([&] { return exists(here.file("began")); }));
    auto two = pool.submit(echo, 2).queue_timeout(20ms).start();
    BOOST_TEST((code_of([&] { two.get(); }) == errc::queue_timed_out));
    touch(here.file("go on"));
    BOOST_TEST(one.get() == 1);
}

BOOST_AUTO_TEST_CASE(terminal_cancellation_of_a_task_that_stops_yields_what_it_returns) {
    const scratch here;
    procpool::process_pool pool({.workers = 1, .kill_grace = 30s});
    const int before = pool.submit(own_pid).get();
    auto task = pool.submit(run_until_asked, here.file("began"), 5).start();
    BOOST_REQUIRE(wait_until([&] { return exists(here.file("began")); }));
    task.cancel();
    BOOST_TEST(task.get() == 5);
    BOOST_TEST(pool.submit(own_pid).get() == before);
}

BOOST_AUTO_TEST_CASE(a_stop_token_calls_back_while_the_task_computes) {
    const scratch here;
    procpool::process_pool pool({.workers = 1, .kill_grace = 30s});
    auto task = pool.submit(
                        [](const std::string& began) {
                            const std::stop_token token = procpool::this_task::stop_token();
                            std::atomic<bool> called = false;
                            const std::stop_callback callback(token, [&] { called = true; });
                            touch(began);
                            while (!called) {
                            }
                            return token.stop_requested();
                        },
                        here.file("began"))
                    .start();
    BOOST_REQUIRE(wait_until([&] { return exists(here.file("began")); }));
    task.cancel();
    BOOST_TEST(task.get() == true);
    // A token of the next task is a new one.
    BOOST_TEST(pool.submit([] { return procpool::this_task::stop_token().stop_requested(); }).get() == false);
}

BOOST_AUTO_TEST_CASE(what_a_task_asks_of_itself_outside_a_worker_is_answered_with_nothing) {
    BOOST_TEST(procpool::this_task::id() == 0u);
    BOOST_TEST(procpool::this_task::attempt() == 0u);
    BOOST_TEST(!procpool::this_task::stop_requested());
    BOOST_TEST(!procpool::this_task::stop_token().stop_possible());
    procpool::this_task::report_progress(0.5);
}

BOOST_AUTO_TEST_CASE(a_task_knows_its_number_and_its_progress_is_told_in_order_before_its_result) {
    procpool::process_pool pool({.workers = 1});
    std::vector<double> told;
    std::string text;
    auto task = pool.submit(
                        [](int steps) {
                            for (int i = 1; i <= steps; ++i)
                                procpool::this_task::report_progress(static_cast<double>(i) / steps, std::to_string(i));
                            return procpool::this_task::id();
                        },
                        8)
                    .on_progress([&](const procpool::progress& one) {
                        told.push_back(one.fraction);
                        text += one.message;
                    })
                    .start();
    BOOST_TEST(task.get() == task.id());
    BOOST_TEST(told.size() == 8u);
    BOOST_TEST(std::ranges::is_sorted(told));
    BOOST_TEST(text == "12345678");
}

// What is left until a point of time may be less than nothing.
BOOST_AUTO_TEST_CASE(limits_that_are_over_before_the_submission_fail_it_and_it_never_runs) {
    const scratch here;
    procpool::process_pool pool({.workers = 1});
    const auto run = [&](auto submission) { return code_of([&] { std::move(submission).get(); }); };
    BOOST_TEST((run(pool.submit(note_and_return, 1, here.file("diary")).timeout(-1ms)) == errc::timed_out));
    BOOST_TEST((run(pool.submit(note_and_return, 1, here.file("diary")).queue_timeout(-1ms)) == errc::queue_timed_out));
    BOOST_TEST((run(pool.map(echo, std::vector{1, 2, 3}).timeout(-1ms)) == errc::timed_out));
    BOOST_TEST((run(pool.map(echo, std::vector{1, 2, 3}).queue_timeout(-1ms)) == errc::queue_timed_out));
    BOOST_TEST(pool.submit(note_and_return, 2, here.file("diary")).timeout(0ms).queue_timeout(0ms).get() == 2);
    BOOST_TEST(notes(here.file("diary")).size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
