// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_SUPPORT_START_METHOD_HPP
#define PROCPOOL_TESTS_SUPPORT_START_METHOD_HPP

#include <cstdlib>
#include <string_view>

namespace procpool::testing {

/// Whether this test program runs with every pool's workers forked by a server; see start_method.cpp.
inline bool workers_are_forked() {
    const char* const wanted = std::getenv("PROCPOOL_TEST_START_METHOD");
    return wanted && std::string_view(wanted) == "forkserver";
}

} // namespace procpool::testing

#endif
