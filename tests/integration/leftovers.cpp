// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Invariants 5 and 6: what is left when a pool, or its whole process, is gone.

#include <procpool/procpool.hpp>

#include <integration/scratch.hpp>
#include <support/leftovers.hpp>
#include <support/proc.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace asio = boost::asio;
using namespace procpool::testing;
using namespace std::chrono_literals;

namespace {

// In a task: starts a child, which would live for long, and leaves word of both.
void start_grandchild_and_compute(const std::string& diary) {
    const pid_t child = ::fork();
    if (child == 0) {
        for (;;)
            ::pause();
    }
    note(diary, child);
    note(diary, ::getpid());
    std::atomic<std::uint64_t> counter = 0;
    for (;;)
        counter.fetch_add(1, std::memory_order_relaxed);
}

bool has_children() {
    return ::waitid(P_ALL, 0, nullptr, WEXITED | WNOHANG | WNOWAIT) == 0;
}

} // namespace

BOOST_AUTO_TEST_SUITE(leftovers)

BOOST_AUTO_TEST_CASE(a_destroyed_pool_leaves_no_child_descriptor_or_thread_whatever_it_was_doing) {
    const scratch here;
    const auto before = procpool::testing::leftovers::now();
    for (int round = 0; round != 10; ++round) {
        procpool::process_pool pool({.workers = 3});
        if (round > 0) // starting or not
            pool.submit([] {}).get();
        const std::string began = here.file("began " + std::to_string(round));
        auto running = pool.submit(meet_and_return, began, here.file("never"), 1).start();
        std::vector<procpool::task_handle<int>> waiting;
        for (int i = 0; i != 100 * round; ++i)
            waiting.push_back(pool.submit(meet_and_return, here.file("x"), here.file("never"), 1).start());
        if (round > 1)
            BOOST_REQUIRE(wait_until([&] { return exists(began); }));
    }
    BOOST_TEST(!has_children());
    const auto after = procpool::testing::leftovers::now();
    BOOST_TEST(after.beyond(before) == "");
    BOOST_TEST(before.beyond(after) == "");
}

BOOST_AUTO_TEST_CASE(the_handles_of_a_destroyed_pool_are_told_even_if_nobody_runs_its_context) {
    asio::io_context context;
    std::vector<procpool::task_handle<int>> handles;
    {
        procpool::process_pool pool(context, {.workers = 2});
        handles.push_back(pool.submit([] { return ::pause(); }).start()); // whatever becomes of the others
        for (int i = 0; i != 10'000; ++i)
            handles.push_back(pool.submit([](int value) { return value; }, i).start());
        context.poll();
    }
    int terminated = 0;
    for (auto& one : handles) {
        BOOST_REQUIRE(one.ready());
        try {
            one.get();
        } catch (const procpool::pool_error& error) {
            terminated += error.code() == procpool::errc::pool_terminated;
        }
    }
    BOOST_TEST(terminated > 0);
}

BOOST_AUTO_TEST_CASE(what_a_task_started_ends_with_its_worker) {
    const scratch here;
    {
        procpool::process_pool pool({.workers = 1});
        auto busy = pool.submit(start_grandchild_and_compute, here.file("diary")).start();
        BOOST_REQUIRE(wait_until([&] { return notes(here.file("diary")).size() == 2; }));
    }
    for (const std::int64_t pid : notes(here.file("diary")))
        BOOST_TEST(wait_until([&] { return !lives(static_cast<pid_t>(pid)); }, 5s));
}

// Invariant 6.
BOOST_AUTO_TEST_CASE(when_the_pools_process_is_killed_its_workers_and_what_they_started_are_gone_within_a_second) {
    const scratch here;
    // A process of its own to be killed: this program again, told by its arguments to run the case below alone.
    const pid_t victim = ::fork();
    if (victim == 0) {
        ::setenv("PROCPOOL_TEST_DIARY", here.file("diary").c_str(), 1);
        ::execl("/proc/self/exe", "leftovers", "--run_test=leftovers_of_a_victim", nullptr);
        ::_exit(1);
    }
    // Two busy workers with a child each, and an idle one.
    BOOST_REQUIRE(wait_until([&] { return notes(here.file("diary")).size() == 5; }, 30s));
    ::kill(victim, SIGKILL);
    ::waitpid(victim, nullptr, 0);
    for (const std::int64_t pid : notes(here.file("diary")))
        BOOST_TEST(wait_until([&] { return !lives(static_cast<pid_t>(pid)); }, 1s), "process " << pid << " lives on");
}

BOOST_AUTO_TEST_SUITE_END()

// Not a test: what the case above starts and kills. It is run only by name, and does nothing without being told where.
BOOST_AUTO_TEST_SUITE(leftovers_of_a_victim, *boost::unit_test::disabled())

BOOST_AUTO_TEST_CASE(lives_until_it_is_killed) {
    const char* const diary = std::getenv("PROCPOOL_TEST_DIARY");
    BOOST_REQUIRE(diary);
    procpool::process_pool pool({.workers = 3});
    const pid_t idle = pool.submit([] { return ::getpid(); }).get();
    auto first = pool.submit(start_grandchild_and_compute, std::string(diary)).start();
    auto second = pool.submit(start_grandchild_and_compute, std::string(diary)).start();
    note(diary, idle);
    first.wait_for(60s);
}

BOOST_AUTO_TEST_SUITE_END()
