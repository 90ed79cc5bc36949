// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// What tasks do to the pipes, and to the process, that they run in: half a message, more than a pipe holds, nobody who
// reads, descriptors that are closed, children that hold them open, folders and signals that are changed. What is
// garbage rather than misfortune is in hostile_worker.cpp.

#include <procpool/procpool.hpp>

#include <integration/own_place.hpp>
#include <integration/scratch.hpp>
#include <support/proc.hpp>
#include <wire/frame.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace procpool::testing;
using namespace procpool;
using namespace std::chrono_literals;

namespace {

int same(int value) {
    return value;
}

int own_pid() {
    return ::getpid();
}

std::string echo(std::string text) {
    return text;
}

std::size_t length(const std::string& text) {
    return text.size();
}

/// What goes through the pipe, byte by byte, and what lies in shared memory, so that only where it is goes through the pipe.
constexpr std::size_t through_the_pipe = 100'000;
constexpr std::size_t through_memory = 3'000'000;
static_assert(through_the_pipe + 1000 < wire::storage::threshold && wire::storage::threshold < through_memory);

// In a worker -------------------------------------------------------------------------------------------------------

/// Answers its own task, as the worker would do, but ends after so many bytes of the message.
void write_half_an_answer(std::size_t written, std::size_t announced) {
    std::vector<char> message(sizeof(wire::frame_header) + announced, 'x');
    const place own = own_place();
    const wire::frame_header header{static_cast<std::uint32_t>(announced), wire::frame_kind::result, 0, own.slot,
                                    own.sent};
    std::memcpy(message.data(), &header, sizeof header);
    for (std::size_t at = 0; at != written;) {
        const ssize_t size = ::write(own_pipe(O_WRONLY), message.data() + at, written - at);
        if (size <= 0)
            ::_exit(99);
        at += static_cast<std::size_t>(size);
    }
    ::_exit(7);
}

/// Reads nothing until it is told to go on. Its pipes are narrow from then on, as those of a pool of very many workers are:
/// what is sent ahead to a worker would fit into the usual ones.
int stop_reading(const std::string& began, const std::string& go_on) {
    constexpr int narrow = 64 * 1024;
    for (const int direction : {O_RDONLY, O_WRONLY})
        if (::fcntl(own_pipe(direction), F_SETPIPE_SZ, narrow) != narrow)
            throw std::runtime_error("the pipe cannot be made narrow");
    meet(began, go_on);
    return 1;
}

/// Leaves a child in a session of its own, which the pool cannot reach; it holds all that the worker has open.
pid_t leave_a_child_of_another_session() {
    const pid_t child = ::fork();
    if (child == 0) {
        ::setsid();
        for (;;)
            ::pause();
    }
    return child;
}

template <class Operation>
boost::system::error_code code_of(Operation operation) {
    try {
        operation();
    } catch (const boost::system::system_error& error) {
        return error.code();
    }
    return {};
}

/// A pool is as it should be: all of its workers are there, and work.
void check_at_full_strength(process_pool& pool, std::size_t workers) {
    BOOST_TEST(wait_until([&] { return pool.stats().workers_idle == workers; }));
    for (int i = 0; i != 20; ++i)
        BOOST_TEST(pool.submit(same, i).get() == i);
}

} // namespace

BOOST_AUTO_TEST_SUITE(pipes)

// Messages ----------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(death_with_half_a_frame_written_fails_that_task_alone) {
    process_pool pool({.workers = 2});
    constexpr std::size_t header = sizeof(wire::frame_header);
    constexpr std::size_t small = 100;
    constexpr std::size_t large = 5'000'000; // more than the pipe holds
    std::uint64_t deaths = 0;
    for (const std::size_t announced : {small, large})
        for (const std::size_t written :
             {std::size_t{1}, header - 1, header, header + 1, header + announced / 2, header + announced - 1}) {
            std::vector<task_handle<int>> others;
            for (int i = 0; i != 50; ++i)
                others.push_back(pool.submit(same, i).start());
            auto half = pool.submit(write_half_an_answer, written, announced).start();
            for (int i = 50; i != 100; ++i)
                others.push_back(pool.submit(same, i).start());
            BOOST_TEST_REQUIRE(half.wait_for(20s));
            try {
                half.get();
                BOOST_ERROR("half an answer was taken for one");
            } catch (const worker_died& died) {
                BOOST_TEST(died.details().exit_code.value_or(0) == 7);
            }
            ++deaths;
            for (int i = 0; i != 100; ++i) {
                BOOST_TEST_REQUIRE(others[static_cast<std::size_t>(i)].wait_for(20s));
                BOOST_TEST(others[static_cast<std::size_t>(i)].get() == i);
            }
        }
    check_at_full_strength(pool, 2);
    BOOST_TEST(pool.stats().workers_died == deaths);
}

// Were either side to write all before it reads anything, both would wait for each other: there is more to be sent than the
// one pipe holds, and no answer fits into the other.
BOOST_AUTO_TEST_CASE(more_than_the_pipes_hold_goes_in_both_directions_at_once) {
    for (const std::size_t size : {through_the_pipe, through_memory}) {
        const scratch here;
        process_pool pool({.workers = 1});
        auto first = pool.submit(stop_reading, here.file("began"), here.file("go on")).start();
        BOOST_TEST_REQUIRE(wait_until([&] { return exists(here.file("began")); }));
        std::vector<std::string> texts;
        std::vector<task_handle<std::string>> all;
        for (std::size_t i = 0; i != 12; ++i) {
            texts.push_back(std::string(size + i, static_cast<char>('a' + i)));
            all.push_back(pool.submit(echo, texts.back()).start());
        }
        if (size == through_the_pipe)
            BOOST_TEST_REQUIRE(wait_until([] { return full_pipes() == 1; }));
        touch(here.file("go on"));
        for (std::size_t i = 0; i != all.size(); ++i) {
            BOOST_TEST_REQUIRE(all[i].wait_for(30s));
            BOOST_TEST((all[i].get() == texts[i]));
        }
        BOOST_TEST(first.get() == 1);
    }
}

BOOST_AUTO_TEST_CASE(a_worker_that_stops_reading_holds_up_nobody_else) {
    for (const std::size_t size : {through_the_pipe, through_memory}) {
        const scratch here;
        process_pool pool({.workers = 2});
        // Nothing is sent ahead to a worker from which the second of these was taken back.
        BOOST_TEST_REQUIRE(wait_until([&] { return pool.stats().workers_idle == 2; }));
        auto deaf = pool.submit(stop_reading, here.file("began"), here.file("go on")).start();
        auto other = pool.submit(stop_reading, here.file("other began"), here.file("other goes on")).start();
        BOOST_TEST_REQUIRE(wait_until([&] { return exists(here.file("began")) && exists(here.file("other began")); }));
        const std::string large(size, 'x');
        std::vector<task_handle<std::size_t>> all;
        for (int i = 0; i != 40; ++i)
            all.push_back(pool.submit(length, large).start());
        // Some of them were sent ahead to each, and do not fit into its pipe. One of the two goes on, and gets all of them done.
        if (size == through_the_pipe)
            BOOST_TEST_REQUIRE(wait_until([] { return full_pipes() == 2; }));
        touch(here.file("other goes on"));
        for (auto& one : all) {
            BOOST_TEST_REQUIRE(one.wait_for(30s));
            BOOST_TEST(one.get() == large.size());
        }
        BOOST_TEST(other.get() == 1);
        BOOST_TEST(!deaf.ready());
        BOOST_TEST(full_pipes() == (size == through_the_pipe ? 1u : 0u));
        touch(here.file("go on"));
        BOOST_TEST(deaf.get() == 1);
        // And it finds its place again in what it reads.
        check_at_full_strength(pool, 2);
        BOOST_TEST(pool.stats().workers_died == 0u);
    }
}

BOOST_AUTO_TEST_CASE(a_pool_whose_only_worker_stopped_reading_can_be_cancelled_and_destroyed) {
    for (const std::size_t size : {through_the_pipe, through_memory}) {
        const scratch here;
        std::vector<task_handle<std::size_t>> all;
        {
            process_pool pool({.workers = 1});
            auto deaf = pool.submit(stop_reading, here.file("began"), here.file("never")).start();
            BOOST_TEST_REQUIRE(wait_until([&] { return exists(here.file("began")); }));
            for (int i = 0; i != 10; ++i)
                all.push_back(pool.submit(length, std::string(size, 'x')).start());
            if (size == through_the_pipe)
                BOOST_TEST_REQUIRE(wait_until([] { return full_pipes() == 1; }));
            all[3].cancel();
            BOOST_TEST((code_of([&] { all[3].get(); }) == boost::asio::error::operation_aborted));
        }
        for (auto& one : all) {
            BOOST_TEST_REQUIRE(one.ready());
            BOOST_TEST(!one.successful());
        }
    }
}

// Descriptors -------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_worker_whose_calls_are_closed_ends_and_what_it_had_not_begun_goes_elsewhere) {
    const scratch here;
    process_pool pool({.workers = 1});
    auto closing = pool.submit(
                           [](const std::string& began, const std::string& go_on) {
                               ::close(own_pipe(O_RDONLY));
                               meet(began, go_on);
                               return 1;
                           },
                           here.file("began"), here.file("go on"))
                       .start();
    BOOST_TEST_REQUIRE(wait_until([&] { return exists(here.file("began")); }));
    std::vector<task_handle<int>> behind;
    for (int i = 0; i != 100; ++i)
        behind.push_back(pool.submit(same, i).start());
    touch(here.file("go on"));
    for (int i = 0; i != 100; ++i) {
        BOOST_TEST_REQUIRE(behind[static_cast<std::size_t>(i)].wait_for(20s));
        BOOST_TEST(behind[static_cast<std::size_t>(i)].get() == i);
    }
    // Its answer left by another way, unless the pool saw first that it had hung up.
    const auto code = code_of([&] { BOOST_TEST(closing.get() == 1); });
    BOOST_TEST((!code || code == errc::worker_died));
    check_at_full_strength(pool, 1);
}

BOOST_AUTO_TEST_CASE(a_task_that_closes_every_descriptor_there_is_fails_alone) {
    process_pool pool({.workers = 2});
    std::vector<task_handle<int>> others;
    for (int round = 0; round != 5; ++round) {
        auto closing = pool.submit([] { ::syscall(SYS_close_range, 0U, ~0U, 0U); }).start();
        for (int i = 0; i != 20; ++i)
            others.push_back(pool.submit(same, i).start());
        BOOST_TEST_REQUIRE(closing.wait_for(20s));
        const auto code = code_of([&] { closing.get(); });
        BOOST_TEST((!code || code == errc::worker_died));
    }
    for (std::size_t i = 0; i != others.size(); ++i) {
        BOOST_TEST_REQUIRE(others[i].wait_for(20s));
        BOOST_TEST(others[i].get() == static_cast<int>(i % 20));
    }
    check_at_full_strength(pool, 2);
}

BOOST_AUTO_TEST_CASE(a_task_may_close_the_standard_descriptors_and_others_then_print) {
    process_pool pool({.workers = 1});
    const pid_t before = pool.submit(own_pid).get();
    pool.submit([] {
            for (int fd = 0; fd != 3; ++fd)
                ::close(fd);
        })
        .get();
    // What these open gets the numbers 0 to 2, and must not be mistaken for anything.
    for (int i = 0; i != 10; ++i) {
        BOOST_TEST(pool.submit([] { return std::printf("a line for nobody\n"); }).get() != 0);
        BOOST_TEST(pool.submit([] { return ::open("/dev/null", O_RDWR); }).get() >= 0);
    }
    BOOST_TEST(pool.submit(own_pid).get() == before);
}

// Children ----------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_child_that_outlives_its_worker_and_holds_its_pipes_hides_no_death) {
    for (const bool by_signal : {false, true}) {
        process_pool pool({.workers = 2});
        const scratch here;
        auto parent = pool.submit(
                              [](const std::string& diary, bool signal) {
                                  note(diary, leave_a_child_of_another_session());
                                  if (signal)
                                      ::raise(SIGKILL);
                                  ::_exit(5);
                              },
                              here.file("diary"), by_signal)
                          .start();
        std::vector<task_handle<int>> others;
        for (int i = 0; i != 50; ++i)
            others.push_back(pool.submit(same, i).start());
        BOOST_TEST_REQUIRE(parent.wait_for(20s));
        BOOST_TEST((code_of([&] { parent.get(); }) == errc::worker_died));
        for (int i = 0; i != 50; ++i) {
            BOOST_TEST_REQUIRE(others[static_cast<std::size_t>(i)].wait_for(20s));
            BOOST_TEST(others[static_cast<std::size_t>(i)].get() == i);
        }
        check_at_full_strength(pool, 2);
        for (const std::int64_t child : notes(here.file("diary")))
            BOOST_TEST(::kill(static_cast<pid_t>(child), SIGKILL) == 0);
    }
}

BOOST_AUTO_TEST_CASE(a_child_that_outlives_its_task_does_not_hold_up_closing_or_destruction) {
    std::vector<pid_t> children;
    {
        process_pool pool({.workers = 2});
        for (int i = 0; i != 4; ++i)
            children.push_back(pool.submit(leave_a_child_of_another_session).get());
        pool.close();
        auto joined = pool.join().start();
        BOOST_TEST(joined.wait_for(20s));
        BOOST_TEST(pool.stats().workers_died == 0u);
    }
    {
        process_pool pool({.workers = 1});
        children.push_back(pool.submit(leave_a_child_of_another_session).get());
    }
    for (const pid_t child : children)
        BOOST_TEST(::kill(child, SIGKILL) == 0);
}

// The process -------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_task_that_changes_directory_does_so_for_its_worker_alone) {
    const scratch here;
    touch(here.file("x"));
    const std::string elsewhere = std::filesystem::path(here.file("x")).parent_path().string();
    const std::string own = std::filesystem::current_path().string();
    const auto where = +[] { return std::filesystem::current_path().string(); };
    process_pool pool({.workers = 1});
    BOOST_TEST(pool.submit(where).get() == own);
    pool.submit([](const std::string& to) { std::filesystem::current_path(to); }, elsewhere).get();
    BOOST_TEST(pool.submit(where).get() == std::filesystem::canonical(elsewhere).string());
    BOOST_TEST(std::filesystem::current_path().string() == own);
    BOOST_CHECK_THROW(pool.submit([] { ::raise(SIGKILL); }).get(), worker_died);
    BOOST_TEST(pool.submit(where).get() == own); // the next one begins where the program is
}

BOOST_AUTO_TEST_CASE(a_folder_that_a_worker_is_in_may_be_removed) {
    process_pool pool({.workers = 1});
    {
        const scratch here;
        touch(here.file("x"));
        const std::string elsewhere = std::filesystem::path(here.file("x")).parent_path().string();
        pool.submit([](const std::string& to) { std::filesystem::current_path(to); }, elsewhere).get();
    }
    for (int i = 0; i != 10; ++i)
        BOOST_TEST(pool.submit(same, i).get() == i);
    BOOST_CHECK_THROW(pool.submit([] { ::raise(SIGKILL); }).get(), worker_died);
    check_at_full_strength(pool, 1);
}

void install_handlers_for_everything() {
    struct sigaction handled {};
    handled.sa_handler = [](int) {};
    for (int number = 1; number != NSIG; ++number)
        ::sigaction(number, &handled, nullptr);
}

void block_everything() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

BOOST_AUTO_TEST_CASE(signal_handlers_and_masks_of_a_task_stay_in_its_worker_and_keep_nobody_from_ending_it) {
    for (const auto prepare : {install_handlers_for_everything, block_everything}) {
        const scratch here;
        struct sigaction before {};
        ::sigaction(SIGTERM, nullptr, &before);
        process_pool pool({.workers = 1, .kill_grace = 20ms});
        pool.submit(prepare).get();
        const pid_t worker = pool.submit(own_pid).get();
        for (int i = 0; i != 20; ++i)
            BOOST_TEST(pool.submit(same, i).get() == i);
        // Signals that interrupt what it does in the pipes: the handlers were installed without SA_RESTART.
        auto slow = pool.submit(meet_and_return, here.file("began"), here.file("go on"), 5).start();
        BOOST_TEST_REQUIRE(wait_until([&] { return exists(here.file("began")); }));
        for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD, SIGPIPE})
            for (int i = 0; i != 20; ++i)
                ::kill(worker, number);
        touch(here.file("go on"));
        BOOST_TEST(slow.get() == 5);
        for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGALRM})
            for (int i = 0; i != 100; ++i) {
                auto large = pool.submit(echo, std::string(200'000, 'x')).start();
                ::kill(worker, number);
                BOOST_TEST_REQUIRE(large.wait_for(20s));
                BOOST_TEST(large.get().size() == 200'000u);
            }
        BOOST_TEST(pool.submit(own_pid).get() == worker);
        // It does not listen to SIGTERM, so it takes SIGKILL.
        auto endless = pool.submit([] {
                               for (volatile bool for_ever = true; for_ever;) {
                               }
                           })
                           .timeout(30ms)
                           .start();
        BOOST_TEST((code_of([&] { endless.get(); }) == errc::timed_out));
        BOOST_TEST(pool.submit(own_pid).get() != worker);
        struct sigaction after {};
        ::sigaction(SIGTERM, nullptr, &after);
        BOOST_TEST(after.sa_handler == before.sa_handler);
    }
}

BOOST_AUTO_TEST_CASE(a_worker_with_handlers_for_everything_is_recycled_and_closed_like_any_other) {
    process_pool pool({.workers = 1, .max_tasks_per_worker = 2});
    for (int i = 0; i != 5; ++i) {
        pool.submit(install_handlers_for_everything).get();
        BOOST_TEST(pool.submit(same, i).get() == i);
    }
    pool.submit(block_everything).get();
    pool.close();
    auto joined = pool.join().start();
    BOOST_TEST(joined.wait_for(20s));
    BOOST_TEST(pool.stats().workers_died == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
