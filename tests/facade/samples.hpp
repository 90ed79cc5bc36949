// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_FACADE_SAMPLES_HPP
#define PROCPOOL_TESTS_FACADE_SAMPLES_HPP

#include <boost/mp11/list.hpp>
#include <boost/serialization/unique_ptr.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace procpool::testing {

/// Tasks with results of different kinds, and what their results have to be.
template <class R>
struct sample;

template <>
struct sample<int> {
    static int make() { return 42; }
    static bool right(int value) { return value == 42; }
    static bool blank(int value) { return value == 0; }
};

template <>
struct sample<std::string> {
    static std::string make() { return "a text that does not fit into the string itself"; }
    static bool right(const std::string& value) { return value == make(); }
    static bool blank(const std::string& value) { return value.empty(); }
};

template <>
struct sample<std::vector<int>> {
    static std::vector<int> make() { return {1, 2, 3}; }
    static bool right(const std::vector<int>& value) { return value == make(); }
    static bool blank(const std::vector<int>& value) { return value.empty(); }
};

template <>
struct sample<std::unique_ptr<int>> {
    static std::unique_ptr<int> make() { return std::make_unique<int>(42); }
    static bool right(const std::unique_ptr<int>& value) { return value && *value == 42; }
    static bool blank(const std::unique_ptr<int>& value) { return !value; }
};

template <>
struct sample<void> {
    static void make() {}
};

template <class R>
R fail() {
    throw std::domain_error("out of the domain");
}

using sample_types = boost::mp11::mp_list<int, std::string, std::vector<int>, std::unique_ptr<int>, void>;
using value_types = boost::mp11::mp_list<int, std::string, std::vector<int>, std::unique_ptr<int>>;

} // namespace procpool::testing

#endif
