// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Each system call that the pool's process makes to start, talk to, watch and reap a worker fails once, in turn: nothing
// hangs, leaks or is lost, and who loses something is told why.

#include <procpool/procpool.hpp>

#include <faults/failing_calls.hpp>
#include <integration/scratch.hpp>
#include <support/leftovers.hpp>
#include <support/start_method.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/serialization/split_member.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <errno.h>
#include <signal.h>
#include <unistd.h>

namespace asio = boost::asio;
using namespace procpool::testing;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 20s;
constexpr std::size_t pool_size = 2;

int same(int value) {
    return value;
}

std::string echo(const std::string& text) {
    return text;
}

/// A result with a mistake in it: it reads more than it writes.
struct lopsided {
    template <class Archive>
    void save(Archive&, unsigned) const {}
    template <class Archive>
    void load(Archive& archive, unsigned) {
        int more = 0;
        archive >> more;
    }
    BOOST_SERIALIZATION_SPLIT_MEMBER()
};

lopsided make_lopsided() {
    return {};
}

void wait_for_the_end() {
    for (;;)
        ::pause();
}

void die() {
    std::fputs("about to die\n", stderr);
    ::raise(SIGKILL);
}

/// What an operation was told: nothing yet, once, or more often.
struct told {
    int times = 0;
    bool right = false; ///< there was no error, and the result was the expected one
    std::string error;  ///< what the error says
    std::optional<procpool::errc> code;
    bool of_the_system = false; ///< it was no error of the pool's

    void tell(const std::exception_ptr& failure, bool as_expected) {
        ++times;
        right = !failure && as_expected;
        try {
            if (failure)
                std::rethrow_exception(failure);
        } catch (const procpool::pool_error& thrown) {
            code = static_cast<procpool::errc>(thrown.code().value());
            error = thrown.what();
        } catch (const std::exception& thrown) {
            of_the_system = true;
            error = thrown.what();
        }
    }
};

std::ostream& operator<<(std::ostream& out, const told& what) {
    return out << "told " << what.times << " times, " << (what.right ? "right" : "not right") << ": " << what.error;
}

/// A pool of two on a context that this thread runs, and what it was given to do.
struct life {
    explicit life(asio::io_context& its, procpool::pool_options options = {.workers = pool_size})
        : context(its), pool(its, std::move(options)) {}

    void submit_small(int count) {
        for (int i = 0; i != count; ++i) {
            told& one = results.emplace_back();
            pool.submit(same,
                        i)([&one, i](const std::exception_ptr& error, int result) { one.tell(error, result == i); });
        }
    }

    void submit_large(std::size_t size) {
        auto& one = results.emplace_back();
        const std::string text(size, 'x');
        pool.submit(echo, text)([&one, size](const std::exception_ptr& error, const std::string& result) {
            one.tell(error, result.size() == size && result.find_first_not_of('x') == std::string::npos);
        });
    }

    void submit_death() {
        pool.submit(die)([this](const std::exception_ptr& error) { killer.tell(error, false); });
    }

    bool run_until_told() {
        return run_for(context, patience, [this] {
            return killer.times != 0 &&
                   std::all_of(results.begin(), results.end(), [](const told& one) { return one.times != 0; });
        });
    }

    /// Tasks succeed, and all workers are there; in the end it closes.
    void check_usable() {
        // The first ones may still be told of what was; and after several failures a worker is only started for work.
        const auto limit = std::chrono::steady_clock::now() + patience;
        bool whole = false;
        while (!whole && std::chrono::steady_clock::now() < limit) {
            told next;
            pool.submit(same, 5)([&](const std::exception_ptr& error, int result) { next.tell(error, result == 5); });
            BOOST_REQUIRE(run_for(context, patience, [&] { return next.times != 0; }));
            whole = next.right && run_for(context, 100ms, [this] { return pool.stats().workers_idle == pool_size; });
        }
        BOOST_TEST(whole);
        submit_small(5);
        BOOST_REQUIRE(run_until_told());
        for (auto one = results.end() - 5; one != results.end(); ++one)
            BOOST_TEST(one->right, *one);
    }

    void close() {
        pool.close();
        told joined;
        pool.join()([&](const std::exception_ptr& error) { joined.tell(error, true); });
        BOOST_REQUIRE(run_for(context, patience, [&] { return joined.times != 0; }));
        BOOST_TEST(joined.right, joined);
    }

    void check_told_once() {
        BOOST_TEST(killer.times == 1);
        for (const told& one : results)
            BOOST_TEST(one.times == 1);
    }

    asio::io_context& context;
    std::deque<told> results; // handlers refer to them
    told killer;
    procpool::process_pool pool;
};

struct course {
    bool starts_may_fail = false;  ///< whether there may be operations that are told that no worker could be started
    std::size_t large = 3'000'000; ///< how large the large ones are; below 128 KiB they go through the pipes
    int how_many_large = 1;
    std::size_t may_be_lost = 0; ///< so many tasks may end with their workers, besides the one that is to
};

/// The standard scenario: small tasks, one that kills its worker, large ones, close and join.
/**
 * @param fault stopped when everything was told
 */
void live_through(failing_calls* fault = nullptr, const course& how = {}) {
    asio::io_context context;
    const asio::steady_timer timer(context); // now the context has its own descriptors
    const leftovers before = leftovers::now();
    const procpool::pool_options options{.workers = pool_size, .standard_error = procpool::output::capture};
    {
        std::optional<life> with;
        try {
            with.emplace(context, options);
        } catch (const boost::system::system_error& error) {
            BOOST_TEST_INFO(error.what());
            BOOST_TEST(fault != nullptr);
            BOOST_TEST_INFO(error.what());
            BOOST_TEST(std::string(error.what()).find(std::strerror(error.code().value())) != std::string::npos);
            fault->stop();
            with.emplace(context, options);
        }
        with->submit_small(20);
        with->submit_death();
        for (int i = 0; i != how.how_many_large; ++i)
            with->submit_large(how.large);
        with->submit_small(20);
        BOOST_REQUIRE(with->run_until_told());
        if (fault)
            fault->stop();
        std::size_t lost = 0;
        for (const told& one : with->results) {
            if (one.code == procpool::errc::worker_start_failed)
                BOOST_TEST(how.starts_may_fail, one);
            else if (!one.right)
                BOOST_TEST((one.of_the_system || one.code == procpool::errc::worker_died), one);
            lost += one.of_the_system || one.code == procpool::errc::worker_died ? 1 : 0;
        }
        BOOST_TEST(lost <= how.may_be_lost);
        BOOST_TEST(!with->killer.of_the_system, with->killer);
        BOOST_TEST(with->pool.stats().workers_started < 30U);
        with->check_usable();
        with->close();
        with->check_told_once();
    }
    BOOST_TEST(wait_for_no_leftovers(before) == "");
}

/// What is done with a pool whose tasks never end by themselves: one is called off, the others are terminated.
/**
 * @param may_be_lost how many tasks may be lost: a worker that cannot be read from or written to any more has to go, and what it
 *        runs at that moment goes with it
 */
void end_by_force(failing_calls& fault, bool join, std::size_t may_be_lost) {
    asio::io_context context;
    const asio::steady_timer timer(context); // now the context has its own descriptors
    const leftovers before = leftovers::now();
    {
        life with(context, {.workers = pool_size, .kill_grace = 0ms});
        BOOST_REQUIRE(run_for(context, patience, [&] { return with.pool.stats().workers_idle == pool_size; }));
        std::vector<procpool::task_handle<void>> running;
        for (std::size_t i = 0; i != pool_size; ++i)
            running.push_back(with.pool.submit(wait_for_the_end).start());
        BOOST_REQUIRE(run_for(context, patience, [&] { return with.pool.stats().workers_busy == pool_size; }));
        with.submit_small(5);
        running.front().cancel();
        BOOST_REQUIRE(run_for(context, patience, [&] {
            return running.front().ready() && std::all_of(with.results.begin(), with.results.end(),
                                                          [](const told& one) { return one.times != 0; });
        }));
        std::size_t lost = 0;
        for (const told& one : with.results) {
            lost += one.code == procpool::errc::worker_died ? 1 : 0;
            BOOST_TEST((one.right || one.code == procpool::errc::worker_died), one);
        }
        BOOST_TEST(lost <= may_be_lost);
        if (join) {
            with.pool.terminate();
            told joined;
            with.pool.join()([&](const std::exception_ptr& error) { joined.tell(error, true); });
            BOOST_REQUIRE(run_for(context, patience, [&] { return joined.times != 0; }));
            BOOST_TEST(joined.right, joined);
        }
    }
    fault.stop();
    BOOST_TEST(wait_for_no_leftovers(before) == "");
}

struct faulty {
    call which;
    std::vector<int> errors;
};

// What each call may fail with, besides what only a mistake of ours would bring about.
const std::vector<faulty> steps_of_a_launch{
    {call::memfd_create, {EMFILE, ENFILE, ENOMEM}},
    {call::ftruncate, {EINTR, EIO, ENOMEM}},
    {call::fcntl, {EMFILE}},
    {call::pipe2, {EMFILE, ENFILE, ENOMEM}},
    {call::socketpair, {EMFILE, ENFILE, ENOMEM}},
    {call::spawn_preparation, {ENOMEM}},
    {call::posix_spawn, {EAGAIN, EMFILE, ENOENT, ENOMEM, ETXTBSY}},
    {call::pidfd_open, {EMFILE, ENFILE, ENODEV, ENOMEM}},
    {call::epoll_add, {ENOSPC, ENOMEM}},
};
// Asio takes a descriptor that it is told EPERM of for one that can always be read. So it comes out with the first read that would
// have to wait, when the worker may have a task already.
const faulty pipes_taken_for_files{call::epoll_add, {EPERM}};
// A launch maps the memory that it shares with the worker, and the arrival of a large result the memory that it is in.
const faulty mappings{call::mmap, {EAGAIN, ENFILE, ENOMEM}};
const std::vector<faulty> calls_of_a_life{
    mappings,
    pipes_taken_for_files,
    {call::epoll_modify, {ENOMEM}},
    {call::epoll_wait, {EINTR}},
    {call::ioctl, {ENOMEM}},
    {call::read_pipe, {EINTR, EIO, EBADF, ENOMEM}},
    {call::write_pipe, {EPIPE, EINTR, EBADF, EIO, ENOMEM}},
    {call::sendmsg, {ENOBUFS, ETOOMANYREFS, EINTR, ENOMEM}},
    {call::recvmsg, {ENOMEM, EINTR}},
    {call::madvise, {ENOMEM, EINVAL}}, // memory for large arguments
    {call::waitid, {ECHILD, EINTR, ENOMEM}},
    {call::pidfd_send_signal, {EPERM, ESRCH, EAGAIN}},
    {call::kill, {EPERM, ESRCH, EAGAIN}},
    {call::close, {EIO, EINTR}},
};
const std::vector<faulty> calls_of_an_end_by_force{
    {call::pidfd_send_signal, {EAGAIN, EPERM}},
    {call::kill, {EAGAIN, EPERM}},
    {call::waitid, {ECHILD, EINTR, ENOMEM}},
};
const std::vector<faulty> transfers_of_an_end_by_force{
    {call::read_pipe, {EIO, EINTR}},
    {call::write_pipe, {EIO, EINTR}},
};

/// All errors, or the first two, which is enough for every day: few are treated in a way of their own.
std::span<const int> errors_to_try(const faulty& one) {
    const std::span<const int> all(one.errors);
    return std::getenv("PROCPOOL_ALL_FAULTS") ? all : all.first(std::min<std::size_t>(2, all.size()));
}

/// Lets each call in turn fail, until there is none of that number.
/**
 * @param always whether each of them is made whenever the scenario is played
 */
template <class Scenario>
void let_each_fail_once(const std::vector<faulty>& faults, Scenario scenario, bool always = true) {
    for (const faulty& one : faults) {
        std::size_t points = 0;
        for (const int error : errors_to_try(one)) {
            bool reached = true;
            for (std::size_t number = 1; reached; ++number) {
                BOOST_TEST_CONTEXT(name_of(one.which) << ", call " << number << " fails: " << std::strerror(error)) {
                    failing_calls fault(one.which, number, error);
                    scenario(fault);
                    reached = fault.failed() != 0;
                }
                points += reached;
            }
        }
        BOOST_TEST((points != 0U || !always), name_of(one.which) << " is never called");
        BOOST_TEST_MESSAGE(name_of(one.which) << " failed at " << points << " points");
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(faults)

BOOST_AUTO_TEST_CASE(one_step_of_a_launch_that_fails_once_costs_nothing) {
    let_each_fail_once(steps_of_a_launch, [](failing_calls& fault) { live_through(&fault); });
}

BOOST_AUTO_TEST_CASE(one_call_that_fails_costs_no_more_than_the_task_that_it_was_made_for) {
    let_each_fail_once(calls_of_a_life, [](failing_calls& fault) { live_through(&fault, {.may_be_lost = 1}); });
}

BOOST_AUTO_TEST_CASE(one_call_that_fails_does_not_keep_a_task_or_a_pool_from_being_ended) {
    for (const bool join : {true, false}) {
        let_each_fail_once(calls_of_an_end_by_force, [=](failing_calls& fault) { end_by_force(fault, join, 0); });
        let_each_fail_once(transfers_of_an_end_by_force, [=](failing_calls& fault) { end_by_force(fault, join, 1); });
    }
    // Only the destructor waits itself, and not if the workers are quick to end.
    const auto destroyed = [](failing_calls& fault) { end_by_force(fault, false, 0); };
    let_each_fail_once({{call::poll, {EINTR, ENOMEM}}}, destroyed, false);
}

// What is done about a launch that failed is interrupted in turn.
BOOST_AUTO_TEST_CASE(a_signal_while_a_failed_launch_is_cleaned_up_leaves_no_child) {
    for (const call which : {call::pidfd_open, call::epoll_add})
        let_each_fail_once({{which, {EMFILE}}}, [](failing_calls& fault) {
            fault.and_then(call::waitpid, EINTR);
            live_through(&fault);
        });
}

BOOST_AUTO_TEST_CASE(a_step_that_fails_always_is_told_in_words_and_not_tried_on_and_on) {
    std::vector<faulty> steps = steps_of_a_launch;
    steps.push_back(mappings);
    steps.push_back(pipes_taken_for_files);
    for (const faulty& one : steps)
        for (const int error : errors_to_try(one))
            for (const std::size_t number : {1U, 3U}) {
                if (one.which == call::epoll_add && number == 1)
                    continue; // the context's own: no timer of anybody's would ever fire
                BOOST_TEST_CONTEXT(name_of(one.which)
                                   << " fails always from call " << number << " on: " << std::strerror(error)) {
                    failing_calls fault(one.which, number, error, failing_calls::all_further);
                    live_through(&fault, {.starts_may_fail = true});
                    // Of a fork server there is one, and it starts all the workers.
                    BOOST_TEST((fault.failed() != 0U || (workers_are_forked() && number == 3)));
                }
            }
}

BOOST_AUTO_TEST_CASE(pipes_that_carry_a_byte_at_a_time_change_nothing) {
    const awkward_pipes pipes(1, 0);
    live_through(nullptr, {.large = 100'000});
    BOOST_TEST(pipes.cut_short() > 50'000U);
}

BOOST_AUTO_TEST_CASE(pipes_that_carry_odd_numbers_of_bytes_change_nothing) {
    for (const std::size_t bytes : {7U, 23U, 24U, 25U, 1021U, 4097U}) {
        const awkward_pipes pipes(bytes, 0);
        live_through(nullptr, {.large = std::min<std::size_t>(1000 * bytes + 1, 100'000),
                               .how_many_large = bytes > 100 ? 8 : 1});
        BOOST_TEST(pipes.cut_short() > 100U);
    }
}

BOOST_AUTO_TEST_CASE(interruptions_everywhere_change_nothing) {
    for (const std::size_t every : {2U, 3U, 5U}) {
        const awkward_pipes pipes(1'000, every);
        live_through(nullptr, {.large = 100'000, .how_many_large = 8});
        BOOST_TEST(pipes.interrupted() > 100U);
    }
}

BOOST_AUTO_TEST_CASE(a_pool_that_cannot_be_made_says_why_and_leaves_nothing) {
    const leftovers before = leftovers::now();
    for (const call which :
         {call::epoll_create, call::eventfd, call::timerfd_create, call::pidfd_open, call::fcntl, call::epoll_add}) {
        let_each_fail_once(
            {{which, {EMFILE}}},
            [&](failing_calls& fault) {
                try {
                    asio::io_context context;
                    life with(context);
                    fault.stop();
                    with.submit_death();
                    with.check_usable();
                } catch (const boost::system::system_error& error) {
                    BOOST_TEST(std::string(error.what()).find(std::strerror(EMFILE)) != std::string::npos);
                }
                BOOST_TEST(wait_for_no_leftovers(before) == "");
            },
            which != call::fcntl); // of which there is none where enough descriptors are open
    }
}

// The worker has to go, and what it runs goes with it; but not what it had answered before.
BOOST_AUTO_TEST_CASE(a_read_that_fails_loses_no_answer_that_was_written) {
    asio::io_context context;
    const scratch here;
    life with(context, {.workers = 1});
    BOOST_REQUIRE(run_for(context, patience, [&] { return with.pool.stats().workers_idle == 1; }));
    context.poll(); // all that the worker is to be told has been written
    told running;
    with.submit_large(100'000); // whose answer goes through the pipe
    with.pool.submit(note_and_hang, here.file("diary"))([&](const std::exception_ptr& e) { running.tell(e, false); });
    while (with.pool.stats().tasks_with_workers == 0)
        context.run_one();
    BOOST_TEST_REQUIRE(with.pool.stats().tasks_with_workers == 2U);
    // Now the second one runs, so the first one's answer has been written.
    BOOST_REQUIRE(wait_until([&] { return !notes(here.file("diary")).empty(); }, patience));
    failing_calls fault(call::read_pipe, 1, EIO);
    BOOST_REQUIRE(run_for(context, patience, [&] { return running.times != 0 && with.results.front().times != 0; }));
    BOOST_TEST(fault.failed() == 1U);
    fault.stop();
    BOOST_TEST(with.results.front().right, with.results.front());
    BOOST_TEST((running.code == procpool::errc::worker_died), running);
    BOOST_TEST(running.error.find(std::strerror(EIO)) != std::string::npos, running);
}

// An exception may come out of any call of the program's, and out of the context; but nothing is lost by it.
BOOST_AUTO_TEST_CASE(memory_that_runs_out_for_a_moment_loses_nothing) {
    const std::string text(200'000, 'x');
    for (std::size_t number = 1;; ++number) {
        BOOST_TEST_CONTEXT("allocation " << number << " fails") {
            asio::io_context context;
            const asio::steady_timer timer(context); // now the context has its own descriptors
            const leftovers before = leftovers::now();
            failing_calls fault(call::allocation, number, ENOMEM);
            std::size_t told_times = 0;
            std::size_t asked = 0;
            const auto despite = [](auto action) {
                try {
                    action();
                    return true;
                } catch (const std::bad_alloc&) {
                    return false;
                }
            };
            const auto run_until = [&](auto predicate) {
                while (!despite([&] { BOOST_REQUIRE(run_for(context, patience, predicate)); })) {
                }
            };
            {
                std::optional<procpool::process_pool> pool;
                while (!despite([&] { pool.emplace(context, procpool::pool_options{.workers = pool_size}); })) {
                }
                for (int i = 0; i != 5; ++i)
                    asked += despite([&] { pool->submit(same, i)([&](auto, auto) { ++told_times; }); });
                asked += despite([&] { pool->submit(die)([&](auto) { ++told_times; }); });
                asked += despite([&] { pool->submit(make_lopsided)([&](auto, auto) { ++told_times; }); });
                asked += despite([&] { pool->submit(echo, text)([&](auto, auto) { ++told_times; }); });
                run_until([&] { return told_times == asked; });
                bool joined = false;
                while (!despite([&] { pool->close(); })) {
                }
                while (!despite([&] { pool->join()([&](auto) { joined = true; }); })) {
                }
                run_until([&] { return joined; });
                while (!despite([&] { pool.reset(); })) {
                }
            }
            fault.stop();
            BOOST_TEST(told_times == asked);
            BOOST_TEST(wait_for_no_leftovers(before) == "");
            if (fault.failed() == 0) {
                BOOST_TEST_MESSAGE("an allocation failed at " << number - 1 << " points");
                return;
            }
        }
    }
}

// Else the copying of what is to be shared would be the program's end.
BOOST_AUTO_TEST_CASE(a_shared_buffer_for_which_there_is_no_memory_is_an_error) {
    const std::vector<std::byte> some(100'000);
    const failing_calls fault(call::madvise, 1, ENOMEM);
    BOOST_CHECK_THROW(procpool::shared_buffer::copy_of(some), boost::system::system_error);
    BOOST_TEST(fault.failed() == 1U);
}

// The bound is half a minute.
BOOST_AUTO_TEST_CASE(a_worker_that_never_says_hello_is_given_up) {
    asio::io_context context;
    procpool::process_pool pool(context,
                                {.workers = 1, .worker_program = "sh", .worker_args = {"-c", "exec sleep 600"}});
    told one;
    pool.submit(same, 1)([&](const std::exception_ptr& error, int) { one.tell(error, false); });
    BOOST_REQUIRE(run_for(context, patience, [&] { return pool.stats().workers_starting == 1; }));
    BOOST_TEST(one.times == 0);
    put_clock_forward(31s);
    asio::steady_timer(context).async_wait([](const auto&) {}); // the context looks at the clock
    BOOST_REQUIRE(run_for(context, patience, [&] { return one.times != 0; }));
    BOOST_TEST((one.code == procpool::errc::worker_start_failed), one);
    BOOST_TEST(one.error.find("did not report in time") != std::string::npos, one);
    pool.terminate();
    told joined;
    pool.join()([&](const std::exception_ptr& error) { joined.tell(error, true); });
    BOOST_REQUIRE(run_for(context, patience, [&] { return joined.times != 0; }));
}

BOOST_AUTO_TEST_SUITE_END()
