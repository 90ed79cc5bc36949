// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/detail/encoded_items.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>
#include <string>
#include <vector>

using procpool::detail::encoded_items;
using procpool::wire::payload;

namespace {

using sizes = std::vector<std::size_t>;

payload bytes_of(const std::string& text) {
    return payload(std::as_bytes(std::span(text)));
}
std::string text_of(const payload& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Items of these sizes, and all their bytes: each item's are a letter of its own, over and over.
struct sample {
    encoded_items items;
    std::string all;
    std::vector<std::size_t> begins{0};

    explicit sample(const sizes& of, const std::string& before = "") : items(bytes_of(before)) {
        for (std::size_t index = 0; index != of.size(); ++index) {
            all.append(of[index], static_cast<char>('a' + index % 26));
            begins.push_back(all.size());
            items.item_ends(all.size());
        }
        items.bytes(bytes_of(all));
    }

    std::string part(std::size_t first, std::size_t count) const {
        return all.substr(begins[first], begins[first + count] - begins[first]);
    }

    /// How many from there on take no more than that, counted one by one.
    std::size_t fitting(std::size_t first, std::size_t most_items, std::size_t most_bytes) const {
        std::size_t count = 0;
        while (count != most_items && first + count + 1 < begins.size() &&
               begins[first + count + 1] - begins[first] <= most_bytes)
            ++count;
        return std::max<std::size_t>(count, 1);
    }

    /// Every chunk there is, and how many fit into every number of bytes.
    void compare(const std::string& before) const {
        const std::size_t count = begins.size() - 1;
        BOOST_TEST(items.size() == count);
        for (std::size_t first = 0; first <= count; ++first)
            for (std::size_t some = 0; first + some <= count; ++some)
                BOOST_REQUIRE(text_of(items.chunk(first, some)) == before + part(first, some));
        for (std::size_t first = 0; first != count; ++first)
            for (std::size_t some = 1; some <= count + 2; ++some)
                for (std::size_t bytes = 0; bytes <= all.size() + 2; ++bytes)
                    BOOST_REQUIRE(items.fitting(first, some, bytes) == fitting(first, some, bytes));
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(encoded_item_lists)

BOOST_AUTO_TEST_CASE(a_list_of_nothing_has_an_empty_chunk) {
    encoded_items items;
    items.bytes({});
    BOOST_TEST(items.size() == 0u);
    BOOST_TEST(items.chunk(0, 0).empty());
}

BOOST_AUTO_TEST_CASE(every_chunk_of_items_of_any_sizes_holds_exactly_their_bytes) {
    const sizes cases[] = {{1},
                           {0},
                           {4, 4, 4, 4, 4},          // all alike
                           {4, 4, 4, 5},             // the last one is not
                           {5, 4, 4, 4},             // the first one is not
                           {4, 8, 4, 4},             // one takes as much as two
                           {4, 0, 8, 4},             // the third ends where it would if all were alike
                           {3, 1, 4, 1, 5, 9, 2, 6}, // none is
                           {0, 0, 0, 0},
                           {0, 0, 3, 0},
                           {0, 5, 0, 5},
                           {5, 0, 0, 0},
                           {7, 0},
                           {40, 40, 40}, // more than lies inside a payload
                           {1, 60, 2, 0, 33}};
    for (const sizes& of : cases) {
        for (const std::string& before : {std::string(), std::string("!"), std::string(50, '!')}) {
            BOOST_TEST_CONTEXT(of.size() << " items, the first of " << of.front() << " bytes, " << before.size()
                                         << " before") {
                sample(of, before).compare(before);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(every_list_of_five_small_items_gives_the_right_chunks) {
    for (std::size_t code = 0; code != 3 * 3 * 3 * 3 * 3; ++code) {
        sizes of;
        for (std::size_t rest = code, count = 0; count != 5; ++count, rest /= 3)
            of.push_back(rest % 3);
        BOOST_TEST_CONTEXT("sizes " << of[0] << of[1] << of[2] << of[3] << of[4]) {
            sample(of).compare("");
        }
    }
}

BOOST_AUTO_TEST_CASE(random_lists_give_the_right_chunks) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            std::mt19937_64 random(seed);
            sizes of(1 + random() % 20, random() % 6);
            for (std::size_t odd = random() % 4; odd != 0; --odd)
                of[random() % of.size()] = random() % 9;
            sample(of, "<>").compare("<>");
        }
    }
}

BOOST_AUTO_TEST_CASE(one_item_fits_always_however_large_it_is) {
    for (const sizes& of : {sizes{100, 100, 100}, sizes{100, 101, 102}}) {
        const sample some(of);
        for (std::size_t first = 0; first != 3; ++first)
            for (const std::size_t bytes : {0u, 1u, 99u})
                BOOST_TEST(some.items.fitting(first, 10, bytes) == 1u);
    }
}

BOOST_AUTO_TEST_CASE(items_without_bytes_all_fit) {
    const sample some(sizes(1000, 0));
    BOOST_TEST(some.items.fitting(0, 5000, 0) == 1000u);
    BOOST_TEST(some.items.fitting(0, 17, 0) == 17u);
    BOOST_TEST(some.items.fitting(990, 5000, 0) == 10u);
}

BOOST_AUTO_TEST_CASE(with_any_number_of_bytes_all_items_fit) {
    constexpr std::size_t any = ~std::size_t{0};
    for (const sizes& of : {sizes{4, 4, 4, 4}, sizes{4, 5, 6, 7}, sizes{0, 0, 0, 0}}) {
        const sample some(of);
        for (std::size_t first = 0; first != 4; ++first)
            BOOST_TEST(some.items.fitting(first, any, any) == 4 - first);
    }
}

BOOST_AUTO_TEST_CASE(chunks_share_the_memory_of_the_whole_unless_something_stands_in_front) {
    const sizes of(100, 10);
    const sample plain(of);
    const payload first = plain.items.chunk(0, 50);
    const payload second = plain.items.chunk(50, 50);
    BOOST_TEST(first.data() + first.size() == second.data());
    const sample with_before(of, "state");
    BOOST_TEST(text_of(with_before.items.chunk(50, 50)) == "state" + plain.part(50, 50));
}

BOOST_AUTO_TEST_CASE(a_chunk_outlives_the_list_that_it_came_from) {
    payload kept;
    {
        const sample some(sizes(100, 10));
        kept = some.items.chunk(20, 10);
    }
    BOOST_TEST(text_of(kept).substr(0, 11) == std::string(10, 'u') + "v");
}

BOOST_AUTO_TEST_SUITE_END()
