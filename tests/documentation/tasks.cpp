// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <documentation/tasks.hpp>

#include <csignal>
#include <stdexcept>

#include <unistd.h>

namespace procpool::testing {

int add(int left, int right) {
    return left + right;
}

int square(int number) {
    if (number < 0)
        throw std::domain_error("less than nothing");
    return number * number;
}

int worker_pid() {
    return ::getpid();
}

int crash() {
    std::raise(SIGSEGV);
    return 0;
}

int crash_once(int number) {
    return this_task::attempt() == 1 ? crash() : number;
}

int parse(const std::string& text) {
    throw parse_error("not a number: " + text);
}

int add_and_tell(int left, int right) {
    procpool::this_task::report_progress(0);
    return left + right;
}

int add_in_steps(int left, int right) {
    procpool::this_task::report_progress(0.5, "half");
    return left + right;
}

namespace {

std::string set_up_as;

struct something : std::exception {
    const char* what() const noexcept override { return "something happened"; }
};

} // namespace

int throw_something() {
    throw something();
}

void set_up(const std::string& language, int level) {
    set_up_as = language + ' ' + std::to_string(level);
}

std::string setting() {
    return set_up_as;
}

void refuse_to_set_up() {
    throw std::runtime_error("not today");
}

int pass_the_gate(const std::filesystem::path& gate) {
    return pass_gate(gate, 1);
}

int work_until_told(const std::filesystem::path& gate) {
    int rounds = 0;
    while (!procpool::this_task::stop_requested())
        leave_mark(gate, ++rounds > 0 ? 1 : 0);
    return rounds;
}

} // namespace procpool::testing
