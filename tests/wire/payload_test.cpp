// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/wire/payload.hpp>

#include <wire/allocation_watch.hpp>
#include <wire/bytes.hpp>

#include <boost/test/unit_test.hpp>

#include <limits>
#include <new>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

using namespace procpool;
using namespace procpool::testing;
using wire::payload;
using wire::payload_builder;

namespace {

constexpr std::size_t inside = payload::inline_capacity;
const std::vector<std::size_t> sizes_of_interest{0, 1, inside - 1, inside, inside + 1, 255, 256, 257, 4096, 100000};

bool lies_within(const payload& object) {
    const auto* const begin = reinterpret_cast<const std::byte*>(&object);
    return object.data() >= begin && object.data() < begin + sizeof object;
}

} // namespace

BOOST_AUTO_TEST_SUITE(payload_bytes)

BOOST_AUTO_TEST_CASE(an_empty_payload_is_empty) {
    const payload none;
    BOOST_TEST(none.empty());
    BOOST_TEST(none.size() == 0u);
    BOOST_TEST(none.bytes().empty());
    BOOST_TEST(payload(std::span<const std::byte>()).empty());
}

BOOST_AUTO_TEST_CASE(few_bytes_live_inside_the_object_and_more_in_one_block) {
    for (const std::size_t size : sizes_of_interest) {
        const auto bytes = pattern(1, size);
        const allocation_watch watch;
        const payload made{std::span(bytes)};
        BOOST_TEST(watch.count() <= (size <= inside ? 0u : 1u));
        BOOST_TEST(made.size() == size);
        BOOST_TEST(made.empty() == (size == 0));
        BOOST_TEST(same(made.bytes(), bytes));
        BOOST_TEST(lies_within(made) == (size <= inside));
    }
}

BOOST_AUTO_TEST_CASE(a_copy_has_the_same_bytes_and_shares_the_block) {
    for (const std::size_t size : sizes_of_interest) {
        payload copy;
        {
            const payload original(pattern(2, size));
            const allocation_watch watch;
            copy = original;
            const payload another(original);
            BOOST_TEST(watch.count() == 0u);
            BOOST_TEST(is_pattern(another.bytes(), 2));
            BOOST_TEST((copy.data() == original.data()) == (size > inside));
        }
        BOOST_TEST(copy.size() == size); // it outlives what it was copied from
        BOOST_TEST(is_pattern(copy.bytes(), 2));
    }
}

BOOST_AUTO_TEST_CASE(a_moved_payload_keeps_its_bytes_and_leaves_nothing_behind) {
    for (const std::size_t size : sizes_of_interest) {
        payload first(pattern(3, size));
        const std::byte* const at = first.data();
        payload second(std::move(first));
        BOOST_TEST(first.empty());
        BOOST_TEST(second.size() == size);
        BOOST_TEST(is_pattern(second.bytes(), 3));
        BOOST_TEST((second.data() == at) == (size > inside));

        payload third(pattern(4, 50));
        third = std::move(second);
        BOOST_TEST(second.empty());
        BOOST_TEST(third.size() == size);
        BOOST_TEST(is_pattern(third.bytes(), 3));

        second = third; // what was moved from can be used again
        BOOST_TEST(is_pattern(second.bytes(), 3));
    }
}

BOOST_AUTO_TEST_CASE(assigning_a_payload_to_itself_changes_nothing) {
    for (const std::size_t size : sizes_of_interest) {
        payload one(pattern(5, size));
        const payload& same_one = one;
        one = same_one;
        BOOST_TEST(one.size() == size);
        BOOST_TEST(is_pattern(one.bytes(), 5));
        payload& again = one;
        one = std::move(again);
        BOOST_TEST(one.size() == size);
        BOOST_TEST(is_pattern(one.bytes(), 5));
    }
}

BOOST_AUTO_TEST_CASE(swapping_inline_and_shared_ones_exchanges_their_bytes) {
    for (const std::size_t left_size : sizes_of_interest) {
        for (const std::size_t right_size : sizes_of_interest) {
            payload left(pattern(6, left_size));
            payload right(pattern(7, right_size));
            std::swap(left, right);
            BOOST_TEST(left.size() == right_size);
            BOOST_TEST(right.size() == left_size);
            BOOST_TEST(is_pattern(left.bytes(), 7));
            BOOST_TEST(is_pattern(right.bytes(), 6));
        }
    }
}

// Slices --------------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(every_slice_has_the_right_bytes_and_outlives_the_whole) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, inside, inside + 1, std::size_t{100}}) {
        const auto bytes = pattern(8, size);
        for (std::size_t offset = 0; offset <= size; ++offset) {
            for (std::size_t length = 0; length <= size - offset; ++length) {
                payload part;
                {
                    const payload whole{std::span(bytes)};
                    part = whole.slice(offset, length);
                }
                BOOST_REQUIRE(part.size() == length);
                BOOST_REQUIRE(same(part.bytes(), std::span(bytes).subspan(offset, length)));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_large_slice_shares_and_a_small_one_does_not_hold_the_whole) {
    const payload whole(pattern(9, 10000));
    const allocation_watch watch;
    const payload large = whole.slice(10, inside + 1);
    const payload small = whole.slice(10, inside);
    BOOST_TEST(watch.count() == 0u);
    BOOST_TEST(large.data() == whole.data() + 10);
    BOOST_TEST(lies_within(small));
}

BOOST_AUTO_TEST_CASE(slices_of_slices_are_right) {
    const auto bytes = pattern(10, 1000);
    payload part{std::span(bytes)};
    for (std::size_t cut = 1; part.size() > 2; ++cut) {
        part = part.slice(1, part.size() - 2);
        BOOST_REQUIRE(same(part.bytes(), std::span(bytes).subspan(cut, 1000 - 2 * cut)));
    }
}

BOOST_AUTO_TEST_CASE(a_slice_past_the_end_is_refused) {
    const std::size_t most = std::numeric_limits<std::size_t>::max();
    for (const std::size_t size : {std::size_t{0}, std::size_t{10}, std::size_t{100}}) {
        const payload whole(pattern(11, size));
        BOOST_CHECK_THROW(whole.slice(0, size + 1), std::out_of_range);
        BOOST_CHECK_THROW(whole.slice(size, 1), std::out_of_range);
        BOOST_CHECK_THROW(whole.slice(size + 1, 0), std::out_of_range);
        BOOST_CHECK_THROW(whole.slice(1, most), std::out_of_range);
        BOOST_CHECK_THROW(whole.slice(most, 1), std::out_of_range);
        BOOST_CHECK_THROW(whole.slice(most, most), std::out_of_range);
    }
}

BOOST_AUTO_TEST_CASE(a_block_of_an_impossible_size_is_refused) {
    BOOST_CHECK_THROW(payload::allocate(std::numeric_limits<std::size_t>::max()), std::bad_alloc);
    BOOST_CHECK_THROW(payload::allocate(std::numeric_limits<std::size_t>::max() - 8), std::bad_alloc);
}

// The builder ---------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(whatever_was_appended_comes_out_in_one_piece) {
    for (const std::size_t piece : {1u, 3u, 31u, 32u, 33u, 100u, 5000u}) {
        for (const std::size_t size : sizes_of_interest) {
            const auto bytes = pattern(12, size);
            payload_builder builder;
            for (std::size_t at = 0; at < size; at += piece)
                builder.append(bytes.data() + at, std::min(piece, size - at));
            BOOST_REQUIRE(builder.size() == size);
            BOOST_REQUIRE(same({builder.data(), builder.size()}, bytes));
            const payload made = builder.finish();
            BOOST_REQUIRE(same(made.bytes(), bytes));
        }
    }
}

BOOST_AUTO_TEST_CASE(the_capacity_says_how_much_fits_without_more_memory) {
    payload_builder builder;
    BOOST_TEST(builder.capacity() == inside);
    for (std::size_t size = 1; size != 2000; ++size) {
        const bool fits = builder.capacity() != builder.size();
        const std::byte* const before = builder.data();
        const allocation_watch watch;
        builder.extend(1);
        BOOST_REQUIRE(builder.capacity() >= builder.size());
        BOOST_REQUIRE(!fits || (watch.count() == 0 && builder.data() == before));
    }
    builder.finish();
    BOOST_TEST(builder.capacity() == inside);
}

BOOST_AUTO_TEST_CASE(finishing_copies_nothing_that_lies_in_a_block) {
    payload_builder builder;
    std::byte* const at = builder.extend(1000);
    const allocation_watch watch;
    const payload made = builder.finish();
    BOOST_TEST(made.data() == at);
    BOOST_TEST(watch.count() == 0u);
}

BOOST_AUTO_TEST_CASE(a_builder_allocates_ever_larger_blocks_not_one_per_byte) {
    payload_builder builder;
    const allocation_watch watch;
    for (int count = 0; count != 1 << 20; ++count)
        builder.append("x", 1);
    BOOST_TEST(watch.count() <= 14u);
    BOOST_TEST(watch.largest() <= std::size_t{2 << 20} + 64);
}

BOOST_AUTO_TEST_CASE(a_finished_builder_begins_anew) {
    for (const std::size_t size : sizes_of_interest) {
        payload_builder builder;
        std::vector<payload> made;
        for (std::uint64_t round = 0; round != 4; ++round) {
            const auto bytes = pattern(round, size);
            builder.append(bytes.data(), bytes.size());
            made.push_back(builder.finish());
            BOOST_TEST(builder.size() == 0u);
        }
        BOOST_TEST(builder.finish().empty());
        for (std::uint64_t round = 0; round != 4; ++round) {
            BOOST_TEST(made[round].size() == size);
            BOOST_TEST(is_pattern(made[round].bytes(), round));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_builder_that_is_never_finished_gives_its_memory_back) {
    payload_builder builder; // LeakSanitizer looks
    BOOST_TEST(builder.extend(100000));
}

BOOST_AUTO_TEST_CASE(truncating_gives_back_the_last_bytes_and_never_adds_any) {
    for (const std::size_t size : sizes_of_interest) {
        for (const std::size_t left : sizes_of_interest) {
            payload_builder builder;
            const auto bytes = pattern(13, size);
            builder.append(bytes.data(), bytes.size());
            builder.truncate(left);
            const std::size_t expected = std::min(size, left);
            BOOST_TEST(builder.size() == expected);
            builder.append("end", 3);
            const payload made = builder.finish();
            BOOST_TEST(made.size() == expected + 3);
            BOOST_TEST(is_pattern(made.bytes().first(expected), 13));
            BOOST_TEST(std::memcmp(made.data() + expected, "end", 3) == 0);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_large_block_truncated_to_few_bytes_still_makes_a_payload) {
    for (const std::size_t left : {std::size_t{0}, std::size_t{1}, inside}) {
        payload_builder builder;
        const auto bytes = pattern(14, 1000);
        builder.append(bytes.data(), bytes.size());
        builder.truncate(left);
        const payload made = builder.finish();
        BOOST_TEST(made.size() == left);
        const payload copy = made;
        const payload part = copy.slice(0, left);
        BOOST_TEST(is_pattern(copy.bytes(), 14));
        BOOST_TEST(is_pattern(part.bytes(), 14));
    }
}

BOOST_AUTO_TEST_CASE(extending_by_nothing_adds_nothing) {
    payload_builder builder;
    builder.extend(0);
    builder.append(nullptr, 0);
    BOOST_TEST(builder.size() == 0u);
    builder.extend(inside);
    builder.extend(0);
    BOOST_TEST(builder.size() == inside);
}

BOOST_AUTO_TEST_CASE(an_impossible_extension_is_refused_and_leaves_the_builder_as_it_was) {
    payload_builder builder;
    const auto bytes = pattern(15, 100);
    builder.append(bytes.data(), bytes.size());
    BOOST_CHECK_THROW(builder.extend(std::numeric_limits<std::size_t>::max()), std::bad_alloc);
    BOOST_CHECK_THROW(builder.extend(std::numeric_limits<std::size_t>::max() / 2), std::bad_alloc);
    BOOST_TEST(builder.size() == 100u);
    BOOST_TEST(same(builder.finish().bytes(), bytes));
}

BOOST_AUTO_TEST_CASE(random_extending_and_truncating_keeps_every_byte) {
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        std::mt19937_64 random(seed);
        payload_builder builder;
        std::vector<std::byte> expected;
        for (int step = 0; step != 200; ++step) {
            if (random() % 4 == 0) {
                const std::size_t left = random() % (expected.size() + 1);
                builder.truncate(left);
                expected.resize(left);
            } else {
                const auto more = pattern(random(), random() % 80);
                builder.append(more.data(), more.size());
                expected.insert(expected.end(), more.begin(), more.end());
            }
            if (random() % 50 == 0) {
                BOOST_REQUIRE(same(builder.finish().bytes(), expected));
                expected.clear();
            }
        }
        BOOST_REQUIRE_MESSAGE(same(builder.finish().bytes(), expected), "seed " << seed);
    }
}

BOOST_AUTO_TEST_SUITE_END()
