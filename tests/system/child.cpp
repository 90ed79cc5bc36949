// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/channel.hpp>
#include <system/child.hpp>
#include <system/spawn_launcher.hpp>

#include <integration/scratch.hpp>
#include <support/proc.hpp>
#include <support/wait_until.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <iterator>
#include <sstream>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace procpool;
using namespace std::chrono_literals;

namespace {

struct started {
    pid_t pid;
    system::unique_fd pidfd;
};

started start(boost::asio::io_context& context, const std::vector<std::string>& arguments,
              system::spawn_launcher launcher = {}) {
    auto process = launcher(boost::asio::any_io_executor(context.get_executor()), arguments.front(), arguments);
    started made{process.id(), launcher.take_pidfd()};
    process.detach();
    return made;
}

started shell(boost::asio::io_context& context, const std::string& script, system::spawn_launcher launcher = {}) {
    return start(context, {"/bin/sh", "-c", script}, std::move(launcher));
}

bool has_children() {
    return ::waitid(P_ALL, 0, nullptr, WEXITED | WNOHANG | WNOWAIT) == 0;
}

} // namespace

BOOST_AUTO_TEST_SUITE(child)

BOOST_AUTO_TEST_CASE(an_exit_code_and_a_signal_of_the_same_number_are_told_apart) {
    boost::asio::io_context context;
    const started exits = shell(context, "exit 9");
    const auto code = system::reap_within(exits.pid, exits.pidfd.get(), 10s);
    BOOST_REQUIRE(code);
    BOOST_TEST(code->exit_code.value() == 9);
    BOOST_TEST(!code->signal);
    const started killed = shell(context, "kill -9 $$");
    const auto signal = system::reap_within(killed.pid, killed.pidfd.get(), 10s);
    BOOST_REQUIRE(signal);
    BOOST_TEST(signal->signal.value() == 9);
    BOOST_TEST(!signal->exit_code);
    BOOST_TEST(!has_children());
}

BOOST_AUTO_TEST_CASE(a_child_that_runs_is_not_waited_for) {
    boost::asio::io_context context;
    const started runs = start(context, {"/bin/sleep", "1000"});
    BOOST_TEST(!system::try_reap(runs.pid, runs.pidfd.get()));
    BOOST_TEST(!system::reap_within(runs.pid, runs.pidfd.get(), 1ms));
    system::kill_group(runs.pid, runs.pidfd.get());
    BOOST_TEST(system::reap_within(runs.pid, runs.pidfd.get(), 10s).value().signal.value() == SIGKILL);
}

BOOST_AUTO_TEST_CASE(a_status_that_somebody_else_took_leaves_an_end_without_reason) {
    boost::asio::io_context context;
    const started exits = shell(context, "exit 9");
    BOOST_TEST(::waitpid(exits.pid, nullptr, 0) == exits.pid);
    const auto status = system::try_reap(exits.pid, exits.pidfd.get());
    BOOST_REQUIRE(status);
    BOOST_TEST(!status->exit_code);
    BOOST_TEST(!status->signal);
}

BOOST_AUTO_TEST_CASE(what_a_child_started_ends_with_it_even_if_it_exits_by_itself) {
    const testing::scratch here;
    boost::asio::io_context context;
    const started exits = shell(context, "sleep 1000 & echo $! > " + here.file("pid") + "; exit 0");
    BOOST_REQUIRE(system::reap_within(exits.pid, exits.pidfd.get(), 10s));
    const pid_t grandchild = std::stoi(testing::content_of(here.file("pid")));
    BOOST_TEST(testing::wait_until([&] { return !testing::lives(grandchild); }));
}

BOOST_AUTO_TEST_CASE(a_child_has_the_descriptors_it_was_given_under_their_numbers_and_no_others) {
    const testing::scratch here;
    boost::asio::io_context context;
    const int leaked = ::open("/dev/null", O_RDONLY); // without close-on-exec
    system::pipe_ends first = system::make_pipe();
    system::pipe_ends second = system::make_pipe();
    system::spawn_launcher launcher;
    launcher.give(first.write.get(), 3);
    launcher.give(second.read.get(), 4);
    const started lists =
        shell(context, "cd /proc/self/fd && echo * > " + here.file("list") + "; echo hello >&3", std::move(launcher));
    BOOST_TEST(system::reap_within(lists.pid, lists.pidfd.get(), 10s).value().exit_code.value() == 0);
    ::close(leaked);
    // One more: the folder that is being listed, or the shell's redirection.
    std::istringstream list(testing::content_of(here.file("list")));
    const std::vector<std::string> open{std::istream_iterator<std::string>(list), {}};
    const std::vector<std::string> expected{"0", "1", "2", "3", "4"};
    BOOST_REQUIRE(open.size() >= expected.size());
    BOOST_TEST(std::vector(open.begin(), open.begin() + 5) == expected, boost::test_tools::per_element());
    BOOST_TEST(open.size() <= 7U);
    char text[6] = {};
    BOOST_TEST(::read(first.read.get(), text, 5) == 5);
    BOOST_TEST(std::string(text) == "hello");
}

BOOST_AUTO_TEST_CASE(a_child_leads_a_group_of_its_own_and_reads_nothing) {
    const testing::scratch here;
    boost::asio::io_context context;
    const started reads =
        shell(context, "cut -d' ' -f5 /proc/$$/stat > " + here.file("group") + "; cat | wc -c > " + here.file("input"));
    BOOST_REQUIRE(system::reap_within(reads.pid, reads.pidfd.get(), 10s));
    BOOST_TEST(std::stoi(testing::content_of(here.file("group"))) == reads.pid);
    BOOST_TEST(std::stoi(testing::content_of(here.file("input"))) == 0);
}

BOOST_AUTO_TEST_CASE(a_program_that_cannot_be_started_is_an_error_with_the_systems_reason_and_leaves_nothing) {
    const testing::scratch here;
    testing::touch(here.file("not executable"));
    boost::asio::io_context context;
    const auto reason = [&](const std::string& program) {
        try {
            start(context, {program});
        } catch (const boost::system::system_error& error) {
            return error.code().value();
        }
        return 0;
    };
    BOOST_TEST(reason("/nonexistent/program") == ENOENT);
    BOOST_TEST(reason(here.file("not executable")) == EACCES);
    BOOST_TEST(reason("/") == EACCES);
    BOOST_TEST(!has_children());
}

BOOST_AUTO_TEST_SUITE_END()
