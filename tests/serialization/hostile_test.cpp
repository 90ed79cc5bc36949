// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Messages made by somebody who knows how they are read.

#include "attack.hpp"

#include <boost/serialization/deque.hpp>
#include <boost/serialization/queue.hpp>
#include <boost/serialization/valarray.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <limits>
#include <queue>
#include <valarray>

using namespace procpool;
using namespace procpool::testing;
using samples::person;

namespace {

using std::shared_ptr;
using std::unique_ptr;

constexpr std::size_t huge = std::size_t{1} << 60;

/// A person as a tracked value: its number comes first.
forged& tracked_person(forged& bytes, std::uint32_t number) {
    return bytes.raw(number).byte(1).text("A").raw(36).byte(0);
}

struct constant_hash {
    std::size_t operator()(long) const { return 1; }
};

/// A class that trusts its bytes as far as Boost's stock loaders do.
struct stock {
    std::queue<std::string> queue;
    std::valarray<double> numbers;
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& queue& numbers;
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(serialization_hostile)

BOOST_AUTO_TEST_CASE(counts_beyond_the_bytes) {
    for (const std::size_t count : {huge, huge * 8, huge * 16 - 1, std::numeric_limits<std::size_t>::max(),
                                    std::numeric_limits<std::size_t>::max() - 7, std::size_t{1000000}}) {
        const forged bytes = forged().count(count).text("some bytes that follow");
        BOOST_TEST(is_refused<std::string>(bytes));
        BOOST_TEST(is_refused<std::u32string>(bytes));
        BOOST_TEST(is_refused<std::vector<int>>(bytes));
        BOOST_TEST(is_refused<std::vector<char>>(bytes));
        BOOST_TEST(is_refused<std::vector<bool>>(bytes));
        BOOST_TEST(is_refused<std::vector<std::string>>(bytes));
        BOOST_TEST(is_refused<std::vector<samples::nothing>>(bytes));
        BOOST_TEST(is_refused<std::vector<std::monostate>>(bytes));
        BOOST_TEST((is_refused<std::vector<std::array<int, 0>>>(bytes)));
        BOOST_TEST(is_refused<std::deque<int>>(bytes));
        BOOST_TEST(is_refused<std::list<std::tuple<>>>(bytes));
        BOOST_TEST(is_refused<std::forward_list<bool>>(bytes));
        BOOST_TEST(is_refused<std::multiset<std::monostate>>(bytes));
        BOOST_TEST((is_refused<std::map<int, int>>(bytes)));
        BOOST_TEST(is_refused<std::unordered_set<int>>(bytes));
        BOOST_TEST(is_refused<std::filesystem::path>(bytes));
        BOOST_TEST(is_refused<samples::person>(bytes));
        BOOST_TEST(is_refused<stock>(bytes));
        BOOST_TEST(is_refused<std::valarray<double>>(bytes));
    }
}

BOOST_AUTO_TEST_CASE(values_that_their_types_do_not_have) {
    for (unsigned byte = 2; byte != 256; ++byte) {
        BOOST_TEST(is_refused<bool>(forged().byte(byte)));
        BOOST_TEST(is_refused<samples::yes_no>(forged().byte(byte)));
        BOOST_TEST(is_refused<std::optional<std::monostate>>(forged().byte(byte).byte(0)));
        BOOST_TEST((is_refused<std::variant<std::monostate, bool>>(forged().byte(byte).byte(0))));
        BOOST_TEST(is_refused<std::unique_ptr<std::string>>(forged().byte(byte).raw(0).byte(0)));
    }
    BOOST_TEST((is_refused<std::variant<int, bool>>(forged().count(huge).raw(0))));
    BOOST_TEST(is_refused<std::vector<std::monostate>>(forged().byte(1).byte(1)));
}

BOOST_AUTO_TEST_CASE(keys_that_come_twice) {
    BOOST_TEST(is_refused<std::set<int>>(forged().byte(2).raw(1).raw(1)));
    BOOST_TEST(is_refused<std::unordered_set<int>>(forged().byte(2).raw(1).raw(1)));
    BOOST_TEST((is_refused<std::map<int, int>>(forged().byte(2).raw(1).raw(1).raw(1).raw(2))));
    BOOST_TEST((is_refused<std::unordered_map<int, int>>(forged().byte(2).raw(1).raw(1).raw(1).raw(2))));
    // In no order.
    BOOST_TEST((decoded<std::set<int>>(forged().byte(3).raw(2).raw(3).raw(1)) == std::set<int>{1, 2, 3}));
}

BOOST_AUTO_TEST_CASE(keys_with_one_hash) {
    constexpr long many = 300000;
    forged different;
    different.count(many);
    for (long i = 0; i != many; ++i)
        different.raw(i);
    forged alternating;
    alternating.count(many);
    for (long i = 0; i != many; ++i)
        alternating.raw(i % 2 ? i % 3 : i);
    forged equal;
    equal.count(many);
    for (long i = 0; i != many; ++i)
        equal.raw(7L);
    // One key first, then another many times, so that the first stands in the way.
    forged two_runs;
    two_runs.count(many);
    for (long i = 0; i != many; ++i)
        two_runs.raw(i < many / 2 ? 1L : 2L);

    const auto start = std::chrono::steady_clock::now();
    BOOST_TEST((is_refused<std::unordered_set<long, constant_hash>>(different)));
    BOOST_TEST((is_refused<std::unordered_multiset<long, constant_hash>>(different)));
    BOOST_TEST((is_refused<std::unordered_multiset<long, constant_hash>>(alternating)));
    BOOST_TEST((decoded<std::unordered_multiset<long, constant_hash>>(equal).size() == many));
    BOOST_TEST((decoded<std::unordered_multiset<long, constant_hash>>(two_runs).size() == many));
    BOOST_TEST((decoded<std::unordered_set<long>>(different).size() == many));
    BOOST_TEST((std::chrono::steady_clock::now() - start < std::chrono::seconds(30)));
}

BOOST_AUTO_TEST_CASE(objects_inside_objects_without_end) {
    forged tree;
    forged list;
    for (int i = 0; i != 1000000; ++i) {
        tree.raw(1).byte(1);
        list.raw(1).byte(1).raw(i);
    }
    BOOST_TEST(is_refused<samples::tree>(tree));
    BOOST_TEST(is_refused<samples::list_node>(list));
    BOOST_TEST(is_refused<std::unique_ptr<samples::list_node>>(list));

    forged shapes;
    shapes.byte(2).byte(14).text("samples::group");
    for (std::uint32_t i = 0; i != 100000; ++i)
        shapes.raw(i).byte(0).byte(1).byte(3).byte(0);
    BOOST_TEST(is_refused<std::unique_ptr<samples::shape>>(shapes));
}

BOOST_AUTO_TEST_CASE(the_encoder_keeps_to_the_limit_of_nesting_too) {
    const auto nested = [](std::size_t levels) {
        samples::tree value;
        for (std::size_t i = 1; i != levels; ++i) {
            samples::tree outer;
            outer.children.push_back(std::move(value));
            value = std::move(outer);
        }
        return value;
    };
    const samples::tree deepest = nested(serialization::nesting_limit);
    BOOST_TEST((round_trip(deepest) == deepest));
    BOOST_CHECK_THROW(encoded(nested(serialization::nesting_limit + 1)), pool_error);
}

BOOST_AUTO_TEST_CASE(owners_in_a_row_without_end) {
    const auto chain = [](std::size_t links) {
        std::vector<std::shared_ptr<samples::shared_node>> nodes(links);
        for (std::size_t i = 0; i != links; ++i) {
            nodes[i] = std::make_shared<samples::shared_node>();
            if (i != 0)
                nodes[i]->links.push_back(nodes[i - 1]);
        }
        return nodes;
    };
    BOOST_TEST(round_trip(chain(900)).size() == 900u);
    // It nests nothing, but destroying the last node destroys all the others within one another.
    BOOST_TEST(is_refused<std::vector<std::shared_ptr<samples::shared_node>>>(encoded(chain(3000))));
}

BOOST_AUTO_TEST_CASE(one_object_for_two_owners) {
    // Two unique_ptrs.
    forged twice;
    twice.byte(2).byte(1);
    tracked_person(twice, 0).byte(1).raw(std::uint32_t{0});
    BOOST_TEST(is_refused<std::vector<unique_ptr<person>>>(twice));
    // The same bytes are a good message for shared pointers.
    BOOST_TEST(decoded<std::vector<shared_ptr<person>>>(twice).size() == 2u);

    // Owners of different kinds.
    forged mixed;
    mixed.byte(1);
    tracked_person(mixed, 0).byte(1).raw(std::uint32_t{0});
    BOOST_TEST((is_refused<std::pair<unique_ptr<person>, shared_ptr<person>>>(mixed)));
    BOOST_TEST((is_refused<std::pair<shared_ptr<person>, unique_ptr<person>>>(mixed)));
    BOOST_TEST((decoded<std::pair<shared_ptr<person>, shared_ptr<person>>>(mixed).first.use_count() == 2));

    // A value that is part of something else.
    forged value;
    tracked_person(value, 0).byte(1).raw(std::uint32_t{0});
    BOOST_TEST((is_refused<std::pair<person, unique_ptr<person>>>(value)));
    BOOST_TEST((is_refused<std::pair<person, shared_ptr<person>>>(value)));

    // An object that is still being read, by itself.
    const forged itself = forged().byte(1).raw(std::uint32_t{0}).raw(5).byte(1).raw(std::uint32_t{0});
    BOOST_TEST(is_refused<unique_ptr<samples::list_node>>(itself));
}

BOOST_AUTO_TEST_CASE(references_to_what_is_not_there) {
    for (const std::uint32_t number : {1u, 2u, 1000u, 0xffffffffu}) {
        forged bytes;
        bytes.byte(2).byte(1);
        tracked_person(bytes, 0).byte(1).raw(number).byte(0);
        BOOST_TEST(is_refused<std::vector<shared_ptr<person>>>(bytes));
    }
    // An object of another class.
    forged other;
    other.byte(1);
    tracked_person(other, 0).byte(1).raw(std::uint32_t{0});
    BOOST_TEST((is_refused<std::pair<shared_ptr<person>, shared_ptr<samples::list_node>>>(other)));
    // Two values that are said to be one.
    forged values;
    values.byte(2);
    tracked_person(values, 0).raw(std::uint32_t{0});
    BOOST_TEST(is_refused<std::vector<person>>(values));
}

BOOST_AUTO_TEST_CASE(classes_that_do_not_fit) {
    using base = unique_ptr<samples::shape>;
    BOOST_TEST(is_refused<base>(forged().byte(1).raw(std::uint32_t{0})));        // shape itself is abstract
    BOOST_TEST(is_refused<base>(forged().byte(2).byte(4).text("none").byte(0))); // no such class
    BOOST_TEST(is_refused<base>(forged().byte(2).byte(0).byte(0)));              // no name
    BOOST_TEST(is_refused<base>(forged().byte(3).byte(0)));                      // no class number 0
    BOOST_TEST(is_refused<base>(forged().byte(3).count(huge)));                  // nor that one
    BOOST_TEST(is_refused<base>(forged().byte(4)));
    for (const std::size_t size : {127u, 128u, 129u, 254u})
        BOOST_TEST(is_refused<base>(forged().byte(2).byte(static_cast<unsigned>(size)).text(std::string(1000, 'n'))));
    BOOST_TEST(is_refused<base>(forged().byte(2).count(1000000).text(std::string(1000, 'n'))));
    // An exported class that is no circle.
    BOOST_TEST(is_refused<unique_ptr<samples::circle>>(
        forged().byte(2).byte(14).text("samples::group").raw(std::uint32_t{0}).byte(0).byte(0)));
    BOOST_TEST(decoded<base>(forged().byte(2).byte(14).text("samples::group").raw(std::uint32_t{0}).byte(0).byte(0)) !=
               nullptr);
}

BOOST_AUTO_TEST_CASE(a_value_reads_nothing_that_belongs_to_the_next) {
    const forged two = forged().byte(3).text("ab").byte(1).text("c");
    serialization::decoder from(two);
    const std::size_t behind = from.narrow(3);
    BOOST_TEST(behind == 2u);
    BOOST_TEST(from.remaining() == 3u);
    BOOST_CHECK_THROW((void)from.get<std::string>(), pool_error); // it would need a byte of the next one's
    from.go_on(behind);
    BOOST_TEST(from.get<std::string>() == "c");
    BOOST_TEST(from.remaining() == 0u);
    BOOST_CHECK_THROW((void)from.narrow(1), pool_error);
    BOOST_TEST(from.narrow(0) == 0u);
}

BOOST_AUTO_TEST_CASE(a_value_that_fails_leaves_no_objects_to_the_next) {
    forged bytes;
    tracked_person(bytes.byte(2).byte(1), 0).byte(1).raw(std::uint32_t{7}); // the second is none that came
    const std::size_t size = bytes.bytes().size();
    bytes.byte(1).byte(1).raw(std::uint32_t{0}); // the first one of the value before
    serialization::decoder from(bytes);
    const std::size_t behind = from.narrow(size);
    BOOST_CHECK_THROW((void)from.get<std::vector<shared_ptr<person>>>(), pool_error);
    from.go_on(behind);
    BOOST_CHECK_THROW((void)from.get<std::vector<shared_ptr<person>>>(), pool_error);
}

BOOST_AUTO_TEST_CASE(an_error_in_the_middle_of_a_shared_cycle) {
    // The parent is referred to while it is being read, then the message ends.
    const auto whole = encoded(sample_family());
    for (std::size_t size = 0; size != whole.size(); ++size)
        BOOST_TEST(is_refused<std::shared_ptr<samples::shared_node>>(std::span(whole).first(size)));
}

BOOST_AUTO_TEST_SUITE_END()
