// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Workers that cannot be started because something has run out, at every step of a launch; and replacements that fail
// to start. Programs that are no workers are in facade/program_test.cpp, initializers in coming_and_going.cpp.

#include <procpool/procpool.hpp>

#include <integration/scratch.hpp>
#include <support/leftovers.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/test/unit_test.hpp>

#include <optional>
#include <string>
#include <vector>

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace asio = boost::asio;
using namespace procpool::testing;
using namespace std::chrono_literals;
using procpool::errc;

namespace {

int same(int value) {
    return value;
}

int own_pid() {
    return ::getpid();
}

// UndefinedBehaviorSanitizer looks at memory through a pipe of its own, and takes an object for none when it gets no
// pipe.
boost::test_tools::assertion_result is_not_sanitized(boost::unit_test::test_unit_id) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return false;
#else
    return true;
#endif
}

/// For as long as it lives, this process gets no descriptor from this number up.
class tight_descriptors {
public:
    explicit tight_descriptors(int first_refused) {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        rlimit tight = before_;
        tight.rlim_cur = static_cast<rlim_t>(first_refused);
        ::setrlimit(RLIMIT_NOFILE, &tight);
    }
    tight_descriptors(const tight_descriptors&) = delete;
    tight_descriptors& operator=(const tight_descriptors&) = delete;
    ~tight_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

/// What a call yields: no code if it has its right result.
boost::system::error_code outcome_of(asio::io_context& context, procpool::process_pool& pool) {
    std::optional<boost::system::error_code> code;
    pool.submit(same, 5)([&](std::exception_ptr error, int value) {
        code.emplace();
        try {
            if (error)
                std::rethrow_exception(error);
            if (value != 5)
                code = make_error_code(errc::protocol_error);
        } catch (const boost::system::system_error& thrown) {
            code = thrown.code();
        }
    });
    return run_for(context, 30s, [&] { return code.has_value(); }) ? *code : make_error_code(errc::would_deadlock);
}

/// It works, at once or when the pool has come to try it again.
bool works_sooner_or_later(asio::io_context& context, procpool::process_pool& pool) {
    return wait_until([&] { return !outcome_of(context, pool); }, 30s);
}

} // namespace

BOOST_AUTO_TEST_SUITE(starting)

BOOST_AUTO_TEST_CASE(out_of_descriptors_at_every_step_of_a_launch_fails_what_waits_and_leaves_nothing,
                     *boost::unit_test::precondition(is_not_sanitized)) {
    int failed = 0;
    bool worked = false;
    for (int more = 0; !worked; ++more)
        BOOST_TEST_CONTEXT(more << " descriptors are left") {
            BOOST_TEST_REQUIRE(more < 40);
            asio::io_context context;
            const asio::steady_timer timer(context); // now the context has its own descriptors
            const int next = ::dup(0);               // the lowest free number
            ::close(next);
            const leftovers before = leftovers::now();
            {
                std::optional<procpool::process_pool> pool;
                boost::system::error_code code;
                std::string thrown;
                {
                    const tight_descriptors tight(next + more);
                    // What is found out here is looked at when there are descriptors again, which a report needs.
                    try {
                        pool.emplace(context, procpool::pool_options{.workers = 1});
                        code = outcome_of(context, *pool);
                    } catch (const boost::system::system_error& error) {
                        code = error.code();
                        thrown = error.what();
                    }
                }
                worked = !code;
                failed += worked ? 0 : 1;
                if (pool) {
                    BOOST_TEST((worked || code == errc::worker_start_failed), code.message());
                    BOOST_TEST(works_sooner_or_later(context, *pool));
                } else {
                    BOOST_TEST(code.value() == EMFILE, thrown); // the pool has one of its own
                }
            }
            BOOST_TEST(wait_for_no_leftovers(before) == "");
        }
    BOOST_TEST(failed >= 8); // a launch takes that many at least
}

BOOST_AUTO_TEST_CASE(a_replacement_that_fails_to_start_leaves_the_work_to_the_others_and_is_tried_again,
                     *boost::unit_test::precondition(is_not_sanitized)) {
    asio::io_context context;
    procpool::process_pool pool(context, {.workers = 2});
    BOOST_TEST(run_for(context, 30s, [&] { return pool.stats().workers_idle == 2; }));
    const auto kill_one = [&] {
        const auto died = pool.stats().workers_died;
        auto victim = pool.submit(own_pid).start();
        run_for(context, 30s, [&] { return victim.ready(); });
        ::kill(victim.get(), SIGKILL);
        return run_for(context, 30s, [&] { return pool.stats().workers_died > died; });
    };
    bool killed = false;
    bool others_work = true;
    bool fails = false;
    {
        const tight_descriptors none(3);
        killed = kill_one();
        for (int i = 0; i != 20; ++i)
            others_work = others_work && !outcome_of(context, pool);
        killed = killed && kill_one();
        fails = outcome_of(context, pool) == errc::worker_start_failed;
    }
    BOOST_TEST(killed);
    BOOST_TEST(others_work);
    BOOST_TEST(fails);
    BOOST_TEST(works_sooner_or_later(context, pool));
    BOOST_TEST(run_for(context, 30s, [&] { return pool.stats().workers_idle == 2; }));
}

// A user's processes and threads are counted together, so this needs a user of its own, and only the superuser can
// become one.
boost::test_tools::assertion_result is_superuser(boost::unit_test::test_unit_id) {
    return ::geteuid() == 0;
}

BOOST_AUTO_TEST_CASE(out_of_processes_at_every_step_of_a_launch_fails_what_waits_and_leaves_nothing,
                     *boost::unit_test::precondition(is_superuser)) {
    for (int allowed = 1; allowed != 4; ++allowed) {
        const pid_t other = ::fork();
        if (other == 0) {
            const std::string number = std::to_string(allowed);
            ::setenv("PROCPOOL_TEST_PROCESSES", number.c_str(), 1);
            // Some number that nobody has.
            if (::setgid(3'217'000) == 0 && ::setuid(3'217'000U + static_cast<uid_t>(allowed)) == 0)
                ::execl("/proc/self/exe", "starting", "--run_test=starting_with_few_processes", nullptr);
            ::_exit(99);
        }
        int status = 0;
        BOOST_TEST(::waitpid(other, &status, 0) == other);
        BOOST_TEST((WIFEXITED(status) && WEXITSTATUS(status) == 0), "with " << allowed << " processes: " << status);
    }
}

BOOST_AUTO_TEST_SUITE_END()

// Not a test: what the case above starts, as another user. It is run only by name, and does nothing without being told
// how many.
BOOST_AUTO_TEST_SUITE(starting_with_few_processes, *boost::unit_test::disabled())

BOOST_AUTO_TEST_CASE(every_step_of_a_launch) {
    const char* const number = std::getenv("PROCPOOL_TEST_PROCESSES");
    BOOST_TEST_REQUIRE(number);
    const int allowed = std::atoi(number);
    asio::io_context context;
    const asio::steady_timer timer(context);
    const leftovers before = leftovers::now();
    {
        rlimit generous{};
        ::getrlimit(RLIMIT_NPROC, &generous);
        rlimit tight = generous;
        tight.rlim_cur = static_cast<rlim_t>(allowed);
        BOOST_TEST_REQUIRE(::setrlimit(RLIMIT_NPROC, &tight) == 0);
        procpool::process_pool pool(context, {.workers = 1});
        // This process is one, the worker another, and the worker's thread that watches a third.
        const auto code = outcome_of(context, pool);
        BOOST_TEST((allowed < 3 ? code == errc::worker_start_failed : !code), code.message());
        BOOST_TEST(::setrlimit(RLIMIT_NPROC, &generous) == 0);
        BOOST_TEST(works_sooner_or_later(context, pool));
    }
    BOOST_TEST(wait_for_no_leftovers(before) == "");
}

BOOST_AUTO_TEST_SUITE_END()
