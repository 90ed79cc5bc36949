// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Workers forked by a server process: what is different from spawned ones, and what must not be. (Everything else is tested by the
// other programs of this folder, which run a second time with all workers forked.)

#include <procpool/procpool.hpp>

#include <integration/forked.hpp>
#include <integration/scratch.hpp>
#include <support/leftovers.hpp>
#include <support/send_signal.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <iterator>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace procpool::testing;
using namespace std::chrono_literals;

namespace {

// What runs in workers ------------------------------------------------------------------------------------------------

void handle(int) {
}

struct surroundings {
    pid_t pid = 0;
    pid_t parent = 0;
    pid_t group = 0;
    std::vector<int> blocked;
    std::vector<int> handled;
    std::map<int, std::string> descriptors;
    bool tid_is_right = false;
    bool mutex_is_right = false;
    std::size_t threads = 0;
    std::string name;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& pid& parent& group& blocked& handled& descriptors& tid_is_right& mutex_is_right& threads& name;
    }
};

// What a library knows of its own thread: an error-checking mutex has the C library look at the id that it keeps.
bool try_mutex() {
    pthread_mutexattr_t kind;
    ::pthread_mutexattr_init(&kind);
    ::pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ERRORCHECK);
    ::pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_t mutex;
    ::pthread_mutex_init(&mutex, &kind);
    const int first = ::pthread_mutex_lock(&mutex);
    const int second = ::pthread_mutex_lock(&mutex);
    const int third = ::pthread_mutex_unlock(&mutex);
    ::pthread_mutex_destroy(&mutex);
    return first == 0 && second == EDEADLK && third == 0;
}

surroundings look_around() {
    surroundings found;
    found.pid = ::getpid();
    found.parent = ::getppid();
    found.group = ::getpgrp();
    sigset_t mask;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    for (int signal = 1; signal != 32; ++signal) {
        if (::sigismember(&mask, signal) == 1)
            found.blocked.push_back(signal);
        struct sigaction now {};
        ::sigaction(signal, nullptr, &now);
        if (now.sa_handler != SIG_DFL)
            found.handled.push_back(signal);
    }
    found.descriptors = open_descriptors();
    found.tid_is_right = ::gettid() == ::getpid() && ::pthread_kill(::pthread_self(), 0) == 0;
    found.mutex_is_right = try_mutex();
    found.threads = numbered("/proc/self/task").size();
    found.name = content_of("/proc/self/comm");
    return found;
}

/// What kinds of things the descriptors refer to, apart from the streams and numbers.
std::multiset<std::string> kinds(const surroundings& of) {
    std::multiset<std::string> all;
    for (const auto& [fd, target] : of.descriptors)
        if (fd > 2 && target.find("/proc/") != 0)
            all.insert(target.substr(0, target.find_first_of(":[")));
    return all;
}

/// A preload.
void disturb_signals() {
    ::signal(SIGTERM, handle);
    ::signal(SIGUSR1, SIG_IGN);
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

// The end of the pool's process ---------------------------------------------------------------------------------------

constexpr const char* diary_variable = "PROCPOOL_TEST_DIARY";
constexpr const char* way_variable = "PROCPOOL_TEST_WAY";

} // namespace

BOOST_AUTO_TEST_SUITE(fork_server)

// What a worker is ----------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_forked_worker_finds_everything_as_a_spawned_one_does) {
    procpool::process_pool spawning({.workers = 1});
    procpool::process_pool forking(forked_after(procpool::bind(disturb_signals)));
    const surroundings spawned = spawning.submit(look_around).get();
    const surroundings made = forking.submit(look_around).get();
    BOOST_TEST(made.parent == ::getpid());
    BOOST_TEST(made.group == made.pid);
    BOOST_TEST(made.blocked == spawned.blocked, boost::test_tools::per_element());
    BOOST_TEST(made.handled == spawned.handled, boost::test_tools::per_element());
    BOOST_TEST(made.tid_is_right);
    BOOST_TEST(made.mutex_is_right);
    if (all_threads_are_the_programs)
        BOOST_TEST(made.threads == spawned.threads);
    BOOST_TEST(made.name == spawned.name);
    BOOST_TEST(kinds(made) == kinds(spawned), boost::test_tools::per_element());
    BOOST_TEST(made.descriptors.at(0) == "/dev/null");
    for (const int stream : {1, 2})
        BOOST_TEST(made.descriptors.at(stream) == spawned.descriptors.at(stream));
    const auto fd = std::max_element(made.descriptors.begin(), made.descriptors.end())->first;
    BOOST_TEST(fd >= 512); // out of a task's way
    BOOST_TEST((arguments_of(made.pid) == arguments_of(spawned.pid)));
    BOOST_TEST((arguments_of(made.pid).back() == "--procpool-worker=1"));
}

BOOST_AUTO_TEST_CASE(ends_of_forked_workers_are_told_with_exit_code_signal_and_usage) {
    procpool::process_pool pool(forked(1));
    const auto details_of = [&](auto task) {
        try {
            pool.submit(task).get();
        } catch (const procpool::worker_died& died) {
            return died.details();
        }
        throw std::logic_error("it did not die");
    };
    const auto exited = details_of([] { ::_exit(9); });
    BOOST_TEST(exited.exit_code.value() == 9);
    BOOST_TEST(!exited.signal);
    BOOST_TEST(exited.usage.has_value());
    const auto aborted = details_of([] { std::abort(); });
    BOOST_TEST(aborted.signal.value() == SIGABRT);
    const auto raised = details_of([] { ::raise(SIGSEGV); });
    BOOST_TEST(raised.signal.value() == SIGSEGV);
    const auto killed = details_of([] { ::raise(SIGKILL); });
    BOOST_TEST(killed.signal.value() == SIGKILL);
    BOOST_TEST(pool.submit(same, 3).get() == 3);
}

// The server's end ----------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(killing_the_idle_server_disturbs_no_worker_and_the_next_start_begins_with_another) {
    procpool::process_pool pool(forked_after(procpool::bind(set_value, 5), 2));
    BOOST_REQUIRE(at_full_strength(pool, 2));
    const pid_t first = server();
    const pid_t worker = pool.submit(own_pid).get();
    send_signal(first, SIGKILL);
    BOOST_TEST(is_gone(first)); // reaped, that is
    BOOST_TEST(pool.submit(own_pid).get() == worker);
    BOOST_TEST(pool.stats().workers_died == 0U);
    send_signal(worker, SIGKILL);
    BOOST_TEST(is_gone(worker));
    BOOST_TEST(at_full_strength(pool, 2));
    BOOST_TEST(server() != first);
    for (int i = 0; i != 20; ++i)
        BOOST_TEST(pool.submit(get_value).get() == 5);
    BOOST_TEST(pool.stats().workers_died == 1U);
}

BOOST_AUTO_TEST_CASE(killing_the_server_at_any_moment_of_starts_leaves_nothing_behind_and_the_pool_recovers) {
    const leftovers before = leftovers::now();
    {
        procpool::process_pool pool(forked(3));
        std::mt19937 random(7);
        for (int round = 0; round != 40; ++round) {
            BOOST_TEST_REQUIRE(recovers(pool));
            BOOST_TEST_REQUIRE(at_full_strength(pool, 3));
            for (const pid_t one : children_started_as("--procpool-worker=1"))
                send_signal(one, SIGKILL);
            // Not to wait for something, but to come at another moment each time: before, while and after it forks.
            std::this_thread::sleep_for(std::chrono::microseconds(random() % 2'000));
            // There may be none: the last one was killed when it had made all that was needed.
            for (const pid_t one : children_started_as("--procpool-forker=1"))
                send_signal(one, SIGKILL);
        }
        BOOST_TEST(recovers(pool));
        BOOST_TEST(at_full_strength(pool, 3));
    }
    BOOST_TEST(wait_for_no_leftovers(before) == "");
}

BOOST_AUTO_TEST_CASE(a_server_that_was_stopped_is_given_up_and_replaced) {
    procpool::process_pool pool(forked(2));
    BOOST_REQUIRE(at_full_strength(pool, 2));
    const pid_t stopped = server();
    send_signal(stopped, SIGSTOP);
    BOOST_TEST(wait_until([&] { return look_at(stopped).state == 'T'; }));
    const pid_t victim = pool.submit(own_pid).get();
    send_signal(victim, SIGKILL);
    BOOST_TEST(is_gone(victim));
    BOOST_TEST(pool.submit(same, 6).get() == 6); // the other worker goes on meanwhile
    BOOST_TEST(is_gone(stopped));
    BOOST_TEST(at_full_strength(pool, 2));
}

BOOST_AUTO_TEST_CASE(a_pool_ends_with_a_server_that_was_stopped_idle_or_in_the_middle_of_an_order) {
    for (const bool ordered : {false, true}) {
        const leftovers before = leftovers::now();
        {
            procpool::process_pool pool(forked(1));
            BOOST_REQUIRE(at_full_strength(pool, 1));
            const pid_t stopped = server();
            send_signal(stopped, SIGSTOP);
            BOOST_TEST(wait_until([&] { return look_at(stopped).state == 'T'; }));
            if (ordered) {
                send_signal(pool.submit(own_pid).get(), SIGKILL);
                BOOST_TEST(wait_until([&] { return pool.stats().workers_starting == 1; }, patience));
            }
        }
        BOOST_TEST(wait_for_no_leftovers(before) == "");
    }
}

BOOST_AUTO_TEST_CASE(join_completes_when_the_server_is_reaped_too) {
    procpool::process_pool pool(forked(2));
    BOOST_TEST(pool.submit(same, 2).get() == 2);
    pool.close();
    pool.join().get();
    BOOST_TEST(children_started_as("--procpool-forker=1").empty());
    BOOST_TEST(children_started_as("--procpool-worker=1").empty());
}

BOOST_AUTO_TEST_CASE(a_pool_can_end_at_any_moment_of_its_beginning) {
    const leftovers before = leftovers::now();
    for (int round = 0; round != 30; ++round) {
        procpool::process_pool pool(forked_after(procpool::bind(set_value, 1), 3));
        // Not to wait for something, but to come at another moment each time.
        std::this_thread::sleep_for(std::chrono::microseconds(500 * round));
        if (round % 3 == 1)
            pool.terminate();
        if (round % 3 == 2) {
            pool.close();
            pool.join().get();
        }
    }
    BOOST_TEST(wait_for_no_leftovers(before) == "");
}

BOOST_AUTO_TEST_CASE(events_tell_of_workers_as_if_they_were_spawned) {
    std::mutex mutex;
    std::vector<procpool::worker_event> events;
    {
        procpool::pool_options options = forked(1);
        options.on_event = [&](const procpool::worker_event& event) {
            const std::lock_guard lock(mutex);
            events.push_back(event);
        };
        procpool::process_pool pool(options);
        const pid_t pid = pool.submit(own_pid).get();
        send_signal(pid, SIGKILL);
        BOOST_TEST(is_gone(pid));
        BOOST_TEST(recovers(pool));
        pool.close();
        pool.join().get();
    }
    using kind = procpool::worker_event::kind;
    const kind expected[]{kind::started, kind::ready, kind::died, kind::replaced, kind::ready, kind::retired};
    BOOST_REQUIRE(events.size() == std::size(expected));
    for (std::size_t i = 0; i != events.size(); ++i) {
        BOOST_TEST((events[i].what == expected[i]), i << ": " << to_string(events[i].what));
        BOOST_TEST(events[i].pid > 0);
    }
    BOOST_TEST(events[0].pid == events[2].pid);
    BOOST_TEST(events[3].pid == events[5].pid);
}

// The end of the pool's process ---------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(the_server_ends_with_the_pools_process_idle_stopped_and_in_the_middle_of_a_preload) {
    for (const char* const way : {"idle", "stopped", "preload"}) {
        BOOST_TEST_CONTEXT(way) {
            const scratch here;
            const pid_t victim = ::fork();
            BOOST_REQUIRE(victim >= 0);
            if (victim == 0) {
                ::setsid();
                ::setenv(diary_variable, here.file("diary").c_str(), 1);
                ::setenv(way_variable, way, 1);
                ::execl("/proc/self/exe", "fork_server", "--run_test=fork_server_victim", nullptr);
                ::_exit(1);
            }
            BOOST_TEST(wait_until([&] { return !notes(here.file("diary")).empty(); }, patience));
            const auto diary = notes(here.file("diary"));
            const pid_t noted = diary.empty() ? -1 : static_cast<pid_t>(diary.front());
            BOOST_TEST((arguments_of(noted).back() == "--procpool-forker=1"));
            send_signal(victim, SIGKILL);
            ::waitpid(victim, nullptr, 0);
            BOOST_TEST(wait_until([&] { return members_of(victim).empty(); }, 1s));
            for (const pid_t left : members_of(victim))
                send_signal(left, SIGKILL);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

// Not a test: what the case above starts and kills. It is run only by name, and does nothing without being told what.
BOOST_AUTO_TEST_SUITE(fork_server_victim, *boost::unit_test::disabled())

BOOST_AUTO_TEST_CASE(lives_until_it_is_killed) {
    const char* const diary = std::getenv(diary_variable);
    const char* const way = std::getenv(way_variable);
    BOOST_TEST_REQUIRE((diary && way));
    procpool::pool_options options = forked(2);
    if (std::string(way) == "preload")
        options.preload = procpool::bind(note_and_hang, std::string(diary));
    procpool::process_pool pool(options);
    if (std::string(way) != "preload") {
        BOOST_TEST(at_full_strength(pool, 2));
        const pid_t made = server();
        if (std::string(way) == "stopped") {
            send_signal(made, SIGSTOP);
            BOOST_TEST(wait_until([&] { return look_at(made).state == 'T'; }));
        }
        note(diary, made);
    }
    for (;;)
        ::pause();
}

BOOST_AUTO_TEST_SUITE_END()
