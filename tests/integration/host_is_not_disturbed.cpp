// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// What the program around the pool may count on: its own handlers, children, signals and threads.

#include <procpool/procpool.hpp>

#include <integration/scratch.hpp>
#include <support/proc.hpp>
#include <support/send_signal.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <functional>
#include <optional>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace asio = boost::asio;
using namespace procpool::testing;
using namespace std::chrono_literals;

namespace {

int same(int value) {
    return value;
}

/// A task: waits until so many of its kind run, each in a worker of its own, and returns its process.
pid_t meet_others(const std::string& diary, std::size_t count) {
    note(diary, ::getpid());
    if (!wait_until([&] { return notes(diary).size() >= count; }, 60s))
        throw std::runtime_error("the others did not come");
    return ::getpid();
}

} // namespace

BOOST_AUTO_TEST_SUITE(host_is_not_disturbed)

// Invariant 7, counted rather than timed: between two turns of the program's own handler there is only a portion of the
// completions, however many there are.
BOOST_AUTO_TEST_CASE(the_hosts_own_handlers_get_their_turn_among_hundreds_of_thousands_of_completions) {
    constexpr int tasks = 300'000;
    asio::io_context context;
    procpool::process_pool pool(context, {.workers = 2});
    int completed = 0;
    int last_turn = 0;
    int longest = 0;
    bool over = false;
    std::function<void()> own_handler = [&] {
        longest = std::max(longest, completed - last_turn);
        last_turn = completed;
        if (!over)
            asio::post(context, own_handler);
    };
    asio::post(context, own_handler);
    for (int i = 0; i != tasks; ++i)
        pool.submit(same, i)([&](std::exception_ptr, int) { over = ++completed == tasks; });
    BOOST_REQUIRE(run_for(context, 60s, [&] { return over; }));
    BOOST_TEST(longest <= 2 * 64);
}

// The same invariant for the pool's own work: no single handler of it takes long, whatever it has to do. The processor time
// of this thread is looked at, which other programs on the machine do not add to.
BOOST_AUTO_TEST_CASE(no_turn_of_the_pool_takes_the_thread_for_more_than_a_few_milliseconds) {
    constexpr int tasks = 300'000;
    asio::io_context context;
    procpool::process_pool pool(context, {.workers = 2});
    int completed = 0;
    for (int i = 0; i != tasks; ++i)
        pool.submit(same, i)([&](std::exception_ptr, int) { ++completed; });
    const auto cpu_time = [] {
        timespec now{};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
    };
    std::vector<long long> turns;
    while (completed != tasks) {
        const long long before = cpu_time();
        BOOST_REQUIRE(context.run_one_for(30s) == 1);
        turns.push_back(cpu_time() - before);
    }
    // Under a sanitizer everything is slower; what is to be caught is a turn that does all there is to do.
    std::sort(turns.begin(), turns.end());
    BOOST_TEST_MESSAGE("longest turns: " << turns[turns.size() - 2] << " and " << turns.back() << " ns");
    BOOST_TEST(turns.back() < 50'000'000);
}

BOOST_AUTO_TEST_CASE(a_waitpid_for_any_child_elsewhere_does_not_disturb_the_pool) {
    std::atomic<bool> stop = false;
    std::thread thief([&] {
        while (!stop) {
            ::waitpid(-1, nullptr, WNOHANG);
            std::this_thread::yield();
        }
    });
    {
        procpool::process_pool pool({.workers = 2});
        for (int i = 0; i != 20; ++i) {
            BOOST_CHECK_THROW(pool.submit([] { ::_exit(3); }).get(), procpool::worker_died);
            BOOST_TEST(pool.submit(same, i).get() == i);
        }
    }
    stop = true;
    thief.join();
}

namespace {

std::atomic<int> told_of_children = 0;

void count_child(int) {
    ++told_of_children;
}

/// While it lives, SIGCHLD is treated in this way.
class for_sigchld {
public:
    for_sigchld(void (*handler)(int), int flags) {
        action_.sa_handler = handler;
        action_.sa_flags = flags;
        ::sigaction(SIGCHLD, &action_, &before_);
    }
    for_sigchld(const for_sigchld&) = delete;
    for_sigchld& operator=(const for_sigchld&) = delete;
    ~for_sigchld() { ::sigaction(SIGCHLD, &before_, nullptr); }

    /// Whether nobody has changed that.
    bool stays() const {
        struct sigaction now {};
        ::sigaction(SIGCHLD, nullptr, &now);
        constexpr int known = SA_RESTART | SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO;
        return now.sa_handler == action_.sa_handler && (now.sa_flags & known) == action_.sa_flags;
    }

private:
    struct sigaction action_ {};
    struct sigaction before_ {};
};

} // namespace

BOOST_AUTO_TEST_CASE(a_handler_for_sigchld_stays_the_hosts_and_interrupts_nothing) {
    for (const int flags : {0, SA_RESTART}) {
        const for_sigchld handled(count_child, flags);
        told_of_children = 0;
        BOOST_TEST(handled.stays());
        {
            procpool::process_pool pool({.workers = 2});
            for (int i = 0; i != 20; ++i) {
                auto dying = pool.submit([] { ::_exit(3); }).start();
                BOOST_REQUIRE(dying.wait_for(20s));
                try {
                    dying.get();
                    BOOST_ERROR("it did not die");
                } catch (const procpool::worker_died& died) {
                    BOOST_TEST(died.details().exit_code.value_or(0) == 3);
                }
                BOOST_TEST(pool.submit(same, i).get() == i);
            }
            BOOST_TEST(handled.stays());
        }
        BOOST_TEST(handled.stays());
        BOOST_TEST(told_of_children > 0); // of our workers too, since they are children
    }
}

BOOST_AUTO_TEST_CASE(no_handler_for_sigchld_is_set_where_the_host_has_none) {
    const for_sigchld by_default(SIG_DFL, 0);
    BOOST_TEST(by_default.stays());
    {
        procpool::process_pool pool({.workers = 2});
        BOOST_TEST(pool.submit(same, 1).get() == 1);
        BOOST_TEST(by_default.stays());
        BOOST_CHECK_THROW(pool.submit([] { ::_exit(3); }).get(), procpool::worker_died);
        BOOST_TEST(pool.submit(same, 2).get() == 2);
        BOOST_TEST(by_default.stays());
    }
    BOOST_TEST(by_default.stays());
}

// The system then keeps no status, so nobody can tell how they ended.
BOOST_AUTO_TEST_CASE(a_host_that_ignores_sigchld_has_a_pool_that_works_though_it_cannot_tell_how_workers_end) {
    for (const bool by_flag : {false, true}) {
        const for_sigchld ignored(by_flag ? [](int) {} : SIG_IGN, by_flag ? SA_NOCLDWAIT : 0);
        procpool::process_pool pool({.workers = 2});
        for (int i = 0; i != 20; ++i) {
            auto dying = pool.submit([] { ::_exit(3); }).start();
            BOOST_REQUIRE(dying.wait_for(20s));
            try {
                dying.get();
                BOOST_ERROR("it did not die");
            } catch (const procpool::worker_died& died) {
                BOOST_TEST(!died.details().exit_code);
                BOOST_TEST(!died.details().signal);
                BOOST_TEST((died.details().phase == procpool::task_phase::running));
            }
            BOOST_TEST(pool.submit(same, i).get() == i);
        }
        BOOST_TEST(wait_until([&] { return pool.stats().workers_idle == 2; }));
        pool.close();
        auto joined = pool.join().start();
        BOOST_TEST(joined.wait_for(20s));
    }
}

BOOST_AUTO_TEST_CASE(a_host_that_takes_every_childs_status_in_its_handler_for_sigchld_is_not_waited_for) {
    const for_sigchld handled(
        [](int) {
            const int error = errno;
            while (::waitpid(-1, nullptr, WNOHANG) > 0) {
            }
            errno = error;
        },
        SA_RESTART);
    procpool::process_pool pool({.workers = 2});
    for (int i = 0; i != 50; ++i) {
        auto dying = pool.submit([] { ::raise(SIGKILL); }).start();
        BOOST_REQUIRE(dying.wait_for(20s));
        BOOST_CHECK_THROW(dying.get(), procpool::worker_died);
        BOOST_TEST(pool.submit(same, i).get() == i);
    }
    pool.close();
    auto joined = pool.join().start();
    BOOST_TEST(joined.wait_for(20s));
}

BOOST_AUTO_TEST_CASE(children_of_the_host_are_left_to_the_host) {
    procpool::process_pool pool({.workers = 2});
    const pid_t own = ::fork();
    if (own == 0)
        ::_exit(42);
    for (int i = 0; i != 20; ++i)
        BOOST_CHECK_THROW(pool.submit([] { ::_exit(3); }).get(), procpool::worker_died);
    int status = 0;
    BOOST_TEST(::waitpid(own, &status, 0) == own);
    BOOST_TEST(WEXITSTATUS(status) == 42);
}

BOOST_AUTO_TEST_CASE(a_copy_of_the_host_made_by_fork_can_end_without_harm_to_the_pool) {
    procpool::process_pool pool({.workers = 1});
    const pid_t worker = pool.submit([] { return ::getpid(); }).get();
    const pid_t copy = ::fork();
    if (copy == 0) {
        pool.~process_pool();
        ::_exit(0);
    }
    int status = 0;
    BOOST_TEST(::waitpid(copy, &status, 0) == copy);
    BOOST_TEST(status == 0);
    BOOST_TEST(pool.submit([] { return ::getpid(); }).get() == worker);
}

namespace {

/// A copy of this process that does nothing but hold all descriptors that this one has now, for as long as it lives.
class idle_copy {
public:
    idle_copy() : pid_(::fork()) {
        if (pid_ < 0)
            throw std::runtime_error("cannot fork");
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (;;)
                ::pause();
        }
    }
    idle_copy(const idle_copy&) = delete;
    idle_copy& operator=(const idle_copy&) = delete;
    ~idle_copy() {
        send_signal(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

private:
    pid_t pid_;
};

} // namespace

// So the pipes to the workers that were there before do not end when the pool closes its own ends.
BOOST_AUTO_TEST_CASE(a_copy_of_the_host_that_lives_on_hides_no_death_and_keeps_no_worker_from_ending) {
    using procpool::worker_event;
    asio::io_context context;
    std::vector<worker_event> ends;
    procpool::process_pool pool(context, {.workers = 2, .on_event = [&](const worker_event& event) {
                                              if (event.details)
                                                  ends.push_back(event);
                                          }});
    BOOST_REQUIRE(run_for(context, 20s, [&] { return pool.stats().workers_idle == 2; }));
    const std::vector<pid_t> before = children_started_as("--procpool-worker=1");
    BOOST_REQUIRE(before.size() == 2U);
    const idle_copy copy;

    auto dying = pool.submit([] { ::raise(SIGKILL); }).start();
    BOOST_REQUIRE(run_for(context, 20s, [&] { return dying.ready(); }));
    BOOST_CHECK_THROW(dying.get(), procpool::worker_died);
    BOOST_REQUIRE(run_for(context, 20s, [&] { return pool.stats().workers_idle == 2; }));

    pool.close();
    auto joined = pool.join().start();
    BOOST_REQUIRE(run_for(context, 20s, [&] { return joined.ready(); }));
    // Those that remained ended by themselves, one from before among them. Had they not, they would have been killed in the end.
    BOOST_REQUIRE(ends.size() == 3U);
    BOOST_TEST((ends[0].what == worker_event::kind::died));
    BOOST_TEST(ends[0].details->signal.value_or(0) == SIGKILL);
    bool one_from_before = false;
    for (const worker_event& end : {ends[1], ends[2]}) {
        BOOST_TEST((end.what == worker_event::kind::retired));
        BOOST_TEST(end.details->exit_code.value_or(-1) == 0);
        one_from_before = one_from_before || std::ranges::count(before, end.pid) == 1;
    }
    BOOST_TEST(one_from_before);
    BOOST_TEST(pool.stats().workers_died == 1U);
}

// As for the system, a worker's parent is the thread that started it: whatever a worker asked to get at its parent's death, it
// gets when that thread ends.
BOOST_AUTO_TEST_CASE(workers_live_on_when_the_thread_that_made_the_pool_ends) {
    const scratch here;
    asio::io_context context;
    std::optional<procpool::process_pool> pool;
    std::vector<pid_t> started;
    pid_t starter = -1;
    std::thread([&] {
        starter = ::gettid();
        pool.emplace(context, procpool::pool_options{.workers = 2});
        run_for(context, 20s, [&] { return pool->stats().workers_idle == 2; });
        started = children_started_as("--procpool-worker=1");
    }).join();
    BOOST_REQUIRE(started.size() == 2U);
    // A thread can be joined a moment before its children hear of its end.
    BOOST_REQUIRE(wait_until([&] { return !numbered("/proc/self/task").contains(starter); }));

    std::vector<procpool::task_handle<pid_t>> all;
    for (std::size_t i = 0; i != 2; ++i)
        all.push_back(pool->submit(meet_others, here.file("diary"), std::size_t{2}).start());
    std::set<pid_t> met;
    for (auto& one : all) {
        BOOST_REQUIRE(run_for(context, 20s, [&] { return one.ready(); }));
        met.insert(one.get());
    }
    BOOST_TEST(met == std::set<pid_t>(started.begin(), started.end()), boost::test_tools::per_element());
    for (int i = 0; i != 100; ++i) {
        auto task = pool->submit(same, i).start();
        BOOST_REQUIRE(run_for(context, 20s, [&] { return task.ready(); }));
        BOOST_TEST(task.get() == i);
    }
    BOOST_TEST(pool->stats().workers_died == 0U);
}

BOOST_AUTO_TEST_CASE(signals_ignored_or_blocked_by_the_host_are_at_their_defaults_in_a_worker) {
    struct sigaction ignore {};
    struct sigaction before {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGUSR1, &ignore, &before);
    {
        procpool::process_pool pool({.workers = 1});
        const bool clean = pool.submit([] {
                                   struct sigaction now {};
                                   ::sigaction(SIGUSR1, nullptr, &now);
                                   struct sigaction pipe {};
                                   ::sigaction(SIGPIPE, nullptr, &pipe);
                                   sigset_t blocked;
                                   ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
                                   bool any = false;
                                   for (int number = 1; number != 32; ++number)
                                       any = any || ::sigismember(&blocked, number) == 1;
                                   return now.sa_handler == SIG_DFL && pipe.sa_handler == SIG_DFL && !any;
                               })
                               .get();
        BOOST_TEST(clean);
    }
    ::sigaction(SIGUSR1, &before, nullptr);
}

BOOST_AUTO_TEST_CASE(a_task_may_use_close_and_replace_the_standard_descriptors_and_all_up_to_255) {
    procpool::process_pool pool({.workers = 1});
    const pid_t before = pool.submit([] { return ::getpid(); }).get();
    pool.submit([] {
            for (int fd = 0; fd != 256; ++fd)
                ::close(fd);
        })
        .get();
    BOOST_TEST(pool.submit([] { return ::getpid(); }).get() == before);
    BOOST_TEST(pool.submit(same, 3).get() == 3);
}

BOOST_AUTO_TEST_CASE(a_copy_that_a_task_makes_of_its_worker_and_that_comes_back_answers_nothing) {
    procpool::process_pool pool({.workers = 1});
    for (int i = 0; i != 20; ++i)
        BOOST_TEST(pool.submit([](int value) { return ::fork() == 0 ? -1 : value; }, i).get() == i);
    BOOST_TEST(pool.submit(same, 3).get() == 3);
    BOOST_TEST(pool.stats().workers_died == 0U);
}

BOOST_AUTO_TEST_CASE(a_task_may_print_to_standard_output) {
    procpool::process_pool pool({.workers = 1});
    BOOST_TEST(pool.submit([] { return std::printf("a line from a task\n"); }).get() > 0);
    BOOST_TEST(pool.submit(same, 3).get() == 3);
}

BOOST_AUTO_TEST_SUITE_END()
