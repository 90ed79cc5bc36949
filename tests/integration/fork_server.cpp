// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Workers forked by a server process: what is different from spawned ones, and what must not be. (Everything else is tested by the
// other programs of this folder, which run a second time with all workers forked.)

#include <procpool/procpool.hpp>

#include <integration/scratch.hpp>
#include <support/leftovers.hpp>
#include <support/send_signal.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <sstream>
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
using procpool::errc;

namespace {

constexpr auto patience = 30s;

// ThreadSanitizer has a thread of its own in a process that has started one.
#if defined(__SANITIZE_THREAD__)
constexpr bool all_threads_are_the_programs = false;
#else
constexpr bool all_threads_are_the_programs = true;
#endif

procpool::pool_options forked(std::size_t workers) {
    return {.workers = workers, .method = procpool::start_method::forkserver};
}

procpool::pool_options forked_after(procpool::bound_call preload, std::size_t workers = 1) {
    procpool::pool_options options = forked(workers);
    options.preload = std::move(preload);
    return options;
}

// What /proc says -----------------------------------------------------------------------------------------------------

std::string content_of(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    std::string all;
    char part[4096];
    // Whatever becomes of the process meanwhile.
    while (in.read(part, sizeof part), in.gcount() > 0)
        all.append(part, static_cast<std::size_t>(in.gcount()));
    return all;
}

std::vector<std::string> arguments_of(pid_t pid) {
    std::vector<std::string> all;
    std::istringstream in(content_of("/proc/" + std::to_string(pid) + "/cmdline"));
    for (std::string one; std::getline(in, one, '\0');)
        all.push_back(one);
    return all;
}

char state_of(pid_t pid) {
    const std::string text = content_of("/proc/" + std::to_string(pid) + "/stat");
    const auto end = text.rfind(") ");
    return end == text.npos ? '\0' : text[end + 2];
}

/// This process's children that live and were started with that last argument.
std::vector<pid_t> children_started_as(const std::string& argument) {
    std::vector<pid_t> found;
    for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
        std::ifstream in(thread.path() / "children");
        for (pid_t one = 0; in >> one;)
            if (const auto all = arguments_of(one); !all.empty() && all.back() == argument)
                found.push_back(one);
    }
    return found;
}

/// The fork server of the only pool that there is, as soon as it is there; -1 if it never is.
pid_t server() {
    std::vector<pid_t> found;
    wait_until(
        [&] {
            found = children_started_as("--procpool-forker=1");
            return found.size() == 1;
        },
        patience);
    return found.size() == 1 ? found.front() : -1;
}

bool is_gone(pid_t pid) {
    return wait_until([&] { return state_of(pid) == '\0'; }, patience);
}

// What runs in workers ------------------------------------------------------------------------------------------------

pid_t own_pid() {
    return ::getpid();
}

int same(int value) {
    return value;
}

int value = 0;

void set_value(int to) {
    value = to;
}

int get_value() {
    return value;
}

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
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;
        const auto target = std::filesystem::read_symlink(entry.path(), gone);
        if (!gone)
            found.descriptors.emplace(std::stoi(entry.path().filename()), target.string());
    }
    found.tid_is_right = ::gettid() == ::getpid() && ::pthread_kill(::pthread_self(), 0) == 0;
    found.mutex_is_right = try_mutex();
    for ([[maybe_unused]] const auto& thread : std::filesystem::directory_iterator("/proc/self/task"))
        ++found.threads;
    std::getline(std::ifstream("/proc/self/comm"), found.name);
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

// Preloads ------------------------------------------------------------------------------------------------------------

void disturb_signals() {
    ::signal(SIGTERM, handle);
    ::signal(SIGUSR1, SIG_IGN);
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

void refuse() {
    throw std::domain_error("no licence");
}

void leave_word_and_hang(const std::string& diary) {
    note(diary, ::getpid());
    for (;;)
        ::pause();
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
    value = 4;
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

bool recovers(procpool::process_pool& pool) {
    return wait_until(
        [&] {
            try {
                return pool.submit(same, 7).get() == 7;
            } catch (const std::exception&) {
                return false;
            }
        },
        patience);
}

bool at_full_strength(procpool::process_pool& pool, std::size_t workers) {
    return wait_until([&] { return pool.stats().workers_idle == workers; }, patience);
}

// The end of the pool's process ---------------------------------------------------------------------------------------

constexpr const char* diary_variable = "PROCPOOL_TEST_DIARY";
constexpr const char* way_variable = "PROCPOOL_TEST_WAY";

std::vector<pid_t> members(pid_t session) {
    std::vector<pid_t> all;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const pid_t pid = std::atoi(entry.path().filename().c_str());
        const std::string text = pid > 0 ? content_of("/proc/" + std::to_string(pid) + "/stat") : std::string();
        const auto name_end = text.rfind(')');
        if (name_end == text.npos)
            continue;
        char state = 0;
        pid_t parent = 0;
        pid_t group = 0;
        pid_t of = 0;
        std::istringstream(text.substr(name_end + 1)) >> state >> parent >> group >> of;
        if (of == session && state != 'Z' && state != 'X')
            all.push_back(pid);
    }
    return all;
}

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

// The preload ---------------------------------------------------------------------------------------------------------

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
        procpool::pool_options options = forked_after(procpool::bind(leave_word_and_hang, here.file("diary")));
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
    BOOST_TEST(wait_until([&] { return state_of(stopped) == 'T'; }));
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
            BOOST_TEST(wait_until([&] { return state_of(stopped) == 'T'; }));
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
            BOOST_TEST(wait_until([&] { return members(victim).empty(); }, 1s));
            for (const pid_t left : members(victim))
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
        options.preload = procpool::bind(leave_word_and_hang, std::string(diary));
    procpool::process_pool pool(options);
    if (std::string(way) != "preload") {
        BOOST_TEST(at_full_strength(pool, 2));
        const pid_t made = server();
        if (std::string(way) == "stopped") {
            send_signal(made, SIGSTOP);
            BOOST_TEST(wait_until([&] { return state_of(made) == 'T'; }));
        }
        note(diary, made);
    }
    for (;;)
        ::pause();
}

BOOST_AUTO_TEST_SUITE_END()
