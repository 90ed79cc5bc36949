// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Workers that die while they have tasks: who is blamed, who is not, and what starts again.

#include <procpool/procpool.hpp>

#include <integration/own_place.hpp>
#include <integration/scratch.hpp>
#include <support/proc.hpp>
#include <support/send_signal.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <random>
#include <set>
#include <stdexcept>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace procpool::testing;
using namespace std::chrono_literals;

namespace {

int same(int value) {
    return value;
}

pid_t own_pid() {
    return ::getpid();
}

std::string text_of(std::size_t size) {
    return std::string(size, static_cast<char>('a' + size % 26));
}

// Notes its process and how much the pipe for its answers holds, and goes on when it is told to.
void note_and_meet(const std::string& diary, const std::string& go_on) {
    note(diary, ::getpid());
    note(diary, ::fcntl(own_pipe(O_WRONLY), F_GETPIPE_SZ));
    if (!wait_until([&] { return exists(go_on); }, 60s))
        throw std::runtime_error("nobody told the task to go on");
}

// Whether a child, with all of its threads, is at its end. It stays for the pool to reap.
bool is_dead(pid_t child) {
    siginfo_t end{};
    return ::waitid(P_PID, static_cast<id_t>(child), &end, WEXITED | WNOHANG | WNOWAIT) == 0 && end.si_pid == child;
}

// One in seven ends its worker, in one of the ways in which processes end.
int die_on_sevens(int value, const std::string& diary) {
    note(diary, value);
    if (value % 7 == 3) {
        switch (value % 3) {
        case 0:
            ::raise(SIGKILL);
            break;
        case 1:
            ::_exit(9);
        default:
            ::abort();
        }
    }
    return value;
}

// Every worker kills another one, and so all of them die. What kills is held back until all have sent theirs: one that died
// at once could not kill its own victim any more.
void kill_the_next_of(const std::vector<pid_t>& workers, const std::string& diary) {
    const auto met = [&](std::size_t times) {
        note(diary, ::getpid());
        if (!wait_until([&] { return notes(diary).size() >= times * workers.size(); }, 60s))
            throw std::runtime_error("the workers did not meet");
    };
    sigset_t killing;
    ::sigemptyset(&killing);
    ::sigaddset(&killing, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &killing, nullptr);
    met(1);
    const auto own = std::ranges::find(workers, ::getpid());
    if (own == workers.end())
        throw std::runtime_error("this is no worker that was there before");
    send_signal(own + 1 != workers.end() ? own[1] : workers.front(), SIGTERM);
    met(2);
    ::pthread_sigmask(SIG_UNBLOCK, &killing, nullptr);
}

bool was_ended_by_sigterm(const procpool::worker_died& died) {
    return died.details().signal == SIGTERM;
}

} // namespace

BOOST_AUTO_TEST_SUITE(deaths)

BOOST_AUTO_TEST_CASE(a_killed_worker_fails_its_task_with_pid_and_signal_and_the_pool_goes_on) {
    procpool::process_pool pool({.workers = 1});
    const pid_t before = pool.submit(own_pid).get();
    try {
        pool.submit([] { ::raise(SIGKILL); }).get();
        BOOST_FAIL("the task returned");
    } catch (const procpool::worker_died& died) {
        BOOST_TEST(died.details().pid == before);
        BOOST_TEST(died.details().signal.value() == SIGKILL);
        BOOST_TEST(!died.details().exit_code);
        BOOST_TEST(died.details().worker == 0U);
        BOOST_TEST((died.details().phase == procpool::task_phase::running));
        BOOST_TEST(died.code() == procpool::make_error_code(procpool::errc::worker_died));
        BOOST_TEST(std::string(died.what()).find("SIGKILL") != std::string::npos);
    }
    BOOST_TEST(pool.submit(own_pid).get() != before);
    BOOST_TEST(pool.stats().workers_died == 1U);
}

BOOST_AUTO_TEST_CASE(an_exit_code_is_told_apart_from_a_signal_of_the_same_number) {
    procpool::process_pool pool({.workers = 1});
    try {
        pool.submit([] { ::_exit(9); }).get();
        BOOST_FAIL("the task returned");
    } catch (const procpool::worker_died& died) {
        BOOST_TEST(died.details().exit_code.value() == 9);
        BOOST_TEST(!died.details().signal);
    }
}

// Invariants 1 and 2.
BOOST_AUTO_TEST_CASE(every_operation_completes_exactly_once_and_no_task_starts_twice_while_tasks_kill_their_workers) {
    const scratch here;
    const std::string diary = here.file("diary");
    constexpr int tasks = 700;
    std::vector<std::atomic<int>> completed(tasks);
    std::atomic<int> died = 0;
    std::atomic<int> other = 0;
    {
        procpool::process_pool pool({.workers = 3});
        for (int i = 0; i != tasks; ++i)
            pool.submit(die_on_sevens, i, diary)([&, i](std::exception_ptr error, int result) {
                ++completed[static_cast<std::size_t>(i)];
                try {
                    if (error)
                        std::rethrow_exception(error);
                    other += result != i || i % 7 == 3;
                } catch (const procpool::worker_died&) {
                    ++died;
                    other += i % 7 != 3; // nobody else is to be blamed
                } catch (...) {
                    ++other;
                }
            });
        pool.close();
        pool.join().get();
    }
    BOOST_TEST(std::all_of(completed.begin(), completed.end(), [](const auto& times) { return times == 1; }));
    BOOST_TEST(died == tasks / 7);
    BOOST_TEST(other == 0);
    const auto started = notes(diary);
    BOOST_TEST(started.size() == std::set(started.begin(), started.end()).size());
    BOOST_TEST(started.size() == static_cast<std::size_t>(tasks));
}

// The same, with somebody outside who kills workers at any moment: between tasks, in the middle of one, of a write.
BOOST_AUTO_TEST_CASE(every_operation_completes_exactly_once_and_no_task_starts_twice_while_somebody_kills_workers) {
    const scratch here;
    const std::string diary = here.file("diary");
    constexpr int tasks = 4000;
    const unsigned seed = std::random_device{}();
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937 random(seed);
    std::vector<std::atomic<int>> completed(tasks);
    std::atomic<int> left = tasks;
    std::atomic<int> succeeded = 0;
    std::atomic<int> died = 0;
    std::atomic<int> other = 0;
    {
        procpool::process_pool pool({.workers = 2});
        for (int i = 0; i != tasks; ++i)
            pool.submit(note_and_return, i, diary)([&, i](std::exception_ptr error, int result) {
                ++completed[static_cast<std::size_t>(i)];
                try {
                    if (error)
                        std::rethrow_exception(error);
                    ++succeeded;
                    other += result != i;
                } catch (const procpool::worker_died&) {
                    ++died;
                } catch (...) {
                    ++other;
                }
                --left;
            });
        // Workers are found by what they tell themselves: one more task each time, among the others.
        while (left != 0) {
            try {
                const pid_t victim = pool.submit(own_pid).get();
                if (std::uniform_int_distribution(0, 3)(random) == 0)
                    ::kill(victim, SIGKILL);
            } catch (const procpool::worker_died&) {
                // the one that asked was hit itself
            }
        }
        pool.close();
        pool.join().get();
        BOOST_TEST(pool.stats().workers_died + 0U >= static_cast<std::size_t>(died));
    }
    BOOST_TEST(std::all_of(completed.begin(), completed.end(), [](const auto& times) { return times == 1; }));
    BOOST_TEST(succeeded + died == tasks);
    BOOST_TEST(other == 0);
    const auto started = notes(diary);
    BOOST_TEST(started.size() == std::set(started.begin(), started.end()).size());
    BOOST_TEST(started.size() >= static_cast<std::size_t>(succeeded));
}

// Invariant 3.
BOOST_AUTO_TEST_CASE(only_the_task_that_ran_is_blamed_and_those_sent_ahead_go_elsewhere_unnoticed) {
    const scratch here;
    procpool::process_pool pool({.workers = 1});
    auto blocker = pool.submit(meet_and_return, here.file("began"), here.file("go on"), 1).start();
    BOOST_REQUIRE(wait_until([&] { return exists(here.file("began")); }));
    auto killer = pool.submit([] { ::raise(SIGSEGV); }).start();
    std::vector<procpool::task_handle<int>> behind;
    for (int i = 0; i != 200; ++i)
        behind.push_back(pool.submit(same, i).start());
    BOOST_REQUIRE(wait_until([&] { return pool.stats().tasks_with_workers == 202; }));
    touch(here.file("go on"));
    BOOST_TEST(blocker.get() == 1);
    BOOST_CHECK_THROW(killer.get(), procpool::worker_died);
    for (int i = 0; i != 200; ++i)
        BOOST_TEST(behind[static_cast<std::size_t>(i)].get() == i);
}

BOOST_AUTO_TEST_CASE(a_worker_killed_while_idle_is_replaced_and_nothing_fails) {
    procpool::process_pool pool({.workers = 2});
    const pid_t first = pool.submit(own_pid).get();
    ::kill(first, SIGKILL);
    BOOST_REQUIRE(wait_until([&] { return pool.stats().workers_died == 1 && pool.stats().workers_idle == 2; }));
    for (int i = 0; i != 100; ++i)
        BOOST_TEST(pool.submit(own_pid).get() != first);
}

BOOST_AUTO_TEST_CASE(a_pool_is_at_full_strength_again_however_many_workers_were_killed_before_they_were_of_use) {
    procpool::process_pool pool({.workers = 2});
    for (std::uint64_t killed = 1; killed != 5; ++killed) {
        BOOST_REQUIRE(wait_until([&] { return pool.stats().workers_idle == 2; }));
        send_signal(children().back(), SIGKILL);
        BOOST_REQUIRE(wait_until([&] { return pool.stats().workers_died == killed; }));
    }
    // Now another one is started only when there is work, and all of them only when one was of use.
    BOOST_TEST(pool.submit(own_pid).get() != 0);
    BOOST_TEST(wait_until([&] { return pool.stats().workers_idle == 2; }));
}

// By whichever way it was written: the ring, the pipe, or shared memory. The worker is dead before any of it is read.
BOOST_AUTO_TEST_CASE(a_result_that_was_written_before_the_worker_died_counts) {
    const scratch here;
    boost::asio::io_context context;
    procpool::process_pool pool(context, {.workers = 1});
    auto first = pool.submit(note_and_meet, here.file("diary"), here.file("go on")).start();
    BOOST_TEST_REQUIRE(run_for(context, 20s, [&] { return notes(here.file("diary")).size() == 2; }));
    const auto worker = static_cast<pid_t>(notes(here.file("diary"))[0]);
    const auto room = static_cast<std::size_t>(notes(here.file("diary"))[1]);

    // Of those that go through the pipe as many as it holds, which is more than is read at once.
    std::vector<std::size_t> sizes(room / (64 * 1024), 50'000);
    sizes.insert(sizes.end(), {3'000'000, 4});
    sizes.insert(sizes.begin(), {4, 3'000'000});
    std::vector<int> told(sizes.size());
    std::vector<std::string> results(sizes.size());
    for (std::size_t i = 0; i != sizes.size(); ++i)
        pool.submit(text_of, sizes[i])([&, i](std::exception_ptr error, std::string result) {
            ++told[i];
            if (!error)
                results[i] = std::move(result);
        });
    auto killer = pool.submit([] { ::_exit(0); }).start();
    const std::size_t all = sizes.size() + 2;
    BOOST_TEST_REQUIRE(run_for(context, 20s, [&] { return pool.stats().tasks_with_workers == all; }));
    context.poll(); // until all of it is written to the worker

    touch(here.file("go on"));
    BOOST_TEST_REQUIRE(wait_until([&] { return is_dead(worker); }));
    pool.close();
    auto joined = pool.join().start();
    BOOST_TEST_REQUIRE(run_for(context, 20s, [&] { return joined.ready(); }));
    BOOST_TEST(first.successful());
    for (std::size_t i = 0; i != sizes.size(); ++i) {
        BOOST_TEST(told[i] == 1, "result " << i << " was told " << told[i] << " times");
        BOOST_TEST((results[i] == text_of(sizes[i])), "result " << i << " of " << sizes[i] << " bytes");
    }
    BOOST_CHECK_THROW(killer.get(), procpool::worker_died);
}

// Invariant 10.
BOOST_AUTO_TEST_CASE(a_finished_result_never_waits_for_the_task_behind_it) {
    const scratch here;
    procpool::process_pool pool({.workers = 1});
    std::vector<procpool::task_handle<int>> quick;
    for (int i = 0; i != 50; ++i)
        quick.push_back(pool.submit(same, i).start());
    auto slow = pool.submit(meet_and_return, here.file("began"), here.file("go on"), 1).start();
    for (auto& one : quick)
        BOOST_TEST(one.wait_for(20s)); // the slow one ends only after this
    BOOST_TEST(!slow.ready());
    touch(here.file("go on"));
    BOOST_TEST(slow.get() == 1);
}

BOOST_AUTO_TEST_CASE(tasks_sent_ahead_behind_a_long_one_move_to_an_idle_worker) {
    const scratch here;
    procpool::process_pool pool({.workers = 2});
    BOOST_REQUIRE(wait_until([&] { return pool.stats().workers_idle == 2; }));
    auto slow = pool.submit(meet_and_return, here.file("began"), here.file("go on"), 1).start();
    std::vector<procpool::task_handle<int>> quick;
    for (int i = 0; i != 2000; ++i)
        quick.push_back(pool.submit(same, i).start());
    for (auto& one : quick)
        BOOST_REQUIRE(one.wait_for(20s));
    BOOST_TEST(!slow.ready());
    touch(here.file("go on"));
    BOOST_TEST(slow.get() == 1);
}

BOOST_AUTO_TEST_CASE(workers_of_every_number_kill_each_other_and_the_pool_is_at_full_strength_again) {
    for (const std::size_t workers : {1U, 2U, 5U, 13U})
        BOOST_TEST_CONTEXT(workers << " workers") {
            const scratch here;
            procpool::process_pool pool({.workers = workers});
            BOOST_REQUIRE(wait_until([&] { return pool.stats().workers_idle == workers; }));
            const std::vector<pid_t> first = children_started_as("--procpool-worker=1");
            BOOST_REQUIRE(first.size() == workers);
            std::vector<procpool::task_handle<void>> killers;
            for (std::size_t i = 0; i != workers; ++i)
                killers.push_back(pool.submit(kill_the_next_of, first, here.file("diary")).start());
            for (auto& one : killers) {
                BOOST_REQUIRE(one.wait_for(20s));
                BOOST_CHECK_EXCEPTION(one.get(), procpool::worker_died, was_ended_by_sigterm);
            }
            BOOST_TEST(pool.stats().workers_died == workers);
            BOOST_REQUIRE(wait_until([&] { return pool.stats().workers_idle == workers; }));
            const std::vector<pid_t> second = children_started_as("--procpool-worker=1");
            BOOST_TEST(second.size() == workers);
            BOOST_TEST((std::ranges::find_first_of(second, first) == second.end())); // all of them are new
            BOOST_TEST(pool.submit(same, 5).get() == 5);
        }
}

BOOST_AUTO_TEST_SUITE_END()
