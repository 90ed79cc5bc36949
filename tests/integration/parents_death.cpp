// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Invariant 6: when the pool's process is killed, its workers and all that they started are gone within a second,
// whatever they were doing. What is killed is this program again, told by its environment what to do. (Out of reach is
// what has left the worker's process group, by setpgid or setsid: nothing but a container or a cgroup holds that
// together.)

#include <procpool/procpool.hpp>

#include <integration/scratch.hpp>
#include <support/proc.hpp>
#include <support/send_signal.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace procpool::testing;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t workers = 3;

// How often what depends on the moment is tried. With a sanitizer everything takes longer to start.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int rounds = 10;
#else
constexpr int rounds = 40;
#endif

// What the victim's tasks do ----------------------------------------------------------------------------------------

[[noreturn]] void spin() {
    for (volatile std::uint64_t counter = 0;;)
        counter = counter + 1;
}

[[noreturn]] void sleep_for_ever() {
    for (;;)
        ::pause();
}

void note_and_spin(const std::string& diary) {
    note(diary, ::getpid());
    spin();
}

void block_signals_and_spin(const std::string& diary) {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
    for (const int number : {SIGTERM, SIGINT, SIGHUP})
        ::signal(number, SIG_IGN);
    note_and_spin(diary);
}

void note_and_stop(const std::string& diary) {
    note(diary, ::getpid());
    ::raise(SIGSTOP);
    spin();
}

/// Starts a child, and a grandchild below that, which block and ignore what they can.
void start_family_and_spin(const std::string& diary) {
    if (::fork() == 0) {
        if (::fork() == 0) {
            ::signal(SIGHUP, SIG_IGN);
            note(diary, ::getpid());
            sleep_for_ever();
        }
        block_signals_and_spin(diary);
    }
    note_and_spin(diary);
}

/// Starts a child that stays.
void start_child(const std::string& diary) {
    const pid_t child = ::fork();
    if (child == 0)
        sleep_for_ever();
    note(diary, ::getpid());
    note(diary, child);
}

/// The same, and returns when every worker has one.
void start_child_and_return(const std::string& diary) {
    start_child(diary);
    if (!wait_until([&] { return notes(diary).size() >= 2 * workers; }, 60s))
        throw std::runtime_error("the other workers did not come");
}

/// The same, and then writes to the pool again and again.
void start_child_and_report(const std::string& diary) {
    start_child(diary);
    for (;;)
        procpool::this_task::report_progress(0.5);
}

void note_and_hang_at_the_end(const std::string& diary) {
    static const std::string where = diary;
    std::atexit([] { note_and_hang(where); });
}

/// Uses a pool of its own, whose workers are busy.
void use_own_pool(const std::string& diary) {
    procpool::process_pool pool({.workers = 2});
    auto one = pool.submit(note_and_spin, diary).start();
    auto two = pool.submit(note_and_spin, diary).start();
    note(diary, ::getpid());
    one.wait_for(1h);
}

// The victim --------------------------------------------------------------------------------------------------------

using victims_work = void (*)(const std::string& diary);

/// Keeps all workers at some task, which leaves so many notes in all, each a process.
void keep_busy(victims_work task, const std::string& diary) {
    procpool::process_pool pool({.workers = workers});
    std::vector<procpool::task_handle<void>> all;
    for (std::size_t i = 0; i != workers; ++i)
        all.push_back(pool.submit(task, diary).start());
    all.front().wait_for(1h);
}

struct way_to_die {
    const char* name;
    victims_work work;
    std::size_t processes; ///< so many notes are left before it is killed
    bool are_stopped = false;
    bool use_pipes = false; ///< they read or write when it is killed
};

const way_to_die ways[] = {
    {"idle workers",
     [](const std::string& diary) {
         procpool::process_pool pool({.workers = workers});
         wait_until([&] { return pool.stats().workers_idle == workers; }, 30s);
         note(diary, pool.submit([] { return ::getpid(); }).get());
         sleep_for_ever();
     },
     1},
    {"workers that compute without a pause", [](const std::string& diary) { keep_busy(note_and_spin, diary); },
     workers},
    {"workers that compute and listen to no signal",
     [](const std::string& diary) { keep_busy(block_signals_and_spin, diary); }, workers},
    {"workers that were stopped", [](const std::string& diary) { keep_busy(note_and_stop, diary); }, workers, true},
    {"workers that never become ready",
     [](const std::string& diary) {
         procpool::process_pool pool({.workers = workers, .initializer = procpool::bind(note_and_hang, diary)});
         sleep_for_ever();
     },
     workers},
    {"a fork server and workers that never come to their end",
     [](const std::string& diary) {
         procpool::process_pool pool({.workers = workers,
                                      .method = procpool::start_method::forkserver,
                                      .preload = procpool::bind(note_and_hang_at_the_end, diary)});
         for (std::size_t i = 0; i != workers; ++i)
             pool.submit([] {}).get();
         note(diary, ::getpid());
         sleep_for_ever();
     },
     1},
    {"workers with children and grandchildren",
     [](const std::string& diary) { keep_busy(start_family_and_spin, diary); }, 3 * workers},
    {"idle workers with children",
     [](const std::string& diary) {
         procpool::process_pool pool({.workers = workers});
         std::vector<procpool::task_handle<void>> all;
         for (std::size_t i = 0; i != workers; ++i)
             all.push_back(pool.submit(start_child_and_return, diary).start());
         for (auto& one : all)
             one.get();
         wait_until([&] { return pool.stats().workers_idle == workers; }, 30s);
         note(diary, ::getpid());
         sleep_for_ever();
     },
     2 * workers + 1, false, true},
    {"workers with children that report progress without a pause",
     [](const std::string& diary) { keep_busy(start_child_and_report, diary); }, 2 * workers, false, true},
    {"a fork server with a child",
     [](const std::string& diary) {
         procpool::process_pool pool({.workers = workers,
                                      .method = procpool::start_method::forkserver,
                                      .preload = procpool::bind(start_child, diary)});
         pool.submit([] {}).get();
         note(diary, ::getpid());
         sleep_for_ever();
     },
     3, false, true},
    {"workers with pools of their own", [](const std::string& diary) { keep_busy(use_own_pool, diary); }, 3 * workers},
};

constexpr const char* diary_variable = "PROCPOOL_TEST_DIARY";
constexpr const char* way_variable = "PROCPOOL_TEST_WAY";

/// Starts the victim, in a session of its own if possible, by which all that it leaves behind can be found.
pid_t start_victim(const std::string& way, const std::string& diary, bool own_session = true) {
    const pid_t victim = ::fork();
    if (victim == 0) {
        if (own_session)
            ::setsid();
        ::setenv(diary_variable, diary.c_str(), 1);
        ::setenv(way_variable, way.c_str(), 1);
        // Its search for leaks stops all threads, also the one that ends a process with its pool's, for longer than a
        // second on a busy machine.
        const char* const sanitizer = std::getenv("ASAN_OPTIONS");
        ::setenv("ASAN_OPTIONS", ((sanitizer ? sanitizer : "") + std::string(":detect_leaks=0")).c_str(), 1);
        ::execl("/proc/self/exe", "parents_death", "--run_test=victim", nullptr);
        ::_exit(1);
    }
    BOOST_TEST_REQUIRE(victim > 0);
    return victim;
}

std::string describe(const std::vector<pid_t>& all) {
    std::string text;
    for (const pid_t one : all)
        text += std::to_string(one) + " (state " + look_at(one).state + ") ";
    return text;
}

/// Kills the victim. All of its session has to be gone within a second.
void kill_and_check(pid_t victim) {
    send_signal(victim, SIGKILL);
    ::waitpid(victim, nullptr, 0);
    std::vector<pid_t> left;
    const bool gone = wait_until(
        [&] {
            left = members_of(victim);
            return left.empty();
        },
        1s);
    BOOST_TEST(gone, "these live on: " << describe(left));
    for (const pid_t one : left)
        send_signal(one, SIGKILL);
}

/// Starts the victim, and kills it when all is there that it starts.
void start_and_kill(const way_to_die& way) {
    const scratch here;
    const pid_t victim = start_victim(way.name, here.file("diary"));
    const bool all_there = wait_until([&] { return notes(here.file("diary")).size() >= way.processes; }, 30s);
    BOOST_TEST(all_there);
    // The workers and, if it is what they do, their children are there, and none has ended.
    for (const std::int64_t pid : notes(here.file("diary"))) {
        BOOST_TEST(look_at(static_cast<pid_t>(pid)).session == victim);
        if (way.are_stopped)
            BOOST_TEST(wait_until([&] { return look_at(static_cast<pid_t>(pid)).state == 'T'; }));
    }
    kill_and_check(victim);
}

} // namespace

BOOST_AUTO_TEST_SUITE(parents_death)

BOOST_AUTO_TEST_CASE(ends_all_workers_and_what_they_started_within_a_second_whatever_they_do) {
    for (const way_to_die& way : ways)
        BOOST_TEST_CONTEXT(way.name) {
            start_and_kill(way);
        }
}

// Whichever a worker hears of first, the end of a pipe or, in its thread that watches, that of the process.
BOOST_AUTO_TEST_CASE(ends_what_workers_have_started_also_if_they_see_the_end_of_their_pipes_first) {
    for (const way_to_die& way : ways)
        for (int round = 0; way.use_pipes && round != rounds; ++round)
            BOOST_TEST_CONTEXT(way.name << ", round " << round) {
                start_and_kill(way);
            }
}

// The kernel itself continues stopped processes when their parent's end leaves nobody in their session to do so, and
// tells them with SIGHUP. Where somebody in it adopts them, as an init of a container may, it does not.
BOOST_AUTO_TEST_CASE(ends_stopped_workers_also_where_another_process_of_their_session_adopts_them) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    const scratch here;
    const pid_t victim = start_victim("workers that were stopped", here.file("diary"), false);
    BOOST_TEST(wait_until([&] { return notes(here.file("diary")).size() == workers; }, 30s));
    const auto diary = notes(here.file("diary"));
    const std::vector<pid_t> stopped(diary.begin(), diary.end());
    for (const pid_t pid : stopped)
        BOOST_TEST(wait_until([&] { return look_at(pid).state == 'T'; }));
    send_signal(victim, SIGKILL);
    ::waitpid(victim, nullptr, 0);
    for (const pid_t pid : stopped) {
        BOOST_TEST(wait_until([&] { return !lives(pid); }, 1s), "this one lives on: " << describe({pid}));
        send_signal(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
    }
    // And whatever else the victim had started.
    const auto none_left = [] {
        while (::waitpid(-1, nullptr, WNOHANG) > 0) {
        }
        return errno == ECHILD;
    };
    BOOST_TEST(wait_until(none_left, 1s));
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

BOOST_AUTO_TEST_CASE(at_any_moment_of_a_launch_ends_what_was_started) {
    std::mt19937 random(std::random_device{}());
    for (int round = 0; round != 40; ++round) {
        const scratch here;
        const pid_t victim = start_victim("pools that come and go", here.file("diary"));
        BOOST_TEST_REQUIRE(wait_until([&] { return !notes(here.file("diary")).empty(); }, 30s));
        // Not to wait for something, but to come at another moment each time.
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 10'000));
        kill_and_check(victim);
    }
}

BOOST_AUTO_TEST_SUITE_END()

// Not tests: what the cases above start and kill. They are run only by name, and do nothing without being told what.
BOOST_AUTO_TEST_SUITE(victim, *boost::unit_test::disabled())

BOOST_AUTO_TEST_CASE(lives_until_it_is_killed) {
    const char* const diary = std::getenv(diary_variable);
    const char* const wanted = std::getenv(way_variable);
    BOOST_TEST_REQUIRE((diary && wanted));
    for (const way_to_die& way : ways)
        if (way.name == std::string(wanted))
            way.work(diary);
    if (wanted == std::string("pools that come and go"))
        for (int round = 0;; ++round) {
            procpool::process_pool pool({.workers = 4});
            if (round == 0)
                note(diary, ::getpid());
            if (round % 4 != 0)
                pool.submit([] {}).get();
        }
}

BOOST_AUTO_TEST_SUITE_END()
