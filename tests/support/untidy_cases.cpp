// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Cases that do what no test may do. Only self_test runs them.

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

/// A file that self_test gives to each case.
constexpr int inherited = 9;

void sleep_for_a_minute() {
    std::this_thread::sleep_for(std::chrono::minutes(1));
}

/// A child that does something and is not waited for.
template <class F>
void start_child(F work) {
    if (::fork() == 0) {
        work();
        ::_exit(0);
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(tidy) {
    std::thread([] {}).join();
    BOOST_TEST(::close(::open("/dev/null", O_RDONLY | O_CLOEXEC)) == 0);
}

BOOST_AUTO_TEST_CASE(fails) {
    BOOST_TEST(false);
}

BOOST_AUTO_TEST_CASE(leaves_child) {
    start_child(sleep_for_a_minute);
}

BOOST_AUTO_TEST_CASE(leaves_zombie) {
    start_child([] {});
}

BOOST_AUTO_TEST_CASE(leaves_grandchild) {
    const pid_t child = ::fork();
    if (child == 0) {
        start_child(sleep_for_a_minute);
        ::_exit(0);
    }
    // With its parent reaped, it is nobody's child here any more.
    BOOST_TEST(::waitpid(child, nullptr, 0) == child);
}

BOOST_AUTO_TEST_CASE(reads_past_end_in_child) {
    // As with a worker whose end nobody looks at: only the sanitizer can tell.
    const pid_t child = ::fork();
    if (child == 0) {
        volatile std::size_t end = 8;
        const std::vector<char> bytes(end);
        ::_exit(bytes.data()[end]);
    }
    BOOST_TEST(::waitpid(child, nullptr, 0) == child);
}

BOOST_AUTO_TEST_CASE(leaves_descriptor) {
    BOOST_TEST(::open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0);
}

BOOST_AUTO_TEST_CASE(exchanges_inherited_descriptor) {
    const int other = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    BOOST_TEST(::dup2(other, inherited) == inherited);
    BOOST_TEST(::close(other) == 0);
}

BOOST_AUTO_TEST_CASE(unlinks_inherited_file) {
    const auto name = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(inherited));
    BOOST_TEST(std::filesystem::remove(name));
}

BOOST_AUTO_TEST_CASE(leaves_thread) {
    std::thread(sleep_for_a_minute).detach();
}

BOOST_AUTO_TEST_CASE(hangs) {
    start_child(sleep_for_a_minute);
    sleep_for_a_minute();
}

BOOST_AUTO_TEST_CASE(crashes) {
    start_child(sleep_for_a_minute);
    ::kill(::getpid(), SIGKILL);
}
