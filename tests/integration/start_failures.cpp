// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Workers that cannot be started, since this process or this user has reached a limit: who waits is told soon and in words,
// it is not tried on and on, and when the limit is raised the pool recovers by itself.

#include <procpool/procpool.hpp>

#include <integration/scratch.hpp>
#include <support/leftovers.hpp>
#include <support/start_method.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace asio = boost::asio;
using namespace procpool::testing;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 30s;
constexpr auto promptly = 1s;

// UndefinedBehaviorSanitizer needs descriptors of its own to look at an object, and takes it for broken if there are none. With
// the sanitizers, these errors are covered by the calls that fail in tests/faults.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool can_do_without_descriptors = false;
#else
constexpr bool can_do_without_descriptors = true;
#endif

int same(int value) {
    return value;
}

/// Lowers a soft limit for as long as it lives.
class tight {
public:
    tight(int which, rlim_t value) : which_(which) {
        ::getrlimit(limit(), &before_);
        set(value);
    }
    tight(const tight&) = delete;
    tight& operator=(const tight&) = delete;
    ~tight() { set(before_.rlim_cur); }

    void set(rlim_t value) {
        rlimit wanted = before_;
        wanted.rlim_cur = std::min(value, before_.rlim_max);
        ::setrlimit(limit(), &wanted);
    }

private:
    __rlimit_resource limit() const { return static_cast<__rlimit_resource>(which_); }

    int which_;
    rlimit before_{};
};

rlim_t lowest_free_descriptor() {
    const int lowest = ::fcntl(0, F_DUPFD_CLOEXEC, 0);
    ::close(lowest);
    return static_cast<rlim_t>(lowest);
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// Whether it says why no worker could be launched, and what can be done.
void check_that_descriptors_ran_out(const std::string& told) {
    BOOST_TEST(contains(told, "this program did not come up as a worker: it could not be launched: "), told);
    BOOST_TEST(contains(told, "RLIMIT_NOFILE"), told);
    BOOST_TEST(contains(told, std::strerror(EMFILE)), told);
}

/// A pool on a context that this thread runs.
struct pool_here {
    explicit pool_here(std::size_t workers) : timer(context), pool(context, {.workers = workers}) {}

    /// Submits a task and waits for its end; the text of its error, or nothing. An error has to be told promptly.
    std::optional<std::string> failure() {
        const auto submitted = std::chrono::steady_clock::now();
        bool over = false;
        std::optional<std::string> text;
        pool.submit(same, 7)([&](const std::exception_ptr& error, int result) {
            over = true;
            try {
                if (error)
                    std::rethrow_exception(error);
                if (result != 7)
                    text = "the result is wrong";
            } catch (const procpool::pool_error& thrown) {
                text = thrown.what();
                if (thrown.code() != make_error_code(procpool::errc::worker_start_failed))
                    text = "another error than expected: " + *text;
            } catch (const std::exception& thrown) {
                text = std::string("an error of another kind: ") + thrown.what();
            }
        });
        if (!run_for(context, patience, [&] { return over; }))
            throw std::runtime_error("a task was never told of");
        const auto took = std::chrono::steady_clock::now() - submitted;
        if (text)
            BOOST_TEST((took < promptly), "it took " << took / 1ms << " ms to be told: " << *text);
        return text;
    }

    bool recovers() {
        return wait_until([&] { return !failure(); }, patience);
    }

    bool at_full_strength(std::size_t workers) {
        return wait_until([&] { return !failure() && pool.stats().workers_idle == workers; }, patience);
    }

    asio::io_context context;
    asio::steady_timer timer; // so the context has its own descriptors before the limit is lowered
    procpool::process_pool pool;
};

/// Runs a suite of this program as a user who has no other process, and whom limits hold; its exit code, 0 if there is no
/// such user to be had.
int run_as_nobody(const char* suite) {
    const pid_t child = ::fork();
    if (child == 0) {
        const auto user = static_cast<uid_t>(60'000 + ::getpid() % 5'000);
        if (::geteuid() == 0 && (::setgroups(0, nullptr) != 0 || ::setgid(user) != 0 || ::setuid(user) != 0))
            ::_exit(0);
        const std::string only = std::string("--run_test=") + suite;
        ::execl("/proc/self/exe", "start_failures", only.c_str(), nullptr);
        ::_exit(1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

} // namespace

BOOST_AUTO_TEST_SUITE(start_failures)

BOOST_AUTO_TEST_CASE(running_out_of_descriptors_at_any_step_of_a_launch_is_told_in_words_and_recovered_from,
                     *boost::unit_test::enable_if<can_do_without_descriptors>()) {
    int failed = 0;
    for (rlim_t more = 0;; ++more) {
        BOOST_TEST_CONTEXT(more << " more descriptors") {
            const leftovers before = leftovers::now();
            {
                std::optional<pool_here> with;
                std::optional<tight> limit;
                with.emplace(1U);
                // The pool has its own descriptors now, but no turn was taken, so no worker was started.
                limit.emplace(RLIMIT_NOFILE, lowest_free_descriptor() + more);
                const auto told = with->failure();
                if (!told)
                    break;
                ++failed;
                check_that_descriptors_ran_out(*told);
                for (int i = 0; i != 200; ++i)
                    BOOST_REQUIRE(with->failure().has_value());
                BOOST_TEST(with->pool.stats().workers_started < 20U);
                limit.reset();
                BOOST_TEST(with->recovers());
                BOOST_TEST(with->pool.stats().workers_started < 30U);
            }
            BOOST_TEST(wait_for_no_leftovers(before) == "");
        }
    }
    BOOST_TEST(failed >= 7); // memory, two pipes, two pidfds
}

BOOST_AUTO_TEST_CASE(a_pool_that_cannot_replace_a_worker_goes_on_with_the_rest,
                     *boost::unit_test::enable_if<can_do_without_descriptors>()) {
    pool_here with(2);
    BOOST_REQUIRE(with.at_full_strength(2));
    bool died = false;
    {
        const tight limit(RLIMIT_NOFILE, lowest_free_descriptor());
        with.pool.submit([] { ::raise(SIGKILL); })([&](const std::exception_ptr&) { died = true; });
        BOOST_REQUIRE(run_for(with.context, patience, [&] { return died; }));
        for (int i = 0; i != 500; ++i)
            BOOST_TEST(!with.failure());
        const auto stats = with.pool.stats();
        BOOST_TEST(stats.workers_idle + stats.workers_busy == 1U);
        BOOST_TEST(stats.workers_started < 20U);
    }
    BOOST_TEST(with.at_full_strength(2));
}

BOOST_AUTO_TEST_CASE(a_pool_that_cannot_replace_its_last_worker_says_so_and_recovers,
                     *boost::unit_test::enable_if<can_do_without_descriptors>()) {
    pool_here with(1);
    BOOST_REQUIRE(with.at_full_strength(1));
    {
        const tight limit(RLIMIT_NOFILE, lowest_free_descriptor());
        bool died = false;
        with.pool.submit([] { ::raise(SIGKILL); })([&](const std::exception_ptr&) { died = true; });
        BOOST_REQUIRE(run_for(with.context, patience, [&] { return died; }));
        for (int i = 0; i != 200; ++i) {
            const auto told = with.failure();
            BOOST_REQUIRE(told);
            check_that_descriptors_ran_out(*told);
        }
        const auto stats = with.pool.stats();
        BOOST_TEST(stats.workers_idle + stats.workers_busy == 0U);
        BOOST_TEST(stats.workers_started < 20U);
    }
    BOOST_TEST(with.at_full_strength(1));
    BOOST_TEST(with.pool.stats().workers_started < 30U);
}

BOOST_AUTO_TEST_CASE(running_out_of_processes_is_told_in_words_and_recovered_from) {
    BOOST_TEST(run_as_nobody("start_failures_of_nobody") == 0);
}

BOOST_AUTO_TEST_SUITE_END()

// Not tests by themselves: the case above runs them in a process of its own.
BOOST_AUTO_TEST_SUITE(start_failures_of_nobody, *boost::unit_test::disabled())

BOOST_AUTO_TEST_CASE(no_process_at_all) {
    pool_here with(2);
    {
        const tight limit(RLIMIT_NPROC, 0);
        const auto told = with.failure();
        BOOST_REQUIRE(told);
        BOOST_TEST(contains(*told, "starting a worker"), *told);
        BOOST_TEST(contains(*told, "RLIMIT_NPROC"), *told);
        for (int i = 0; i != 200; ++i)
            BOOST_REQUIRE(with.failure().has_value());
        BOOST_TEST(with.pool.stats().workers_started < 20U);
    }
    BOOST_TEST(with.at_full_strength(2));
}

// A worker has a second thread.
BOOST_AUTO_TEST_CASE(a_process_but_no_thread_in_it) {
    pool_here with(1);
    {
        // This process has so many threads itself, and there is no other of this user's, but a fork server if there is one.
        const auto threads = static_cast<rlim_t>(leftovers::now().threads.size()) + (workers_are_forked() ? 1 : 0);
        tight limit(RLIMIT_NPROC, threads + 1);
        const auto told = with.failure();
        BOOST_REQUIRE(told);
        BOOST_TEST(contains(*told, "code 75"), *told);
        BOOST_TEST(contains(*told, "RLIMIT_NPROC"), *told);
        limit.set(threads + 2);
        BOOST_TEST(with.recovers());
    }
    BOOST_TEST(with.recovers());
}

BOOST_AUTO_TEST_CASE(no_thread_for_a_pool_with_its_own) {
    const leftovers before = leftovers::now();
    {
        const tight limit(RLIMIT_NPROC, 0);
        BOOST_CHECK_THROW(procpool::process_pool({.workers = 1}), std::system_error);
    }
    BOOST_TEST(wait_for_no_leftovers(before) == "");
}

BOOST_AUTO_TEST_SUITE_END()
