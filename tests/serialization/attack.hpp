// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_SERIALIZATION_ATTACK_HPP
#define PROCPOOL_TESTS_SERIALIZATION_ATTACK_HPP

// One value of each of many types, to try damaged messages on.

#include "samples.hpp"
#include "support.hpp"

#include <array>
#include <bitset>
#include <chrono>
#include <complex>
#include <deque>
#include <filesystem>
#include <forward_list>
#include <list>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

namespace procpool::testing {

inline samples::tree sample_tree() {
    return {1, {{2, {{3, {}}, {4, {}}}}, {5, {}}}};
}

inline std::unique_ptr<samples::shape> sample_shape() {
    auto made = std::make_unique<samples::group>();
    made->name = "g";
    for (int i = 0; i != 2; ++i) {
        auto part = std::make_unique<samples::circle>();
        part->radius = i;
        made->parts.push_back(std::move(part));
    }
    return made;
}

inline samples::list_node sample_list() {
    samples::list_node first;
    first.next = std::make_unique<samples::list_node>();
    first.next->next = std::make_unique<samples::list_node>();
    return first;
}

inline std::shared_ptr<samples::shared_node> sample_family() {
    const auto parent = std::make_shared<samples::shared_node>();
    for (int i = 0; i != 2; ++i) {
        parent->links.push_back(std::make_shared<samples::shared_node>());
        parent->links.back()->parent = parent;
    }
    return parent;
}

inline samples::everything sample_everything() {
    samples::everything value;
    value.someone = {"Ada", 36, {"x"}};
    value.trees["t"] = sample_tree();
    value.choice = samples::secret("s");
    value.warmth = samples::celsius{1};
    value.figure = sample_shape();
    return value;
}

/// Calls a function with one value of each type.
template <class Function>
void for_each_sample(Function&& with) {
    using samples::person;
    const person ada{"Ada", 36, {"a", ""}};
    const auto shared = std::make_shared<person>(ada);

    with(true);
    with(7);
    with(samples::yes_no::yes);
    with(1.5);
    with(std::string("text"));
    with(std::u32string(U"text"));
    with(std::vector{1, 2, 3});
    with(std::vector<bool>(11, true));
    with(std::vector<std::string>{"a", "bc"});
    with(std::vector<samples::nothing>(5));
    with(std::array<bool, 3>{true, false, true});
    with(std::optional<std::string>("x"));
    with(std::variant<int, std::string, std::vector<int>>("y"));
    with(std::tuple(1, std::string("2"), std::vector<std::tuple<>>(3)));
    with(std::deque<std::string>{"d"});
    with(std::list<int>{1, 2});
    with(std::forward_list<int>{1, 2});
    with(std::set<std::string>{"a", "b"});
    with(std::multiset<int>{1, 1});
    with(std::map<std::string, int>{{"a", 1}, {"b", 2}});
    with(std::unordered_map<std::string, std::vector<int>>{{"a", {1}}, {"b", {}}});
    with(std::unordered_multimap<int, bool>{{1, true}, {1, false}});
    with(std::chrono::milliseconds(5));
    with(std::filesystem::path("/a/b"));
    with(std::bitset<20>(5));
    with(std::complex<double>(1, 2));
    with(samples::point{1, 2});
    with(ada);
    with(samples::account(1));
    with(samples::rectangle{{1, 2}, {3, 4}});
    with(samples::secret("secret"));
    with(sample_tree());
    with(samples::temperature_log("here"));
    with(std::vector<samples::temperature_log>(2, samples::temperature_log("here")));
    with(sample_list());
    with(sample_shape());
    with(std::make_unique<std::string>("u"));
    with(std::vector{shared, shared, std::make_shared<person>()});
    with(std::pair<person, std::shared_ptr<const person>>(ada, shared));
    with(std::map<int, std::shared_ptr<samples::shape>>{{1, sample_shape()}, {2, nullptr}});
    with(sample_family());
    with(sample_everything());
}

} // namespace procpool::testing

#endif
