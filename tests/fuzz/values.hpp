// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_FUZZ_VALUES_HPP
#define PROCPOOL_TESTS_FUZZ_VALUES_HPP

#include <serialization/samples.hpp>

#include <boost/serialization/deque.hpp> // queue.hpp needs it
#include <boost/serialization/queue.hpp>
#include <boost/serialization/valarray.hpp>

#include <array>
#include <bitset>
#include <chrono>
#include <complex>
#include <deque>
#include <filesystem>
#include <forward_list>
#include <list>
#include <map>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <valarray>
#include <variant>
#include <vector>

namespace procpool::fuzz {

/// What goes through the loaders that come with Boost.Serialization.
struct stock {
    std::queue<std::string> queue;
    std::valarray<double> numbers;
    friend bool operator==(const stock&, const stock&) { return false; } // whether the bytes are the same will do
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& queue& numbers;
    }
};

/// Everything that can be carried by value, to be had in any number and order. Hash tables hold nothing that is not equal to
/// itself, so that they can be compared.
using any_value = std::variant<
    std::monostate, bool, samples::yes_no, samples::colour, int, double, std::complex<double>, std::string,
    std::u32string, std::vector<int>, std::vector<bool>, std::vector<std::string>, std::vector<samples::nothing>,
    std::vector<samples::temperature_log>, std::array<bool, 3>, std::array<std::string, 2>, std::array<int, 0>,
    std::optional<std::string>, std::optional<samples::temperature_log>, std::pair<char, std::optional<bool>>,
    std::tuple<int, std::string, std::vector<std::tuple<>>>,
    std::variant<int, samples::temperature_log, std::vector<std::monostate>>, std::deque<std::string>, std::list<int>,
    std::forward_list<std::string>, std::forward_list<samples::temperature_log>, std::set<double>,
    std::multiset<std::string>, std::map<std::string, samples::tree>, std::multimap<bool, samples::temperature_log>,
    std::unordered_set<std::string>, std::unordered_multiset<std::int8_t>,
    std::unordered_map<std::string, std::vector<int>>, std::unordered_multimap<int, bool>, std::chrono::milliseconds,
    std::chrono::sys_time<std::chrono::microseconds>, std::chrono::duration<double>, std::filesystem::path,
    std::bitset<20>, std::bitset<0>, samples::point, samples::account, samples::rectangle, samples::secret,
    samples::tree, samples::celsius, samples::temperature_log, stock>;

using any_values = std::vector<any_value>;

} // namespace procpool::fuzz

#endif
