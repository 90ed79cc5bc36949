// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// The programs that workers run: right ones, wrong ones, and programs that do not call init.

#include <facade/support.hpp>

#include <support/leftovers.hpp>

#include <boost/asio/steady_timer.hpp>

#include <array>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace procpool::testing;
using procpool::errc;
using procpool::pool_options;
using procpool::process_pool;

int add(int left, int right) {
    return left + right;
}

std::string environment(const std::string& name) {
    const char* const value = std::getenv(name.c_str());
    return value ? value : "";
}

std::vector<std::string> command_line() {
    std::ifstream file("/proc/self/cmdline", std::ios::binary);
    std::vector<std::string> arguments;
    for (std::string one; std::getline(file, one, '\0');)
        arguments.push_back(one);
    return arguments;
}

bool parent_is(int process) {
    return ::getppid() == process;
}

std::filesystem::path this_program() {
    return std::filesystem::read_symlink("/proc/self/exe");
}

/// A pool whose workers cannot be started: its operations fail soon and say why, and it does not go on trying for ever.
void check_fails_to_start(const pool_options& options, const std::string& named, const std::string& reason = {}) {
    asio::io_context context;
    const asio::steady_timer timer(context); // now the context has its own descriptors
    const leftovers before = leftovers::now();
    {
        const auto start = std::chrono::steady_clock::now();
        process_pool pool(context, options);
        std::array<seen<int>, 3> results;
        for (auto& one : results)
            pool.submit(add, 1, 2)(one.handler());
        for (auto& one : results) {
            BOOST_REQUIRE(run_for(context, patience, [&] { return one.over(); }));
            BOOST_TEST(code_of(one.error) == errc::worker_start_failed);
            BOOST_TEST_INFO(text_of(one.error));
            BOOST_TEST(text_of(one.error).find(named) != std::string::npos);
            BOOST_TEST_INFO(text_of(one.error));
            BOOST_TEST(text_of(one.error).find(reason) != std::string::npos);
        }
        BOOST_TEST((std::chrono::steady_clock::now() - start < std::chrono::seconds(10)));

        // Nobody wants anything now.
        const auto tried = pool.stats().workers_started;
        BOOST_TEST(tried <= 20 * options.workers);
        context.restart();
        context.run_for(std::chrono::milliseconds(300));
        BOOST_TEST(pool.stats().workers_started <= tried + 5 * options.workers);

        // Another one is told the same, or the pool tries again and then tells.
        BOOST_TEST(code_of(run_to_error(context, pool.submit(add, 1, 2))) == errc::worker_start_failed);
        BOOST_TEST(code_of(run_to_error(context, pool.map(std::negate<>{}, std::vector{1, 2}))) ==
                   errc::worker_start_failed);
        BOOST_TEST(pool.stats().workers_started <= 60 * options.workers);
        pool.close();
        run(context, pool.join());
    }
    BOOST_TEST(wait_for_no_leftovers(before) == "");
}

/// A program that a shell runs.
class script {
public:
    explicit script(const std::string& text) : path_(folder_.path() / "worker-script") {
        std::ofstream(path_) << "#!/bin/sh\n" << text << "\n";
        std::filesystem::permissions(path_, std::filesystem::perms::owner_all);
    }
    const std::filesystem::path& path() const { return path_; }

private:
    scratch_folder folder_;
    std::filesystem::path path_;
};

struct ended {
    int code;
    std::string output; ///< what it wrote to standard output and standard error
};

/// Runs a program as a user would.
ended start_by_hand(const std::string& command) {
    std::FILE* const pipe = ::popen((command + " 2>&1 </dev/null").c_str(), "r");
    BOOST_REQUIRE(pipe);
    ended result{};
    std::array<char, 1024> piece{};
    while (const std::size_t size = std::fread(piece.data(), 1, piece.size(), pipe))
        result.output.append(piece.data(), size);
    const int status = ::pclose(pipe);
    result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    return result;
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(worker_program)

BOOST_AUTO_TEST_CASE(is_this_one_unless_another_is_named) {
    small_pool with;
    const std::vector<std::string> line = run(with.context, with.pool.submit(command_line));
    BOOST_TEST(line.size() >= 2u);
    BOOST_TEST(run(with.context, with.pool.submit(parent_is, ::getpid())));
    BOOST_TEST(run(with.context, with.pool.submit(this_program)) == this_program());
}

BOOST_AUTO_TEST_CASE(may_be_this_one_by_name) {
    asio::io_context context;
    process_pool pool(context, {.workers = 1, .worker_program = this_program()});
    BOOST_TEST(run(context, pool.submit(add, 1, 2)) == 3);
}

BOOST_AUTO_TEST_CASE(gets_the_arguments_of_the_options_before_procpools_own) {
    asio::io_context context;
    process_pool pool(context, {.workers = 1, .worker_args = {"--first", "second one", ""}});
    const std::vector<std::string> line = run(context, pool.submit(command_line));
    BOOST_REQUIRE(line.size() == 5u);
    BOOST_TEST(line[1] == "--first");
    BOOST_TEST(line[2] == "second one");
    BOOST_TEST(line[3] == "");
    BOOST_TEST(line[4].starts_with("--procpool-worker"));
}

BOOST_AUTO_TEST_CASE(may_be_a_wrapper_in_the_path_that_starts_this_one) {
    asio::io_context context;
    process_pool pool(context, {.workers = 2,
                                .worker_program = "env",
                                .worker_args = {"PROCPOOL_TEST_WORD=wrapped", this_program().string()}});
    BOOST_TEST(run(context, pool.submit(environment, "PROCPOOL_TEST_WORD")) == "wrapped");
    BOOST_TEST(environment("PROCPOOL_TEST_WORD").empty());
}

BOOST_AUTO_TEST_CASE(may_be_a_script_that_becomes_this_one) {
    const script wrapper("PROCPOOL_TEST_WORD=scripted exec \"$@\"");
    asio::io_context context;
    process_pool pool(context,
                      {.workers = 1, .worker_program = wrapper.path(), .worker_args = {this_program().string()}});
    BOOST_TEST(run(context, pool.submit(environment, "PROCPOOL_TEST_WORD")) == "scripted");
}

BOOST_AUTO_TEST_CASE(may_be_a_wrapper_that_stays_as_the_parent_of_this_one) {
    const script wrapper("\"$@\"; exit $?");
    asio::io_context context;
    const asio::steady_timer timer(context); // now the context has its own descriptors
    const leftovers before = leftovers::now();
    {
        process_pool pool(context,
                          {.workers = 2, .worker_program = wrapper.path(), .worker_args = {this_program().string()}});
        BOOST_TEST(run(context, pool.submit(add, 1, 2)) == 3);
        BOOST_TEST(!run(context, pool.submit(parent_is, ::getpid())));
    }
    BOOST_TEST(wait_for_no_leftovers(before) == "");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(wrong_worker_program)

BOOST_AUTO_TEST_CASE(that_does_not_exist) {
    const scratch_folder folder;
    const auto missing = folder.path() / "no-such-program";
    check_fails_to_start({.workers = 2, .worker_program = missing}, missing.string());
    check_fails_to_start({.workers = 2, .worker_program = "no-such-program-in-the-path"},
                         "no-such-program-in-the-path");
}

BOOST_AUTO_TEST_CASE(that_is_not_executable) {
    const scratch_folder folder;
    const auto plain = folder.path() / "plain-file";
    touch(plain);
    check_fails_to_start({.workers = 2, .worker_program = plain}, plain.string());
    check_fails_to_start({.workers = 1, .worker_program = folder.path()}, folder.path().string());
}

BOOST_AUTO_TEST_CASE(that_is_no_program) {
    const scratch_folder folder;
    const auto nonsense = folder.path() / "nonsense";
    std::ofstream(nonsense) << "\x7f"
                               "ELF, so to speak";
    std::filesystem::permissions(nonsense, std::filesystem::perms::owner_all);
    check_fails_to_start({.workers = 1, .worker_program = nonsense}, nonsense.string());
}

BOOST_AUTO_TEST_CASE(that_exits_at_once) {
    check_fails_to_start({.workers = 2, .worker_program = "true"}, "true");
    check_fails_to_start({.workers = 2, .worker_program = "false"}, "false", "code 1");
    check_fails_to_start({.workers = 13, .worker_program = "false"}, "false", "code 1");
}

BOOST_AUTO_TEST_CASE(that_reads_its_input_and_says_nothing) {
    const script reading("exec cat");
    check_fails_to_start({.workers = 2, .worker_program = reading.path()}, reading.path().string());
}

BOOST_AUTO_TEST_CASE(that_dies_of_a_signal) {
    const script dying("kill -KILL $$");
    check_fails_to_start({.workers = 2, .worker_program = dying.path()}, dying.path().string(), "SIGKILL");
}

BOOST_AUTO_TEST_CASE(that_talks_nonsense) {
    // It writes into every pipe that it was given.
    const std::string babble = "for one in /proc/$$/fd/*; do\n"
                               "    [ ${one##*/} -le 2 ] || [ ! -p $one ] || head -c 5000 /dev/zero >$one\n"
                               "done\n";
    const script babbling(babble + "exit 7");
    check_fails_to_start({.workers = 1, .worker_program = babbling.path()}, babbling.path().string());
    const script staying(babble + "exec sleep 600");
    check_fails_to_start({.workers = 1, .worker_program = staying.path()}, staying.path().string());
}

BOOST_AUTO_TEST_CASE(that_is_another_build) {
    check_fails_to_start({.workers = 2, .worker_program = PROCPOOL_TEST_STRANGER}, "stranger", "build");
}

BOOST_AUTO_TEST_CASE(that_never_says_anything_does_not_keep_the_pool_from_being_destroyed) {
    const script silent("exec sleep 600");
    asio::io_context context;
    const asio::steady_timer timer(context); // now the context has its own descriptors
    const leftovers before = leftovers::now();
    seen<int> result;
    {
        process_pool pool(context, {.workers = 2, .worker_program = silent.path()});
        pool.submit(add, 1, 2)(result.handler());
        BOOST_TEST(run_for(context, patience, [&] { return pool.stats().workers_starting == 2; }));
        context.run_for(std::chrono::milliseconds(100));
        BOOST_TEST(!result.over());
    }
    BOOST_TEST(wait_for_no_leftovers(before) == "");
    BOOST_TEST(run_for(context, patience));
    BOOST_TEST(result.calls == 1);
    BOOST_TEST(code_of(result.error) == errc::pool_terminated);
}

BOOST_AUTO_TEST_CASE(that_never_says_anything_does_not_keep_a_task_from_being_called_off) {
    const script silent("exec sleep 600");
    asio::io_context context;
    process_pool pool(context, {.workers = 1, .worker_program = silent.path()});
    auto handle = pool.submit(add, 1, 2).start();
    BOOST_TEST(run_for(context, patience, [&] { return pool.stats().workers_starting == 1; }));
    handle.cancel();
    BOOST_TEST(code_of(run_to_error(context, handle.result())) == asio::error::operation_aborted);
    pool.close();
    BOOST_TEST(!run_to_error(context, pool.join())); // it need not wait for workers that nobody needs
}

BOOST_AUTO_TEST_CASE(that_works_only_now_and_then_is_tried_again) {
    const scratch_folder folder;
    const script moody("n=$(cat '" + folder.path().string() + "/n' 2>/dev/null || echo 0)\n" + "echo $((n + 1)) > '" +
                       folder.path().string() + "/n'\n" + "[ $n -ge 1 ] || exit 9\nexec \"$@\"");
    asio::io_context context;
    process_pool pool(context,
                      {.workers = 1, .worker_program = moody.path(), .worker_args = {this_program().string()}});
    // The first one fails, and who waits is told so; sooner or later another one is tried.
    std::exception_ptr error;
    BOOST_TEST(wait_until(
        [&] {
            error = run_to_error(context, pool.submit(add, 1, 2));
            return !error;
        },
        patience));
    if (error)
        BOOST_TEST(text_of(error) == "");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(init)

BOOST_AUTO_TEST_CASE(missing_is_said_by_the_constructor) {
    const ended result = start_by_hand(PROCPOOL_TEST_WITHOUT_INIT);
    BOOST_TEST(result.code == 3);
    BOOST_TEST_INFO(result.output);
    BOOST_TEST(contains(result.output, "main was run\nnot_initialized: "));
    BOOST_TEST_INFO(result.output);
    BOOST_TEST(contains(result.output, "procpool::init"));
}

BOOST_AUTO_TEST_CASE(missing_does_not_turn_a_would_be_worker_into_a_second_copy_of_the_program) {
    const ended result = start_by_hand(PROCPOOL_TEST_WITHOUT_INIT " --procpool-worker=1");
    BOOST_TEST_INFO(result.output);
    BOOST_TEST(result.code == 64);
    BOOST_TEST(!contains(result.output, "main was run"));
    BOOST_TEST(!result.output.empty());
}

BOOST_AUTO_TEST_CASE(returns_at_once_in_the_program_itself) {
    const ended result = start_by_hand(PROCPOOL_TEST_WITH_INIT " one two");
    BOOST_TEST(result.code == 0);
    BOOST_TEST(result.output == "main was run with 2 arguments, as itself\n");
}

BOOST_AUTO_TEST_CASE(ends_a_program_that_got_procpools_argument_from_somebody_else) {
    for (const std::string arguments : {"--procpool-worker=1", "one --procpool-worker=1"}) {
        const ended result = start_by_hand(PROCPOOL_TEST_WITH_INIT " " + arguments);
        BOOST_TEST_INFO(arguments << ": " << result.output);
        BOOST_TEST(result.code == 64);
        BOOST_TEST(!contains(result.output, "main was run"));
        BOOST_TEST(contains(result.output, "procpool"));
    }
    // An argument that only looks like it is the program's own affair.
    BOOST_TEST(start_by_hand(PROCPOOL_TEST_WITH_INIT " --procpool-workers=1").code == 0);
    BOOST_TEST(start_by_hand(PROCPOOL_TEST_WITH_INIT " --procpool").code == 0);
}

BOOST_AUTO_TEST_CASE(lets_a_program_make_a_pool) {
    const ended result = start_by_hand(PROCPOOL_TEST_STRANGER);
    BOOST_TEST(result.code == 0);
    BOOST_TEST(result.output == "42\n");
}

BOOST_AUTO_TEST_CASE(tells_a_worker_from_the_program_itself) {
    small_pool with;
    BOOST_TEST(!procpool::is_worker());
    BOOST_TEST(run(with.context, with.pool.submit(procpool::is_worker)));
    BOOST_TEST(procpool::this_worker::index() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
