// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Values of the vocabulary types arrive as they left.

#include "samples.hpp"
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <bitset>
#include <chrono>
#include <cmath>
#include <complex>
#include <deque>
#include <filesystem>
#include <forward_list>
#include <limits>
#include <list>
#include <map>
#include <memory_resource>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <vector>

using namespace procpool;
using namespace procpool::testing;

namespace {

template <class T>
void check(const T& value) {
    BOOST_TEST_CONTEXT("type " << serialization::detail::type_name<T>()) {
        const message bytes = encoded(value);
        BOOST_TEST(!bytes.empty());
        BOOST_TEST((decoded<T>(bytes) == value));

        // Into an object that holds something already.
        T other = decoded<T>(bytes);
        serialization::decoder decode(bytes);
        decode(other);
        BOOST_TEST(decode.remaining() == 0u);
        BOOST_TEST((other == value));
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(serialization_round_trip)

BOOST_AUTO_TEST_CASE(arithmetic_types_and_enums) {
    check(true);
    check(false);
    check('x');
    check(u8'y');
    check(L'z');
    check(static_cast<signed char>(-128));
    check(static_cast<short>(-3));
    check(-7);
    check(7u);
    check(std::numeric_limits<long long>::min());
    check(std::numeric_limits<std::uint64_t>::max());
    check(1.5f);
    check(-0.0);
    check(1.25L);
    check(std::byte{17});
    check(samples::colour::blue);
    check(samples::yes_no::yes);
    BOOST_TEST(std::isnan(round_trip(std::nan(""))));
    BOOST_TEST(encoded(7).size() == sizeof(int));
}

BOOST_AUTO_TEST_CASE(strings) {
    check(std::string());
    check(std::string("a string with a \0 in it", 24));
    check(std::string(100000, 'x'));
    check(std::wstring(L"wide"));
    check(std::u8string(u8"acht"));
    check(std::u16string(50000, u'ä'));
    check(std::u32string(U"zweiunddreißig"));
    check(std::pmr::string("from a resource"));
}

BOOST_AUTO_TEST_CASE(the_lengths_around_the_change_of_format_of_a_count) {
    for (const std::size_t size : {0u, 1u, 254u, 255u, 256u, 65536u}) {
        check(std::string(size, 'c'));
        check(std::vector<short>(size, 5));
        check(std::vector<bool>(size, true));
        check(std::vector<std::string>(size, "s"));
    }
}

BOOST_AUTO_TEST_CASE(products) {
    check(std::pair(1, std::string("two")));
    check(std::pair<const int, std::string>(1, "two"));
    check(std::tuple<>());
    check(std::tuple(1, 2.0, std::string("three"), std::vector{4}));
    check(std::array<int, 3>{1, 2, 3});
    check(std::array<std::string, 2>{"a", "b"});
    check(std::array<int, 0>{});
    check(std::array<bool, 3>{true, false, true});
    check(std::array<std::array<short, 2>, 3>{{{1, 2}, {3, 4}, {5, 6}}});
    check(std::monostate());
}

BOOST_AUTO_TEST_CASE(constant_parts) {
    const std::tuple<const int, const std::string> value(3, "drei");
    BOOST_TEST((round_trip(value) == value));
    const std::optional<const std::string> maybe("there");
    BOOST_TEST((round_trip(maybe) == maybe));
    const std::variant<const int, const std::string> choice("there");
    BOOST_TEST((round_trip(choice) == choice));
    const std::array<const std::string, 2> pair{"a", "b"};
    BOOST_TEST((round_trip(pair) == pair));
}

BOOST_AUTO_TEST_CASE(c_arrays) {
    int numbers[2][3] = {{1, 2, 3}, {4, 5, 6}};
    int other_numbers[2][3] = {};
    std::string words[2] = {"one", "two"};
    std::string other_words[2];
    wire::payload_builder builder;
    serialization::encoder encode(builder);
    encode(numbers);
    encode(words);
    const wire::payload made = builder.finish();
    serialization::decoder decode(made.bytes());
    decode(other_numbers);
    decode(other_words);
    decode.finish();
    BOOST_TEST((std::to_array(words) == std::to_array(other_words)));
    BOOST_TEST(other_numbers[1][2] == 6);
}

BOOST_AUTO_TEST_CASE(sums) {
    check(std::optional<int>());
    check(std::optional(std::string("here")));
    check(std::optional<std::optional<std::string>>(std::optional<std::string>()));
    using choice = std::variant<std::monostate, int, std::string, std::vector<bool>>;
    check(choice());
    check(choice(5));
    check(choice("text"));
    check(choice(std::vector<bool>{true, false}));
    check(std::variant<int, int>(std::in_place_index<1>, 9));
}

BOOST_AUTO_TEST_CASE(sequences) {
    check(std::vector<int>());
    check(std::vector{1, 2, 3});
    check(std::vector<double>(20000, 0.5));
    check(std::vector<std::array<int, 2>>{{1, 2}, {3, 4}});
    check(std::vector<std::vector<std::string>>{{}, {"a"}, {"b", "c"}});
    check(std::vector<std::monostate>(300));
    check(std::vector<std::tuple<>>(3));
    check(std::deque<int>(1000, 4));
    check(std::deque<std::string>{"d", "e"});
    check(std::list<std::string>{"l", "m"});
    check(std::forward_list<int>{3, 2, 1});
    check(std::forward_list<std::string>());
    check(std::pmr::vector<int>{1, 2});
    check(std::bitset<0>());
    check(std::bitset<13>(0x1555));
    check(std::bitset<200>("1011").flip());
    for (std::size_t size = 0; size != 18; ++size) {
        std::vector<bool> bits(size);
        for (std::size_t i = 0; i < size; i += 3)
            bits[i] = true;
        check(bits);
    }
}

BOOST_AUTO_TEST_CASE(sets_and_maps) {
    check(std::set<int>{3, 1, 2});
    check(std::multiset<std::string>{"b", "a", "b"});
    check(std::map<int, std::string>{{1, "one"}, {2, "two"}});
    check(std::multimap<int, int>{{1, 1}, {1, 2}, {0, 3}, {1, 0}});
    check(std::unordered_set<std::string>{"x", "y"});
    check(std::unordered_multiset<int>{4, 4, 5});
    check(std::unordered_map<std::string, std::vector<int>>{{"k", {1, 2}}, {"l", {}}});
    check(std::unordered_multimap<int, bool>{{1, true}, {1, false}, {2, true}});
    check(std::set<int, std::greater<>>{3, 1, 2});
    check(std::map<std::pair<int, bool>, std::set<std::string>>{{{1, true}, {"a"}}});
    std::unordered_multimap<int, int> many;
    for (int i = 0; i != 5000; ++i)
        many.emplace(i % 7, i);
    check(many);
}

BOOST_AUTO_TEST_CASE(a_poor_hash_function_is_no_reason_to_refuse_a_container) {
    struct always_seven {
        std::size_t operator()(int) const { return 7; }
    };
    std::unordered_set<int, always_seven> numbers;
    for (int i = 0; i != 2000; ++i)
        numbers.insert(i);
    check(numbers);
}

BOOST_AUTO_TEST_CASE(times_paths_and_complex_numbers) {
    using namespace std::chrono_literals;
    check(5ms);
    check(std::chrono::duration<double, std::ratio<3600>>(1.5));
    check(std::chrono::system_clock::now());
    check(std::chrono::steady_clock::now());
    check(std::filesystem::path("/a/b.c"));
    check(std::filesystem::path());
    check(std::complex<double>(1, -2));
    check(std::vector<std::complex<float>>{{1, 2}, {3, 4}});
    BOOST_TEST(encoded(std::complex<double>()).size() == 2 * sizeof(double));
}

BOOST_AUTO_TEST_CASE(several_values_in_one_message) {
    wire::payload_builder builder;
    serialization::encoder encode(builder);
    encode(1);
    encode(std::string("two"));
    encode(samples::person{"three", 3, {"x"}});
    encode(samples::tree{4, {{5, {}}}});
    const wire::payload made = builder.finish();
    serialization::decoder decode(made.bytes());
    BOOST_TEST(decode.get<int>() == 1);
    BOOST_TEST(decode.get<std::string>() == "two");
    BOOST_TEST((decode.get<samples::person>() == samples::person{"three", 3, {"x"}}));
    BOOST_CHECK_THROW(decode.finish(), pool_error);
    BOOST_TEST((decode.get<samples::tree>() == samples::tree{4, {{5, {}}}}));
    decode.finish();
}

BOOST_AUTO_TEST_CASE(a_variant_without_a_value_cannot_be_sent) {
    struct thrower {
        operator int() const { throw 1; }
    };
    std::variant<std::string, int> value;
    BOOST_CHECK_THROW(value.emplace<int>(thrower()), int);
    if (value.valueless_by_exception())
        BOOST_CHECK_THROW(encoded(value), pool_error);
}

BOOST_AUTO_TEST_SUITE_END()
