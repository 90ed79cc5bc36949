// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// What is told of a worker's end, of what it prints, and of the coming and going of workers.

#include <procpool/procpool.hpp>

#include <integration/own_place.hpp>
#include <integration/scratch.hpp>
#include <support/proc.hpp>
#include <support/send_signal.hpp>
#include <support/wait_until.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <mutex>
#include <vector>

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace procpool::testing;
using namespace std::chrono_literals;
using procpool::output;
using procpool::worker_event;

namespace {

pid_t own_pid() {
    return ::getpid();
}

/// How an operation failed, which has to be by its worker's death.
template <class Operation>
procpool::worker_died death_of(Operation operation) {
    try {
        std::move(operation).get();
    } catch (const procpool::worker_died& died) {
        return died;
    } catch (const std::exception& other) {
        BOOST_FAIL("another error: " << other.what());
    }
    throw std::logic_error("it did not fail");
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

void compute_and_die() {
    const std::clock_t enough = std::clock() + CLOCKS_PER_SEC / 20;
    while (std::clock() < enough) {
    }
    ::raise(SIGABRT);
}

void complain_and_die(int lines) {
    for (int line = 0; line != lines; ++line)
        std::cerr << "line " << line << '\n';
    std::cerr << "without an end";
    ::_exit(4);
}

int die_on_first_attempts(unsigned attempts) {
    if (procpool::this_task::attempt() > attempts)
        return 7;
    ::_exit(static_cast<int>(10 + procpool::this_task::attempt()));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
void limit_memory(std::size_t bytes) {
    const rlimit limit{bytes, bytes};
    ::setrlimit(RLIMIT_AS, &limit);
}

std::size_t size_of(const std::vector<char>& all) {
    return all.size();
}

/// As long as it lives, this process can open nothing. Arguments that are encoded meanwhile do not get into shared memory, and go
/// through the pipe however large they are.
class no_more_descriptors {
public:
    no_more_descriptors() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const rlimit none{3, before_.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &none);
    }
    no_more_descriptors(const no_more_descriptors&) = delete;
    no_more_descriptors& operator=(const no_more_descriptors&) = delete;
    ~no_more_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};
#endif

/// Notes its process, and returns more than its pipe holds, once it is told to go on.
std::string return_much(const std::string& diary, const std::string& go_on) {
    constexpr int narrow = 64 * 1024;
    if (::fcntl(own_pipe(O_WRONLY), F_SETPIPE_SZ, narrow) != narrow)
        throw std::runtime_error("the pipe cannot be made narrow");
    note(diary, ::getpid());
    if (!wait_until([&] { return exists(go_on); }, 60s))
        throw std::runtime_error("nobody told the task to go on");
    return std::string(100'000, 'x');
}

/// What a pool tells, for the test's own thread to look at.
template <class T>
class told {
public:
    void add(const T& what) {
        const std::lock_guard lock(mutex_);
        all_.push_back(what);
    }
    std::vector<T> all() const {
        const std::lock_guard lock(mutex_);
        return all_;
    }
    template <class P>
    std::size_t count(P predicate) const {
        const auto seen = all();
        return static_cast<std::size_t>(std::count_if(seen.begin(), seen.end(), predicate));
    }

private:
    mutable std::mutex mutex_;
    std::vector<T> all_;
};

std::size_t count_of(const told<worker_event>& events, worker_event::kind what) {
    return events.count([what](const worker_event& event) { return event.what == what; });
}

} // namespace

BOOST_AUTO_TEST_SUITE(post_mortem)

BOOST_AUTO_TEST_CASE(what_a_worker_took_of_the_machine_is_told) {
    procpool::process_pool pool({.workers = 1});
    const auto died = death_of(pool.submit(compute_and_die));
    const auto usage = died.details().usage.value();
    BOOST_TEST((usage.user_time + usage.system_time >= 50ms));
    BOOST_TEST((usage.user_time + usage.system_time < 60s));
    BOOST_TEST(contains(died.what(), "ms of processor time"), died.what());
    BOOST_TEST(!died.details().out_of_memory_likely);
}

BOOST_AUTO_TEST_CASE(memory_is_told_of_a_worker_that_became_larger_than_the_program) {
    procpool::process_pool pool({.workers = 1});
    rusage own{};
    ::getrusage(RUSAGE_SELF, &own);
    const std::size_t more = static_cast<std::size_t>(own.ru_maxrss) * 1024 + (std::size_t{64} << 20);
    const auto died = death_of(pool.submit(
        [](std::size_t size) {
            const std::vector<char> filled(size, 'x');
            std::cerr << filled[size / 2];
            ::_exit(1);
        },
        more));
    const auto most = died.details().usage.value().most_resident;
    BOOST_TEST_REQUIRE(most.has_value());
    BOOST_TEST(*most >= more);
}

BOOST_AUTO_TEST_CASE(the_last_lines_of_standard_error_are_told_if_it_is_captured) {
    procpool::process_pool pool({.workers = 1, .standard_error = output::capture});
    const auto few = death_of(pool.submit(complain_and_die, 2));
    BOOST_TEST(few.details().standard_error_tail == "line 0\nline 1\nwithout an end\n");
    BOOST_TEST(contains(few.what(), "\"without an end\""), few.what());
    const auto many = death_of(pool.submit(complain_and_die, 10'000));
    BOOST_TEST(contains(many.details().standard_error_tail, "line 9981\n"), many.details().standard_error_tail);
    BOOST_TEST(!contains(many.details().standard_error_tail, "line 9980\n"));
    BOOST_TEST(contains(many.details().standard_error_tail, "line 9999\nwithout an end\n"));
    // Of the worker that died, not of the one before.
    const auto none = death_of(pool.submit([] { ::_exit(1); }));
    BOOST_TEST(none.details().standard_error_tail == "");
}

BOOST_AUTO_TEST_CASE(nothing_is_told_of_standard_error_that_is_not_captured) {
    procpool::process_pool pool({.workers = 1, .standard_error = output::discard});
    BOOST_TEST(death_of(pool.submit(complain_and_die, 3)).details().standard_error_tail == "");
}

BOOST_AUTO_TEST_CASE(all_attempts_are_told) {
    procpool::process_pool pool({.workers = 2});
    BOOST_TEST(pool.submit(die_on_first_attempts, 2u).retries(2).get() == 7);
    const auto died = death_of(pool.submit(die_on_first_attempts, 9u).retries(2));
    BOOST_TEST_REQUIRE(died.attempts().size() == 3u);
    for (unsigned attempt = 1; attempt != 4; ++attempt) {
        const auto& one = died.attempts()[attempt - 1];
        BOOST_TEST(one.attempt == attempt);
        BOOST_TEST(one.exit_code.value() == static_cast<int>(10 + attempt));
        BOOST_TEST((one.phase == procpool::task_phase::running));
        BOOST_TEST(one.usage.has_value());
    }
    BOOST_TEST(died.details().attempt == 3u);
    BOOST_TEST(contains(died.what(), "in attempt 3"), died.what());
    BOOST_TEST(contains(died.what(), "in attempt 1, worker"), died.what());
}

BOOST_AUTO_TEST_CASE(attempts_of_one_item_of_a_batch_are_that_items_own) {
    procpool::process_pool pool({.workers = 2});
    const std::vector<unsigned> inputs{0, 0, 1, 0, 9, 0, 1};
    const auto results = pool.map_settled(die_on_first_attempts, inputs).retries(1).get();
    for (std::size_t item = 0; item != inputs.size(); ++item) {
        if (inputs[item] != 9) {
            BOOST_TEST(results[item].value() == 7);
            continue;
        }
        try {
            std::rethrow_exception(results[item].error());
        } catch (const procpool::worker_died& died) {
            BOOST_TEST(died.attempts().size() == 2u);
        }
    }
}

// A worker dies while it reads arguments that are too large for it. The first time the task goes elsewhere, for it has not
// begun; the second time it is to blame, or it would end one worker after another.
BOOST_AUTO_TEST_CASE(arguments_that_kill_whoever_reads_them_fail_their_task_alone) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    BOOST_TEST_MESSAGE("left out: a sanitizer takes more address space than the limit that this needs");
#else
    procpool::process_pool pool({.workers = 2,
                                 .initializer = procpool::bind(limit_memory, std::size_t{256} << 20),
                                 .standard_error = output::capture});
    BOOST_TEST_REQUIRE(wait_until([&] { return pool.stats().workers_idle == 2; })); // to start one takes descriptors
    std::vector<procpool::task_handle<pid_t>> others;
    for (int i = 0; i != 20; ++i)
        others.push_back(pool.submit(own_pid).start());
    auto encoded = [&] {
        const no_more_descriptors so_that_it_goes_through_the_pipe;
        return pool.submit(size_of, std::vector<char>(300 << 20));
    }();
    auto deadly = std::move(encoded).start();
    for (int i = 0; i != 20; ++i)
        others.push_back(pool.submit(own_pid).start());
    const auto died = death_of(deadly);
    BOOST_TEST((died.details().phase == procpool::task_phase::reading));
    BOOST_TEST(died.details().signal.value_or(0) == SIGABRT);
    BOOST_TEST(died.attempts().size() == 1u); // that it was read in vain before is no attempt
    BOOST_TEST(died.details().attempt == 1u);
    BOOST_TEST(contains(died.what(), "reading the arguments of the task"), died.what());
    for (auto& other : others)
        BOOST_CHECK_NO_THROW(other.get());
    BOOST_TEST(wait_until([&] { return pool.stats().workers_idle == 2; }));
    BOOST_TEST(pool.submit(own_pid).get() > 0);
    BOOST_TEST(pool.stats().workers_died == 2u);
#endif
}

// In shared memory they do not even fit into the worker.
BOOST_AUTO_TEST_CASE(arguments_for_which_a_worker_has_no_room_fail_their_task_and_end_no_worker) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    BOOST_TEST_MESSAGE("left out: a sanitizer takes more address space than the limit that this needs");
#else
    procpool::process_pool pool({.workers = 2, .initializer = procpool::bind(limit_memory, std::size_t{256} << 20)});
    std::vector<procpool::task_handle<pid_t>> others;
    for (int i = 0; i != 20; ++i)
        others.push_back(pool.submit(own_pid).start());
    BOOST_CHECK_EXCEPTION(pool.submit(size_of, std::vector<char>(300 << 20)).get(), boost::system::system_error,
                          [](const auto& error) { return error.code().value() == ENOMEM; });
    for (auto& other : others)
        BOOST_CHECK_NO_THROW(other.get());
    BOOST_TEST(pool.submit(own_pid).get() > 0);
    BOOST_TEST(pool.stats().workers_died == 0u);
#endif
}

// The function has run to its end by then, and with retries it runs once more.
BOOST_AUTO_TEST_CASE(a_worker_that_dies_while_it_hands_over_a_result_is_told_of_as_writing_it) {
    for (const unsigned retries : {0u, 1u}) {
        const scratch here;
        boost::asio::io_context context;
        procpool::process_pool pool(context, {.workers = 1});
        auto written = pool.submit(return_much, here.file("diary"), here.file("go on")).retries(retries).start();
        BOOST_TEST_REQUIRE(run_for(context, 20s, [&] { return !notes(here.file("diary")).empty(); }));
        // Nobody runs the context now, so nobody reads what the worker writes.
        touch(here.file("go on"));
        BOOST_TEST_REQUIRE(wait_until([] { return full_pipes() == 1; }));
        const auto writer = static_cast<pid_t>(notes(here.file("diary")).front());
        send_signal(writer, SIGKILL);
        BOOST_TEST_REQUIRE(wait_until([&] { return look_at(writer).state == 'Z'; }));
        BOOST_TEST_REQUIRE(run_for(context, 20s, [&] { return written.ready(); }));
        if (retries == 0) {
            const auto died = death_of(written);
            BOOST_TEST((died.details().phase == procpool::task_phase::writing));
            BOOST_TEST(died.details().pid == writer);
            BOOST_TEST(died.details().signal.value_or(0) == SIGKILL);
            BOOST_TEST(contains(died.what(), "writing the result of the task"), died.what());
        } else {
            BOOST_TEST((written.get() == std::string(100'000, 'x')));
        }
        BOOST_TEST(notes(here.file("diary")).size() == 1 + retries);
    }
}

// With a control group of version 1, if this machine has them and lets us make one: otherwise nothing can be shown here.
BOOST_AUTO_TEST_CASE(the_out_of_memory_killer_is_named) {
    namespace fs = std::filesystem;
    const fs::path group = "/sys/fs/cgroup/memory/procpool-test-" + std::to_string(::getpid());
    std::error_code error;
    if (!fs::create_directory(group, error)) {
        BOOST_TEST_MESSAGE("left out: no control group can be made here");
        return;
    }
    // The kernel counts such deaths for all the machine, so this must not run twice at the same time.
    const int program = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    BOOST_TEST_REQUIRE(::flock(program, LOCK_EX) == 0);
    std::ofstream(group / "memory.limit_in_bytes") << (std::size_t{96} << 20);
    std::ofstream(group / "memory.swappiness") << 0;
    const auto move_and_grow = [](const std::string& into) {
        std::ofstream(into + "/cgroup.procs") << ::getpid() << std::flush;
        std::vector<std::vector<char>> taken;
        for (int mebibytes = 0; mebibytes != 512; ++mebibytes)
            taken.emplace_back(std::size_t{1} << 20, 'x');
        return taken.size();
    };
    {
        procpool::process_pool pool({.workers = 1});
        try {
            const auto taken = pool.submit(move_and_grow, group.string()).get();
            BOOST_TEST_MESSAGE("left out: the limit was not kept to; " << taken << " MiB were taken");
        } catch (const procpool::worker_died& died) {
            BOOST_TEST(died.details().signal.value() == SIGKILL);
            BOOST_TEST(died.details().out_of_memory_likely);
            BOOST_TEST(contains(died.what(), "out-of-memory killer is the likely cause"), died.what());
        }
        // Somebody else's SIGKILL is not taken for it, nor one that came before.
        BOOST_TEST(!death_of(pool.submit([] { ::raise(SIGKILL); })).details().out_of_memory_likely);
    }
    BOOST_TEST(wait_until([&] { return fs::remove(group, error); }));
    ::close(program);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(captured_output)

BOOST_AUTO_TEST_CASE(each_line_is_told_with_its_worker_and_stream_in_order) {
    told<procpool::output_line> lines;
    constexpr int tasks = 50;
    {
        procpool::process_pool pool({.workers = 2,
                                     .standard_output = output::capture,
                                     .standard_error = output::capture,
                                     .on_output = [&](const procpool::output_line& line) { lines.add(line); }});
        const auto speak = [](int number) {
            static int counted = 0; // by this worker
            std::printf("out %d %d\n", number, counted);
            std::fprintf(stderr, "err %d %d\n", number, counted++);
            return ::getpid();
        };
        std::vector<procpool::task_handle<pid_t>> handles;
        for (int i = 0; i != tasks; ++i)
            handles.push_back(pool.submit(speak, i).start());
        std::vector<pid_t> who;
        for (auto& handle : handles)
            who.push_back(handle.get());
        BOOST_TEST(wait_until([&] { return lines.all().size() == 2 * tasks; }));
        const auto all = lines.all();
        for (int i = 0; i != tasks; ++i)
            for (const bool err : {false, true}) {
                const auto found = std::find_if(all.begin(), all.end(), [&](const auto& line) {
                    return line.text.starts_with((err ? "err " : "out ") + std::to_string(i) + " ");
                });
                BOOST_TEST_REQUIRE((found != all.end()));
                BOOST_TEST((found->stream == (err ? procpool::output_stream::standard_error
                                                  : procpool::output_stream::standard_output)));
                BOOST_TEST(found->pid == who[static_cast<std::size_t>(i)]);
                BOOST_TEST(found->worker < 2u);
            }
        // In order, for each worker and stream.
        std::map<std::pair<pid_t, procpool::output_stream>, int> next;
        for (const auto& line : all)
            BOOST_TEST(std::stoi(line.text.substr(line.text.rfind(' '))) == next[std::pair(line.pid, line.stream)]++);
    }
}

BOOST_AUTO_TEST_CASE(what_a_worker_printed_just_before_it_died_is_not_lost) {
    told<procpool::output_line> lines;
    procpool::process_pool pool({.workers = 1,
                                 .standard_output = output::capture,
                                 .on_output = [&](const procpool::output_line& line) { lines.add(line); }});
    BOOST_TEST(death_of(pool.submit([] {
                   std::printf("a last word\nand half");
                   std::fflush(stdout);
                   ::raise(SIGKILL);
               }))
                   .details()
                   .signal.value() == SIGKILL);
    BOOST_TEST(wait_until([&] { return lines.all().size() == 2; }));
    BOOST_TEST(lines.all().at(0).text == "a last word");
    BOOST_TEST(lines.all().at(1).text == "and half");
}

// Far more than a pipe holds, and lines without end: the worker waits, and the pool's memory does not grow.
BOOST_AUTO_TEST_CASE(a_flood_of_output_is_held_back_while_the_program_is_slow_to_take_it) {
    std::mutex gate;
    std::atomic<std::size_t> bytes = 0;
    std::atomic<std::size_t> longest = 0;
    std::unique_lock shut(gate);
    procpool::process_pool pool(
        {.workers = 1, .standard_output = output::capture, .on_output = [&](const procpool::output_line& line) {
             const std::lock_guard wait(gate);
             bytes += line.text.size();
             longest = std::max(longest.load(), line.text.size());
         }});
    constexpr std::size_t flood = std::size_t{32} << 20;
    auto task = pool.submit(
                        [](std::size_t size) {
                            const std::string piece(1 << 20, 'x');
                            for (std::size_t written = 0; written != size; written += piece.size())
                                std::fwrite(piece.data(), 1, piece.size(), stdout);
                            std::putchar('\n');
                        },
                        flood)
                    .start();
    // The pool's own thread is held up in on_output meanwhile, as a slow program would hold it up.
    BOOST_TEST(!task.wait_for(100ms));
    shut.unlock();
    task.get();
    BOOST_TEST(wait_until([&] { return bytes == flood; }));
    BOOST_TEST(longest == 64u * 1024);
}

BOOST_AUTO_TEST_CASE(a_stream_that_a_task_closes_or_a_grandchild_keeps_open_harms_nothing) {
    told<procpool::output_line> lines;
    procpool::process_pool pool({.workers = 1,
                                 .standard_output = output::capture,
                                 .standard_error = output::capture,
                                 .on_output = [&](const procpool::output_line& line) { lines.add(line); }});
    pool.submit([] {
            std::printf("before\n");
            std::fflush(stdout);
            ::close(STDOUT_FILENO);
        })
        .get();
    BOOST_TEST(pool.submit(own_pid).get() > 0);
    BOOST_TEST(wait_until([&] { return lines.all().size() == 1; }));
    // The copy holds the other end of the worker's standard error, and leaves the worker's group.
    const pid_t copy = pool.submit([] {
                               const pid_t made = ::fork();
                               if (made == 0) {
                                   ::setpgid(0, 0);
                                   for (;;)
                                       ::pause();
                               }
                               ::setpgid(made, made);
                               return made;
                           })
                           .get();
    BOOST_TEST(death_of(pool.submit([] { ::_exit(3); })).details().exit_code.value() == 3);
    BOOST_TEST(pool.submit(own_pid).get() > 0);
    ::kill(copy, SIGKILL);
}

BOOST_AUTO_TEST_CASE(discarded_output_goes_nowhere) {
    procpool::process_pool pool({.workers = 1, .standard_output = output::discard, .standard_error = output::discard});
    const auto where = [](int fd) {
        return std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd)).string();
    };
    BOOST_TEST(pool.submit(where, 1).get() == "/dev/null");
    BOOST_TEST(pool.submit(where, 2).get() == "/dev/null");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(worker_events)

BOOST_AUTO_TEST_CASE(a_life_is_told_from_start_to_end) {
    told<worker_event> events;
    procpool::process_pool pool({.workers = 1, .on_event = [&](const worker_event& event) { events.add(event); }});
    const pid_t first = pool.submit(own_pid).get();
    death_of(pool.submit([] { ::raise(SIGSEGV); }));
    const pid_t second = pool.submit(own_pid).get();
    pool.close();
    pool.join().get();
    const auto all = events.all();
    BOOST_TEST_REQUIRE(all.size() == 6u); // join() completes when all were told
    using kind = worker_event::kind;
    const kind expected[] = {kind::started, kind::ready, kind::died, kind::replaced, kind::ready, kind::retired};
    for (std::size_t i = 0; i != std::size(expected); ++i) {
        BOOST_TEST((all.at(i).what == expected[i]), "event " << i << " is " << to_string(all[i].what));
        BOOST_TEST(all[i].worker == 0u);
        BOOST_TEST(all[i].pid == (i < 3 ? first : second));
        BOOST_TEST(!all[i].reason.empty());
    }
    BOOST_TEST(contains(all[2].reason, "SIGSEGV"), all[2].reason);
    BOOST_TEST(all[2].details.value().signal.value() == SIGSEGV);
    BOOST_TEST(contains(all[3].reason, std::to_string(first)), all[3].reason);
    BOOST_TEST(contains(all[5].reason, "closed"), all[5].reason);
    BOOST_TEST(all[5].details.value().exit_code.value() == 0);
}

BOOST_AUTO_TEST_CASE(workers_that_end_because_the_pool_wants_it_are_retired_and_did_not_die) {
    told<worker_event> events;
    {
        procpool::process_pool pool(
            {.workers = 2, .max_tasks_per_worker = 3, .kill_grace = 10ms, .on_event = [&](const worker_event& event) {
                 events.add(event);
             }});
        for (int i = 0; i != 12; ++i)
            pool.submit(own_pid).get();
        BOOST_TEST(wait_until([&] { return count_of(events, worker_event::kind::retired) >= 2; }));
        BOOST_CHECK_THROW(pool.submit([] {
                                  for (;;)
                                      ::pause();
                              })
                              .timeout(20ms)
                              .get(),
                          procpool::pool_error);
        BOOST_TEST(wait_until(
            [&] { return events.count([](const auto& event) { return contains(event.reason, "time limit"); }) == 1; }));
    }
    BOOST_TEST(count_of(events, worker_event::kind::died) == 0u);
    BOOST_TEST(events.count([](const auto& event) { return contains(event.reason, "max_tasks_per_worker"); }) >= 2u);
}

BOOST_AUTO_TEST_CASE(a_worker_that_cannot_be_launched_is_told_of) {
    told<worker_event> events;
    procpool::process_pool pool({.workers = 1,
                                 .on_event = [&](const worker_event& event) { events.add(event); },
                                 .worker_program = "/nonexistent/program"});
    BOOST_CHECK_THROW(pool.submit(own_pid).get(), procpool::pool_error);
    BOOST_TEST(wait_until([&] { return !events.all().empty(); }));
    const auto first = events.all().front();
    BOOST_TEST((first.what == worker_event::kind::died));
    BOOST_TEST(first.pid == -1);
    BOOST_TEST(contains(first.reason, "No such file"), first.reason);
    BOOST_TEST(!first.details);
}

// The functions may use the pool that calls them, and throw: that is for the program, here for its io_context's run.
BOOST_AUTO_TEST_CASE(the_functions_may_use_the_pool_and_may_throw) {
    boost::asio::io_context context;
    std::atomic<int> answers = 0;
    int thrown = 0;
    procpool::process_pool* self = nullptr;
    bool asked = false;
    procpool::process_pool pool(context, {.workers = 1,
                                          .standard_output = output::capture,
                                          .on_output =
                                              [&](const procpool::output_line&) {
                                                  self->submit(own_pid)([&](std::exception_ptr, pid_t) { ++answers; });
                                                  throw std::runtime_error("from on_output");
                                              },
                                          .on_event =
                                              [&](const worker_event& event) {
                                                  if (event.what == worker_event::kind::ready && !asked) {
                                                      asked = true;
                                                      self->submit([] { std::printf("a\nb\n"); })(
                                                          [&](std::exception_ptr) { ++answers; });
                                                  }
                                              }});
    self = &pool;
    const auto all = [&] { return answers == 3 && thrown == 2; };
    BOOST_TEST(wait_until([&] {
        try {
            return run_for(context, 10s, all);
        } catch (const std::runtime_error&) {
            ++thrown;
            return false;
        }
    }));
}

// What the functions hold is given up, whatever they were about to be told.
BOOST_AUTO_TEST_CASE(nothing_is_told_after_the_pool_is_gone) {
    boost::asio::io_context context;
    std::size_t told_of = 0;
    {
        procpool::process_pool pool(context, {.workers = 3, .on_event = [&](const worker_event&) { ++told_of; }});
        BOOST_TEST(run_for(context, 10s, [&] { return told_of >= 2; }));
    }
    const std::size_t before = told_of;
    run_for(context, 10s);
    BOOST_TEST(told_of == before);
}

BOOST_AUTO_TEST_SUITE_END()
