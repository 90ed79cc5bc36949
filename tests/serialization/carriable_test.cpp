// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Which types can be carried and which cannot. Most of it is shown by the file's compiling.

#include "other_unit.hpp"
#include "samples.hpp"
#include "support.hpp"

#include <boost/serialization/deque.hpp>
#include <boost/serialization/optional.hpp>
#include <boost/test/unit_test.hpp>

#include <any>
#include <atomic>
#include <bitset>
#include <chrono>
#include <complex>
#include <deque>
#include <filesystem>
#include <forward_list>
#include <fstream>
#include <functional>
#include <future>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <unordered_set>

using procpool::serialization::carriable;

namespace {

struct without_serialize {
    int value = 0;
};

class private_and_final final {
public:
    private_and_final() = default;
    explicit private_and_final(int value) : value_(value) {}
    bool operator==(const private_and_final&) const = default;

private:
    friend class boost::serialization::access;
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& value_;
    }
    int value_ = 0;
};

struct final_without_serialize final {
    int value = 0;
};

class public_and_final final {
public:
    template <class Archive>
    void serialize(Archive&, unsigned int) {}
};

/// Something else of that name.
struct serialize_is_a_number {
    int serialize = 0;
};
struct serialize_is_a_function {
    std::string serialize() const { return {}; }
};

struct inherits_it : samples::person {};

union with_free_serialize {
    int first;
    float second;
};
template <class Archive>
void serialize(Archive& archive, with_free_serialize& object, unsigned int) {
    archive& object.first;
}

struct vector_with_more : std::vector<int> {
    int more = 0;
};

enum plain { one, two };

[[maybe_unused]] auto captureless = [](int x) { return x; };
int captured = 0;
[[maybe_unused]] auto capturing = [copy = captured] { return copy; };

} // namespace

// Arithmetic types and enums.
static_assert(carriable<int> && carriable<bool> && carriable<char> && carriable<long double> && carriable<char8_t>);
static_assert(carriable<const int> && carriable<std::byte> && carriable<plain> && carriable<samples::yes_no>);

// Vocabulary types, also of constant parts.
static_assert(carriable<std::string> && carriable<std::wstring> && carriable<std::u8string>);
static_assert(carriable<std::pair<int, std::string>> && carriable<std::pair<const int, const std::string>>);
static_assert(carriable<std::tuple<>> && carriable<std::tuple<int, const double, std::string>>);
static_assert(carriable<std::optional<const int>> && carriable<std::variant<std::monostate, int, std::string>>);
static_assert(carriable<std::array<int, 3>> && carriable<std::array<const int, 3>> && carriable<int[2][3]>);
static_assert(carriable<std::vector<bool>> && carriable<std::vector<std::vector<int>>> && carriable<std::deque<int>>);
static_assert(carriable<std::list<int>> && carriable<std::forward_list<int>>);
static_assert(carriable<std::set<int>> && carriable<std::multiset<int>> && carriable<std::map<int, std::string>>);
static_assert(carriable<std::multimap<int, int>> && carriable<std::unordered_set<int>>);
static_assert(carriable<std::unordered_multiset<int>> && carriable<std::unordered_map<int, std::string>>);
static_assert(carriable<std::unordered_multimap<int, int>> && carriable<std::bitset<9>>);
static_assert(carriable<std::chrono::seconds> && carriable<std::chrono::system_clock::time_point>);
static_assert(carriable<std::filesystem::path> && carriable<std::complex<float>>);

// Classes.
static_assert(carriable<samples::point> && carriable<samples::person> && carriable<samples::account>);
static_assert(carriable<samples::rectangle> && carriable<samples::celsius> && carriable<samples::secret>);
static_assert(carriable<samples::temperature_log> && carriable<samples::tree> && carriable<samples::everything>);
static_assert(carriable<std::map<std::string, std::vector<samples::person>>>);
static_assert(carriable<public_and_final> && carriable<private_and_final>);
static_assert(carriable<inherits_it> && carriable<with_free_serialize>);
static_assert(carriable<boost::optional<int>>);

// Smart pointers.
static_assert(carriable<std::unique_ptr<int>> && carriable<std::unique_ptr<samples::person>>);
static_assert(carriable<std::shared_ptr<const samples::person>> && carriable<std::weak_ptr<samples::person>>);
static_assert(carriable<std::unique_ptr<samples::shape>> && carriable<std::vector<std::shared_ptr<samples::shape>>>);
static_assert(!carriable<std::shared_ptr<int>>);
static_assert(!carriable<std::unique_ptr<without_serialize>> && !carriable<std::shared_ptr<std::mutex>>);
static_assert(!carriable<std::unique_ptr<int[]>> && !carriable<std::unique_ptr<std::FILE, int (*)(std::FILE*)>>);
static_assert(!carriable<std::unique_ptr<int*>>);

// Pointers, references and views.
static_assert(!carriable<int*> && !carriable<const char*> && !carriable<void*> && !carriable<samples::person*>);
static_assert(!carriable<std::nullptr_t> && !carriable<int samples::point::*>);
static_assert(!carriable<std::vector<int*>> && !carriable<std::map<int, std::tuple<bool, char*>>>);
static_assert(!carriable<std::optional<void*>> && !carriable<std::variant<int, int*>> && !carriable<int* [3]>);
static_assert(!carriable<int&> && !carriable<const int&> && !carriable<std::reference_wrapper<int>>);
static_assert(!carriable<std::tuple<int&>> && !carriable<std::pair<int, const std::string&>>);
static_assert(!carriable<std::string_view> && !carriable<std::span<int>> && !carriable<std::span<const int, 3>>);
static_assert(!carriable<std::vector<std::string_view>> && !carriable<std::initializer_list<int>>);

// Functions.
static_assert(!carriable<int()> && !carriable<int (*)(int)> && !carriable<void (samples::person::*)()>);
static_assert(!carriable<decltype(captureless)> && !carriable<decltype(capturing)>);
static_assert(!carriable<std::function<int()>>);

// What is nothing but itself.
static_assert(!carriable<void> && !carriable<std::mutex> && !carriable<std::thread> && !carriable<std::atomic<int>>);
static_assert(!carriable<std::future<int>> && !carriable<std::ofstream> && !carriable<std::any>);
static_assert(!carriable<without_serialize> && !carriable<std::vector<without_serialize>>);
static_assert(!carriable<serialize_is_a_number> && !carriable<serialize_is_a_function>);
static_assert(!carriable<vector_with_more>, "it would arrive without what it adds to the vector");
static_assert(!carriable<final_without_serialize>);

BOOST_AUTO_TEST_SUITE(serialization_carriable)

BOOST_AUTO_TEST_CASE(a_type_used_in_several_translation_units) {
    const two_units::measure value{1, 2};
    BOOST_TEST((procpool::testing::encoded(value) == two_units::encode_elsewhere(value)));
    BOOST_TEST((two_units::decode_elsewhere(procpool::testing::encoded(value)) == value));
    const two_units::label label{"a"};
    BOOST_TEST((procpool::testing::encoded(label) == two_units::encode_elsewhere(label)));
}

BOOST_AUTO_TEST_CASE(a_final_class_with_a_private_serialize) {
    BOOST_TEST((procpool::testing::round_trip(private_and_final(4)) == private_and_final(4)));
}

BOOST_AUTO_TEST_SUITE_END()
