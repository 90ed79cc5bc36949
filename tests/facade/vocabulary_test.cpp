// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// The standard's vocabulary types and containers as arguments and results.

#include <facade/support.hpp>

#include <boost/serialization/shared_ptr.hpp>
#include <boost/serialization/unique_ptr.hpp>

#include <array>
#include <bitset>
#include <cmath>
#include <complex>
#include <deque>
#include <forward_list>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

namespace {

using namespace procpool::testing;

template <class T>
T same(const T& value) {
    if (!procpool::is_worker())
        throw std::logic_error("not in a worker");
    return value;
}

/// A value goes to the worker as a single argument, and back, and is the same.
template <class T>
void check_same(one_worker& with, const T& value) {
    BOOST_TEST((run(with.context, with.pool.submit(same<T>, value)) == value));
}

/// The same in all forms in which a value can be handed over. Each costs the compiler some, so not for every type.
template <class T>
void check_same_in_every_form(one_worker& with, const T& value) {
    check_same(with, value);
    const auto identity = [](auto any) { return any; };
    T variable = value;
    BOOST_TEST((run(with.context, with.pool.submit(identity, value)) == value));
    BOOST_TEST((run(with.context, with.pool.submit(identity, variable)) == value));
    BOOST_TEST((run(with.context, with.pool.submit(identity, std::move(variable))) == value));
    BOOST_TEST((run(with.context, with.pool.map(same<T>, std::vector<T>(3, value))) == std::vector<T>(3, value)));
    check_same(with, std::optional<T>(value));
    check_same(with, std::pair<int, T>(1, value));
}

enum class color : unsigned char { red, green = 200 };
enum plain { zero, one };

struct point {
    int x = 0;
    double y = 0;
    bool operator==(const point&) const = default;
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& x& y;
    }
};

struct node {
    int value = 0;
    std::shared_ptr<node> next;
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& value& next;
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(vocabulary, one_worker)

template <class T>
void check_number(one_worker& with) {
    using limits = std::numeric_limits<T>;
    for (const T value : {T(0), T(1), limits::max(), limits::min(), limits::lowest()})
        check_same(with, value);
}

BOOST_AUTO_TEST_CASE(numbers) {
    check_number<signed char>(*this);
    check_number<int>(*this);
    check_number<unsigned long long>(*this);
    check_number<double>(*this);
    check_number<long double>(*this);
    check_number<char32_t>(*this);
    check_same(*this, true);
    check_same(*this, std::byte(200));
    BOOST_TEST(std::isnan(run(context, pool.submit(same<double>, std::nan("")))));
}

BOOST_AUTO_TEST_CASE(enumerations) {
    check_same(*this, color::green);
    check_same(*this, one);
}

BOOST_AUTO_TEST_CASE(texts) {
    check_same(*this, std::string());
    check_same(*this, std::string("text"));
    check_same(*this, std::string("a\0b", 3));
    check_same(*this, std::u8string(u8"Grüße"));
    check_same(*this, std::u16string(u"Grüße"));
    check_same(*this, std::u32string(U"Grüße"));
    check_same(*this, std::wstring(L"Grüße"));
    check_same(*this, std::filesystem::path("folder/Grüße.txt"));
    check_same(*this, std::filesystem::path());
}

BOOST_AUTO_TEST_CASE(times) {
    using namespace std::chrono_literals;
    check_same(*this, 5ms);
    check_same(*this, std::chrono::duration<double>(1.5));
    check_same(*this, std::chrono::hours::max());
    check_same(*this, std::chrono::steady_clock::now());
    check_same(*this, std::chrono::system_clock::now());
    check_same(*this, std::chrono::sys_days(std::chrono::year(2026) / 11 / 20));
}

BOOST_AUTO_TEST_CASE(sums_and_products) {
    check_same(*this, std::pair(1, std::string("one")));
    check_same(*this, std::tuple<>());
    check_same(*this, std::tuple(1, 2.5, std::string("three"), std::vector{4}));
    check_same(*this, std::array{1, 2, 3});
    check_same(*this, std::array<std::string, 2>{"one", "two"});
    check_same(*this, std::array<int, 0>{});
    check_same(*this, std::optional<int>());
    check_same(*this, std::optional<std::string>("some"));
    check_same(*this, std::optional(std::optional<int>()));
    check_same(*this, std::variant<int, std::string>(5));
    check_same(*this, std::variant<int, std::string>("text"));
    check_same(*this, std::variant<std::monostate, int>());
    check_same(*this, std::variant<int, int>(std::in_place_index<1>, 7));
    check_same(*this, std::monostate());
    check_same(*this, std::complex<double>(1, 2));
    check_same(*this, std::bitset<100>(12345));
}

BOOST_AUTO_TEST_CASE(sequences) {
    check_same(*this, std::vector<int>());
    check_same(*this, std::vector{1, 2, 3});
    check_same(*this, std::vector{true, false, true});
    check_same(*this, std::vector<std::string>{"one", "", "three"});
    check_same(*this, std::vector<std::vector<std::vector<double>>>{{{1, 2}, {}}, {}});
    check_same(*this, std::deque{1, 2, 3});
    check_same(*this, std::list<std::string>{"one", "two"});
    check_same(*this, std::forward_list{1, 2, 3});
}

BOOST_AUTO_TEST_CASE(associations) {
    check_same(*this, std::set{3, 1, 2});
    check_same(*this, std::multiset{1, 1, 2});
    check_same(*this, std::map<std::string, int>{{"one", 1}, {"two", 2}});
    check_same(*this, std::multimap<int, std::string>{{1, "a"}, {1, "b"}});
    check_same(*this, std::unordered_set<std::string>{"one", "two"});
    check_same(*this, std::unordered_map<int, std::vector<std::string>>{{1, {"a", "b"}}, {2, {}}});
    check_same(*this, std::map<std::pair<int, int>, std::optional<std::variant<int, std::string>>>{{{1, 2}, "a"}});
}

BOOST_AUTO_TEST_CASE(classes_of_the_program) {
    check_same(*this, point{1, 2.5});
    check_same(*this, std::vector<point>(1000, point{3, 4}));
    check_same(*this, std::map<std::string, point>{{"here", {1, 2}}});
}

BOOST_AUTO_TEST_CASE(values_in_every_form_in_which_they_can_be_handed_over) {
    check_same_in_every_form(*this, 7);
    check_same_in_every_form(*this, std::vector<std::string>{"one", "", "three"});
    check_same_in_every_form(*this, point{1, 2.5});
}

BOOST_AUTO_TEST_CASE(smart_pointers) {
    const auto value_of = [](const std::unique_ptr<point>& value) { return value ? value->x : -1; };
    BOOST_TEST(run(context, pool.submit(value_of, std::make_unique<point>(point{5, 0}))) == 5);
    BOOST_TEST(run(context, pool.submit(value_of, std::unique_ptr<point>())) == -1);
    const auto made = run(context, pool.submit([](int x) { return std::make_unique<point>(point{x, 1}); }, 9));
    BOOST_REQUIRE(made);
    BOOST_TEST(made->x == 9);

    auto list = std::make_shared<node>();
    list->value = 1;
    list->next = std::make_shared<node>();
    list->next->value = 2;
    const auto back = run(context, pool.submit(same<std::shared_ptr<node>>, list));
    BOOST_REQUIRE(back);
    BOOST_REQUIRE(back->next);
    BOOST_TEST(back->next->value == 2);
    BOOST_TEST(!back->next->next);

    // Two that point to the same still do so on the other side.
    const auto are_one = [](const std::vector<std::shared_ptr<node>>& both) { return both[0] == both[1]; };
    BOOST_TEST(run(context, pool.submit(are_one, std::vector{list, list})));
}

BOOST_AUTO_TEST_SUITE_END()
