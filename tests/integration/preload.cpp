// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// What a preload does, once and in the server, and what becomes of one that fails.

#include <procpool/procpool.hpp>

#include <integration/forked.hpp>
#include <integration/scratch.hpp>
#include <support/leftovers.hpp>
#include <support/send_signal.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

using namespace procpool::testing;
using namespace std::chrono_literals;
using procpool::errc;

namespace {

// Preloads, and what uses what they made ------------------------------------------------------------------------------

std::vector<int> table;
pid_t made_by = 0;

void make_table(int entries, const std::string& diary) {
    table.assign(static_cast<std::size_t>(entries), 7);
    made_by = ::getpid();
    note(diary, made_by);
}

/// The sum, and who made the table.
std::pair<long, pid_t> use_table() {
    long sum = 0;
    for (const int entry : table)
        sum += entry;
    return {sum, made_by};
}

void refuse() {
    throw std::domain_error("no licence");
}

void start_threads(int count) {
    for (int i = 0; i != count; ++i) {
        std::thread made([] {
            for (;;)
                ::pause();
        });
        ::pthread_setname_np(made.native_handle(), "of-the-preload");
        made.detach();
    }
}

void use_threads_for_a_while() {
    std::vector<std::thread> all;
    for (int i = 0; i != 4; ++i)
        all.emplace_back([] { std::this_thread::yield(); });
    for (std::thread& one : all)
        one.join();
    set_value(4);
}

void close_everything() {
    for (int fd = 0; fd != 1024; ++fd)
        ::close(fd);
}

int descriptor_of_preload = -1;

void open_a_file(const std::string& file) {
    descriptor_of_preload = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
}

std::string read_that_file() {
    char text[16]{};
    const ssize_t size = ::pread(descriptor_of_preload, text, sizeof text, 0);
    return {text, static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

/// The error of a task of a pool that cannot start workers.
struct failed {
    std::error_code code;
    std::string text;
    std::string nested;
};

failed failure_of(procpool::process_pool& pool) {
    failed found;
    try {
        pool.submit(same, 1).get();
    } catch (const procpool::pool_error& error) {
        found.code = error.code();
        found.text = error.what();
        try {
            std::rethrow_if_nested(error);
        } catch (const std::exception& inner) {
            found.nested = inner.what();
        }
    }
    return found;
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != text.npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(preload)

BOOST_AUTO_TEST_CASE(the_preload_runs_once_and_all_workers_have_what_it_made_each_for_itself) {
    const scratch here;
    procpool::process_pool pool(forked_after(procpool::bind(make_table, 1000, here.file("diary"))));
    std::set<pid_t> workers;
    for (int round = 0; round != 5; ++round) {
        const pid_t pid = pool.submit(own_pid).get();
        workers.insert(pid);
        const auto [sum, maker] = pool.submit(use_table).get();
        BOOST_TEST(sum == 7000);
        BOOST_TEST(maker == server());
        pool.submit([] { table.clear(); }).get(); // one worker's alone
        send_signal(pid, SIGKILL);
        BOOST_TEST(is_gone(pid));
    }
    BOOST_TEST(workers.size() == 5U);
    BOOST_TEST(notes(here.file("diary")).size() == 1U);
}

BOOST_AUTO_TEST_CASE(descriptors_that_the_preload_opened_are_there_under_their_numbers) {
    const scratch here;
    std::ofstream(here.file("data")) << "opened once";
    procpool::process_pool pool(forked_after(procpool::bind(open_a_file, here.file("data"))));
    BOOST_TEST(pool.submit(read_that_file).get() == "opened once");
}

BOOST_AUTO_TEST_CASE(a_preload_without_the_fork_server_is_refused) {
    const auto make = [](procpool::start_method method) {
        procpool::pool_options options{.workers = 1, .method = method};
        options.preload = procpool::bind(set_value, 1);
        procpool::process_pool pool(options);
    };
    BOOST_CHECK_EXCEPTION(make(procpool::start_method::spawn), std::invalid_argument,
                          [](const std::exception& error) { return contains(error.what(), "forkserver"); });
    make(procpool::start_method::forkserver);
}

BOOST_AUTO_TEST_CASE(a_preload_that_throws_is_told_with_what_it_threw) {
    procpool::process_pool pool(forked_after(procpool::bind(refuse), 2));
    for (int i = 0; i != 3; ++i) {
        const failed told = failure_of(pool);
        BOOST_TEST(told.code == make_error_code(errc::initializer_failed));
        BOOST_TEST(contains(told.text, "the preload threw: no licence"), told.text);
        BOOST_TEST(told.nested == "no licence");
    }
    BOOST_TEST(pool.stats().workers_started < 10U);
}

BOOST_AUTO_TEST_CASE(a_preload_that_exits_or_crashes_is_told_with_how) {
    {
        procpool::process_pool pool(forked_after(procpool::bind([] { ::_exit(5); })));
        const failed told = failure_of(pool);
        BOOST_TEST(told.code == make_error_code(errc::initializer_failed));
        BOOST_TEST(contains(told.text, "exited with code 5 while it ran the preload"), told.text);
    }
    {
        procpool::process_pool pool(forked_after(procpool::bind([] { ::raise(SIGSEGV); })));
        const failed told = failure_of(pool);
        BOOST_TEST(told.code == make_error_code(errc::initializer_failed));
        BOOST_TEST(contains(told.text, "SIGSEGV"), told.text);
    }
}

BOOST_AUTO_TEST_CASE(a_preload_that_never_ends_is_bounded_by_the_task_timeout) {
    const scratch here;
    const leftovers before = leftovers::now();
    {
        procpool::pool_options options = forked_after(procpool::bind(note_and_hang, here.file("diary")));
        options.task_timeout = 100ms;
        procpool::process_pool pool(options);
        const failed told = failure_of(pool);
        BOOST_TEST(told.code == make_error_code(errc::initializer_failed));
        BOOST_TEST(contains(told.text, "the preload ran longer than pool_options::task_timeout"), told.text);
        BOOST_TEST(contains(told.text, std::to_string(notes(here.file("diary")).front())), told.text);
    }
    BOOST_TEST(wait_for_no_leftovers(before) == "");
}

BOOST_AUTO_TEST_CASE(a_preload_that_leaves_threads_running_is_refused_in_words) {
    procpool::process_pool pool(forked_after(procpool::bind(start_threads, 2)));
    const failed told = failure_of(pool);
    BOOST_TEST(told.code == make_error_code(errc::worker_start_failed));
    if (all_threads_are_the_programs)
        BOOST_TEST(contains(told.text, "3 threads"), told.text);
    BOOST_TEST(contains(told.text, "of-the-preload"), told.text);
}

BOOST_AUTO_TEST_CASE(a_preload_may_use_threads_that_end) {
    procpool::process_pool pool(forked_after(procpool::bind(use_threads_for_a_while)));
    BOOST_TEST(pool.submit(get_value).get() == 4);
}

BOOST_AUTO_TEST_CASE(a_preload_that_closes_what_is_not_its_own_leaves_the_server_able_to_fork) {
    procpool::pool_options options = forked_after(procpool::bind([] {
        for (int fd = 0; fd != 256; ++fd)
            ::close(fd);
    }));
    procpool::process_pool pool(options);
    BOOST_TEST(pool.submit(same, 4).get() == 4);
}

BOOST_AUTO_TEST_CASE(a_preload_that_closes_the_servers_own_descriptors_fails_the_start) {
    procpool::process_pool pool(forked_after(procpool::bind(close_everything)));
    const failed told = failure_of(pool);
    BOOST_TEST(!told.text.empty());
}

BOOST_AUTO_TEST_CASE(what_the_preload_prints_is_captured_once_and_what_workers_print_is_theirs) {
    std::mutex mutex;
    std::vector<procpool::output_line> lines;
    {
        procpool::pool_options options = forked_after(procpool::bind([] { std::printf("half a line, "); }), 2);
        options.standard_output = procpool::output::capture;
        options.on_output = [&](const procpool::output_line& line) {
            const std::lock_guard lock(mutex);
            lines.push_back(line);
        };
        procpool::process_pool pool(options);
        for (int i = 0; i != 4; ++i)
            pool.submit([] { std::puts("from a worker"); }).get();
        pool.close();
        pool.join().get();
    }
    BOOST_TEST(std::count_if(lines.begin(), lines.end(), [](const auto& line) { return line.worker == 2; }) == 1);
    BOOST_TEST(
        std::count_if(lines.begin(), lines.end(), [](const auto& line) { return line.text == "from a worker"; }) == 4);
    BOOST_TEST(lines.size() == 5U);
}

BOOST_AUTO_TEST_SUITE_END()
