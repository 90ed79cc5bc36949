// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <machines/largest_allocation.hpp>
#include <machines/seed.hpp>

#include <machines/load_index.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <optional>
#include <random>
#include <vector>

using namespace procpool::testing;
using procpool::machines::load_index;

namespace {

using worker = std::uint32_t;

constexpr auto anyone = [](worker) { return true; };

/// All that are asked for, in the order in which they are.
std::vector<worker> asked(const load_index& index, std::size_t fewer_than) {
    std::vector<worker> order;
    const auto nobody = index.first(fewer_than, [&](worker one) {
        order.push_back(one);
        return false;
    });
    BOOST_TEST(!nobody.has_value());
    return order;
}

/// The same, in the simplest way.
class model {
public:
    void place(worker one, std::size_t load) {
        remove(one);
        placed_.push_back({load, one});
    }
    void remove(worker one) {
        std::erase_if(placed_, [&](const auto& entry) { return entry.second == one; });
    }
    std::vector<worker> order(std::size_t fewer_than) const {
        auto sorted = placed_;
        std::ranges::stable_sort(sorted, {}, &std::pair<std::size_t, worker>::first);
        std::vector<worker> order;
        for (const auto& [load, one] : sorted)
            if (load < fewer_than)
                order.push_back(one);
        return order;
    }

private:
    std::vector<std::pair<std::size_t, worker>> placed_;
};

using workers = std::vector<worker>;

} // namespace

BOOST_AUTO_TEST_SUITE(load_indices)

BOOST_AUTO_TEST_CASE(nobody_is_found_where_nobody_is) {
    load_index index(504);
    BOOST_TEST(!index.first(1000, anyone).has_value());
    index.make_room(3);
    BOOST_TEST(!index.first(1000, anyone).has_value());
    index.remove(2);
    BOOST_TEST(!index.first(1000, anyone).has_value());
}

BOOST_AUTO_TEST_CASE(those_with_the_fewest_come_first_and_equals_as_they_came) {
    load_index index(504);
    index.make_room(6);
    index.place(0, 504);
    index.place(1, 64);
    index.place(2, 63);
    index.place(3, 1);
    index.place(4, 63);
    index.place(5, 0);
    BOOST_TEST(asked(index, 505) == (workers{5, 3, 2, 4, 1, 0}), boost::test_tools::per_element());
    index.place(2, 63); // again: it is the last to have come there
    BOOST_TEST(asked(index, 505) == (workers{5, 3, 4, 2, 1, 0}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(who_has_as_many_or_more_is_not_asked) {
    load_index index(8);
    index.make_room(3);
    index.place(0, 2);
    index.place(1, 3);
    index.place(2, 4);
    BOOST_TEST(asked(index, 0).empty());
    BOOST_TEST(asked(index, 2).empty());
    BOOST_TEST(asked(index, 3) == (workers{0}), boost::test_tools::per_element());
    BOOST_TEST(asked(index, 4) == (workers{0, 1}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_first_that_is_accepted_is_the_answer) {
    load_index index(8);
    index.make_room(4);
    for (worker one = 0; one != 4; ++one)
        index.place(one, one % 2);
    const auto accepts = [](worker wanted) { return [wanted](worker one) { return one == wanted; }; };
    for (worker one = 0; one != 4; ++one)
        BOOST_TEST(index.first(8, accepts(one)).value() == one);
    BOOST_TEST(!index.first(1, accepts(3)).has_value());
}

BOOST_AUTO_TEST_CASE(one_list_alone_is_enough) {
    load_index index(0);
    index.make_room(2);
    index.place(1, 0);
    index.place(0, 0);
    BOOST_TEST(asked(index, 1) == (workers{1, 0}), boost::test_tools::per_element());
    index.remove(1);
    index.remove(0);
    BOOST_TEST(asked(index, 1).empty());
}

BOOST_AUTO_TEST_CASE(any_sequence_does_what_a_sorted_list_does) {
    const std::uint64_t seed = first_seed();
    std::mt19937_64 random(seed);
    BOOST_TEST_CONTEXT("seed " << seed) {
        for (const std::size_t most : {1U, 2U, 63U, 64U, 65U, 504U}) {
            load_index index(most);
            model simple;
            worker count = 0;
            for (int step = 0; step != 3000; ++step) {
                if (count == 0 || (random() % 100 == 0 && count != 40))
                    index.make_room(++count);
                const auto one = static_cast<worker>(random() % count);
                if (random() % 4 == 0) {
                    index.remove(one);
                    simple.remove(one);
                } else {
                    const std::size_t load = random() % (most + 1);
                    index.place(one, load);
                    simple.place(one, load);
                }
                const std::size_t bound = random() % (most + 3);
                BOOST_REQUIRE(asked(index, bound) == simple.order(bound));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(nothing_but_making_room_takes_memory) {
    load_index index(504);
    index.make_room(1000);
    const largest_allocation watch;
    for (worker one = 0; one != 1000; ++one)
        index.place(one, one % 505);
    for (worker one = 0; one != 1000; one += 2)
        index.remove(one);
    BOOST_TEST(index.first(505, anyone).has_value());
    BOOST_TEST(watch.bytes() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
