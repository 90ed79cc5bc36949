// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_MACHINES_SEED_HPP
#define PROCPOOL_TESTS_MACHINES_SEED_HPP

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <cstdlib>
#include <random>

namespace procpool::testing {

/// Another one each time, and printed with a failure. PROCPOOL_TEST_SEED in the environment repeats one.
inline std::uint64_t first_seed() {
    const char* const given = std::getenv("PROCPOOL_TEST_SEED");
    const std::uint64_t seed = given ? std::strtoull(given, nullptr, 10) : std::random_device{}() % 1000000000u;
    BOOST_TEST_MESSAGE("PROCPOOL_TEST_SEED=" << seed);
    return seed;
}

} // namespace procpool::testing

#endif
