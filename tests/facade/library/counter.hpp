// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_FACADE_LIBRARY_COUNTER_HPP
#define PROCPOOL_TESTS_FACADE_LIBRARY_COUNTER_HPP

// What the test's shared library offers.

#include <stdexcept>
#include <string>
#include <vector>

namespace library {

/// Counts its calls in this process.
int count();

std::string describe(const std::vector<int>& values);

struct library_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

[[noreturn]] int fail(const std::string& text);

/// A function object of the library.
struct scaler {
    int factor = 1;
    int operator()(int value) const;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& factor;
    }
};

} // namespace library

#endif
