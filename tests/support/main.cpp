// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// The main of every test program. It starts as a program that uses procpool has to start, runs the Boost.Test cases,
// and then looks whether anything of them is left in this process: a child, a descriptor or a thread.

#include <support/leftovers.hpp>

#include <procpool/init.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#if defined(__SANITIZE_THREAD__)
#define PROCPOOL_TEST_UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PROCPOOL_TEST_UNDER_TSAN 1
#endif
#endif

namespace {

bool name_the_suite() {
    auto& suite = boost::unit_test::framework::master_test_suite();
    const std::string program = suite.argc > 0 ? suite.argv[0] : "procpool";
    suite.p_name.value = program.substr(program.find_last_of('/') + 1);
    return true;
}

} // namespace

int main(int argc, char** argv) {
    procpool::init(argc, argv);

#ifdef PROCPOOL_TEST_UNDER_TSAN
    // ThreadSanitizer starts a thread of its own beside the program's first one. It is not the tests' doing.
    std::thread([] {}).join();
#endif
    const procpool::testing::leftovers at_start = procpool::testing::leftovers::now();

    const int result = boost::unit_test::unit_test_main(&name_the_suite, argc, argv);

    const std::string left = procpool::testing::wait_for_no_leftovers(at_start);
    if (!left.empty()) {
        std::fprintf(stderr, "The tests are over, but something of them is left:\n%s", left.c_str());
        return result != EXIT_SUCCESS ? result : EXIT_FAILURE;
    }
    return result;
}
