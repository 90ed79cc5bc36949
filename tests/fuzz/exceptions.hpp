// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_FUZZ_EXCEPTIONS_HPP
#define PROCPOOL_TESTS_FUZZ_EXCEPTIONS_HPP

#include <procpool/exception.hpp>

#include <stdexcept>
#include <string>
#include <vector>

namespace procpool::fuzz {

/// Carried by its text.
struct spoken_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Carried whole.
struct detailed_error : std::exception {
    std::string text;
    std::vector<int> places;
    const char* what() const noexcept override { return text.c_str(); }
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& text& places;
    }
};

/// No class, and so no std::exception either.
enum class reason { none, some };

PROCPOOL_EXCEPTION(spoken_error)
PROCPOOL_EXCEPTION(detailed_error)
PROCPOOL_EXCEPTION(reason)

} // namespace procpool::fuzz

#endif
