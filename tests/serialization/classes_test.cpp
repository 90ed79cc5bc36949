// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Classes with a serialize function in each of the ways in which Boost.Serialization lets one write it.

#include "samples.hpp"
#include "support.hpp"

#include <boost/optional.hpp>
#include <boost/serialization/array_wrapper.hpp>
#include <boost/serialization/binary_object.hpp>
#include <boost/serialization/boost_unordered_map.hpp>
#include <boost/serialization/deque.hpp>
#include <boost/serialization/optional.hpp>
#include <boost/serialization/queue.hpp>
#include <boost/serialization/strong_typedef.hpp>
#include <boost/serialization/valarray.hpp>
#include <boost/serialization/variant.hpp>
#include <boost/test/unit_test.hpp>
#include <boost/unordered_map.hpp>
#include <boost/variant.hpp>

#include <algorithm>
#include <queue>
#include <unordered_map>
#include <valarray>

using namespace procpool;
using namespace procpool::testing;
using namespace samples;

namespace {

BOOST_STRONG_TYPEDEF(int, metres)

/// All that serialize may say of its members.
struct members {
    std::vector<point> points;
    std::map<std::string, person> people;
    std::unordered_map<int, std::vector<tree>> forests;
    bool flag = false;
    yes_no answer = yes_no::no;
    colour paint = colour::red;
    double weights[2][2] = {};
    std::string names[2];
    std::vector<int> wrapped;
    std::vector<std::string> wrapped_strings;
    unsigned char blob[5] = {};
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& BOOST_SERIALIZATION_NVP(points);
        archive& boost::serialization::make_nvp("people", people);
        archive& forests& flag& answer& paint& weights& names;
        boost::serialization::collection_size_type size(wrapped.size());
        archive& size;
        wrapped.resize(std::as_const(size));
        archive& boost::serialization::make_array(wrapped.data(), wrapped.size());
        boost::serialization::collection_size_type strings(wrapped_strings.size());
        archive& BOOST_SERIALIZATION_NVP(strings);
        wrapped_strings.resize(std::as_const(strings));
        archive& boost::serialization::make_array(wrapped_strings.data(), wrapped_strings.size());
        archive& boost::serialization::make_nvp("blob", boost::serialization::make_binary_object(blob, sizeof(blob)));
    }
};

struct base {
    int in_base = 0;
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& in_base;
    }
};

struct derived : base {
    int in_derived = 0;
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& boost::serialization::base_object<base>(*this);
        archive& in_derived;
    }
};

/// Calls the archive's functions for bytes, as some libraries' serialize does.
struct raw_bytes {
    char bytes[4] = {};
    template <class Archive>
    void save(Archive& archive, unsigned int) const {
        archive.save_binary(bytes, sizeof(bytes));
    }
    template <class Archive>
    void load(Archive& archive, unsigned int) {
        archive.load_binary(bytes, sizeof(bytes));
    }
    BOOST_SERIALIZATION_SPLIT_MEMBER()
};

/// Bytes only, and no default constructor.
struct token {
    explicit token(int number) : value(number) {}
    bool operator==(const token&) const = default;
    int value;
};

/// A class that adds to a container is not the container.
struct named_list : std::vector<int> {
    std::string name;
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& boost::serialization::base_object<std::vector<int>>(*this);
        archive& name;
    }
};

template <class T>
void check(const T& value) {
    BOOST_TEST((round_trip(value) == value));
    const std::vector<T> several(3, value);
    BOOST_TEST((round_trip(several) == several));
}

} // namespace

BOOST_IS_BITWISE_SERIALIZABLE(token)
BOOST_CLASS_IMPLEMENTATION(metres, boost::serialization::primitive_type)

BOOST_AUTO_TEST_SUITE(serialization_classes)

BOOST_AUTO_TEST_CASE(each_way_to_write_serialize) {
    check(point{1, 2});
    check(person{"Ada", 36, {"a", "b"}});
    check(account(-5));
    check(rectangle{{1, 2}, {3, 4}});
    check(celsius{36.6});
    check(secret("a text"));
    check(nothing());
    check(token(5));
    check(tree{1, {{2, {{3, {}}}}, {4, {}}}});
}

BOOST_AUTO_TEST_CASE(a_plain_class_costs_nothing_but_its_members) {
    BOOST_TEST(encoded(celsius{1}).size() == sizeof(double));
    BOOST_TEST(encoded(point{}).size() == sizeof(point));
    BOOST_TEST(encoded(account(1)).size() == sizeof(long));
    BOOST_TEST(encoded(nothing()).size() == 1u);
    BOOST_TEST(encoded(std::vector<nothing>(10)).size() == 11u);
}

BOOST_AUTO_TEST_CASE(a_class_without_a_default_constructor_is_constructed_from_its_data) {
    temperature_log log("Paris");
    log.values = {{1.5}, {2.5}};
    check(log);
    const std::map<int, temperature_log> logs{{1, log}, {2, temperature_log("Rome")}};
    BOOST_TEST((round_trip(logs) == logs));
    const std::tuple<int, temperature_log, account> mixed(1, log, account(2));
    BOOST_TEST((round_trip(mixed) == mixed));
    const std::optional<temperature_log> maybe(log);
    BOOST_TEST((round_trip(maybe) == maybe));
    const std::variant<temperature_log, int> choice(log);
    BOOST_TEST((round_trip(choice) == choice));
    const std::pair<temperature_log, int> pair(log, 4);
    BOOST_TEST((round_trip(pair) == pair));

    temperature_log other("nowhere");
    const message bytes = encoded(log);
    serialization::decoder decode(bytes);
    decode(other);
    BOOST_TEST((other == log));
}

BOOST_AUTO_TEST_CASE(everything_that_serialize_may_say_of_members) {
    members value;
    value.points = {{1, 2}, {3, 4}};
    value.people["a"] = {"Ada", 36, {}};
    value.forests[7] = {{1, {{2, {}}}}};
    value.flag = true;
    value.answer = yes_no::yes;
    value.paint = colour::blue;
    value.weights[1][1] = 0.5;
    value.names[1] = "second";
    value.wrapped = {4, 5, 6};
    value.wrapped_strings = {"x", "y"};
    value.blob[4] = 200;
    for (int round = 0; round != 2; ++round) {
        const members arrived = round_trip(value);
        BOOST_TEST((arrived.points == value.points));
        BOOST_TEST((arrived.people == value.people));
        BOOST_TEST((arrived.forests == value.forests));
        BOOST_TEST(arrived.flag == value.flag);
        BOOST_TEST((arrived.answer == value.answer && arrived.paint == value.paint));
        BOOST_TEST(arrived.weights[1][1] == value.weights[1][1]);
        BOOST_TEST(arrived.names[1] == value.names[1]);
        BOOST_TEST((arrived.wrapped == value.wrapped));
        BOOST_TEST((arrived.wrapped_strings == value.wrapped_strings));
        BOOST_TEST(std::ranges::equal(arrived.blob, value.blob));
        value = members(); // Once full, once empty.
    }
}

BOOST_AUTO_TEST_CASE(bases_and_bytes) {
    derived value;
    value.in_base = 1;
    value.in_derived = 2;
    BOOST_TEST(round_trip(value).in_base == 1);
    BOOST_TEST(round_trip(value).in_derived == 2);

    raw_bytes bytes;
    bytes.bytes[3] = 'x';
    BOOST_TEST(round_trip(bytes).bytes[3] == 'x');

    named_list list;
    list.name = "numbers";
    list.assign({1, 2, 3});
    BOOST_TEST(round_trip(list).name == "numbers");
    BOOST_TEST(round_trip(list).size() == 3u);
}

BOOST_AUTO_TEST_CASE(types_whose_implementation_level_is_primitive) {
    const int arrived = round_trip(metres(5));
    BOOST_TEST(arrived == 5);
}

BOOST_AUTO_TEST_CASE(types_that_boost_carries_by_its_own_headers) {
    const boost::optional<person> maybe(person{"Ada", 36, {}});
    BOOST_TEST((round_trip(maybe) == maybe));
    BOOST_TEST((round_trip(boost::optional<person>()) == boost::none));
    const boost::variant<int, std::string> choice("text");
    BOOST_TEST((round_trip(choice) == choice));
    const std::valarray<double> numbers{1, 2, 3};
    const std::valarray<double> arrived = round_trip(numbers);
    BOOST_TEST(arrived.size() == 3u);
    BOOST_TEST(arrived[2] == 3);
    const boost::unordered_map<int, std::string> map{{1, "one"}, {2, "two"}};
    BOOST_TEST((round_trip(map) == map));
    std::queue<int> queue({1, 2, 3});
    BOOST_TEST((round_trip(queue) == queue));
}

BOOST_AUTO_TEST_CASE(what_a_serialize_throws_passes) {
    struct thrower {
        void serialize(serialization::output_archive&, unsigned int) { throw std::domain_error("not today"); }
        void serialize(serialization::input_archive&, unsigned int) {}
    };
    BOOST_CHECK_THROW(encoded(thrower()), std::domain_error);
}

BOOST_AUTO_TEST_SUITE_END()
