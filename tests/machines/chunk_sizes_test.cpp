// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <machines/chunk_sizes.hpp>
#include <machines/seed.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

using namespace procpool::testing;
using namespace std::chrono_literals;
using procpool::machines::chunk_sizes;

namespace {

/// A chunk that did all that it was given.
void took(chunk_sizes& sizes, std::size_t items, std::chrono::nanoseconds time) {
    sizes.took(items, items, time);
}

constexpr std::size_t most = (std::size_t{1} << 20) - 1;
constexpr std::size_t huge = std::numeric_limits<std::size_t>::max();
constexpr std::size_t many = std::size_t{1} << 40; ///< left, so that no share is in the way

/// Workers that work on one batch, in simulated time.
class batch {
public:
    std::vector<int> runs; ///< of each item
    std::uint64_t makespan = 0;
    std::size_t chunks = 0;

    batch(const std::vector<std::uint64_t>& costs, std::size_t workers, std::size_t fixed, bool knows_what_is_left)
        : runs(costs.size()), sizes_(fixed, workers, most), busy_(workers) {
        std::size_t next = 0;
        for (;;) {
            if (next != costs.size()) {
                // As a pool does it: everybody has something as long as there is something.
                for (worker& one : busy_)
                    if (one.items == 0 && next != costs.size())
                        next = begin(one, costs, next, knows_what_is_left);
            }
            const auto first = std::ranges::min_element(busy_, {}, [](const worker& one) {
                return one.items == 0 ? std::numeric_limits<std::uint64_t>::max() : one.until;
            });
            if (first->items == 0)
                return;
            now_ = makespan = first->until;
            took(sizes_, first->items, std::chrono::nanoseconds(first->until - first->since));
            first->items = 0;
        }
    }

private:
    static constexpr std::uint64_t longest = 4'000'000;

    struct worker {
        std::size_t items = 0;
        std::uint64_t since = 0;
        std::uint64_t until = 0;
    };

    std::size_t begin(worker& one, const std::vector<std::uint64_t>& costs, std::size_t next, bool knows_what_is_left) {
        const std::size_t left = costs.size() - next;
        one.items = std::min(left, sizes_.next(knows_what_is_left ? left : 0));
        one.since = one.until = now_;
        std::size_t done = 0;
        // A worker ends a chunk that takes long, and what it has not begun is handed out again.
        for (; done != one.items && one.until - one.since <= longest; ++done, ++next) {
            one.until += costs[next];
            ++runs[next];
        }
        one.items = done;
        ++chunks;
        return next;
    }

    chunk_sizes sizes_;
    std::vector<worker> busy_;
    std::uint64_t now_ = 0;
};

} // namespace

BOOST_AUTO_TEST_SUITE(chunk_size)

BOOST_AUTO_TEST_CASE(the_first_chunks_hold_one_item) {
    for (const std::size_t workers : {1u, 4u, 64u}) {
        const chunk_sizes sizes(0, workers, most);
        for (const std::size_t left : {std::size_t{0}, std::size_t{1}, std::size_t{1000}, many, huge})
            BOOST_TEST(sizes.next(left) == 1u);
    }
}

BOOST_AUTO_TEST_CASE(chunks_grow_sixteen_fold_at_most_beyond_what_is_known) {
    static_assert(chunk_sizes::growth == 16);
    chunk_sizes sizes(0, 2, most);
    std::size_t known = 1;
    for (int step = 0; step != 10; ++step) {
        took(sizes, known, std::chrono::nanoseconds(known)); // as short as can be
        const std::size_t next = sizes.next(many);
        BOOST_TEST(next <= known * chunk_sizes::growth);
        BOOST_TEST(next == std::min({known * chunk_sizes::growth, std::size_t{1000000}, most}));
        known = next;
    }
    BOOST_TEST(known == 1000000u); // that many nanoseconds are a millisecond
}

BOOST_AUTO_TEST_CASE(a_chunk_holds_as_much_as_takes_a_millisecond) {
    for (const std::size_t each : {100u, 1000u, 10000u, 333333u}) {
        chunk_sizes sizes(0, 2, most);
        for (int step = 0; step != 10; ++step) {
            const std::size_t items = sizes.next(many);
            took(sizes, items, std::chrono::nanoseconds(items * each));
        }
        BOOST_TEST(sizes.next(many) == 1000000 / each);
        BOOST_TEST(sizes.next(0) == 1000000 / each); // and also if nobody knows how many are left
    }
}

BOOST_AUTO_TEST_CASE(expensive_items_travel_singly) {
    for (const auto each : {600us, 1000us, 5000us, 3600000000us}) {
        chunk_sizes sizes(0, 2, most);
        took(sizes, 1, each);
        BOOST_TEST(sizes.next(many) == 1u);
    }
    chunk_sizes sizes(0, 2, most); // also if that shows late
    for (int step = 0; step != 5; ++step)
        took(sizes, sizes.next(many), 1us);
    BOOST_TEST(sizes.next(many) > 100u);
    took(sizes, 10, 100ms);
    BOOST_TEST(sizes.next(many) == 1u);
}

BOOST_AUTO_TEST_CASE(after_expensive_items_chunks_grow_step_by_step_again) {
    chunk_sizes sizes(0, 2, most);
    for (int step = 0; step != 5; ++step)
        took(sizes, sizes.next(many), 1us);
    took(sizes, 1, 1s);
    BOOST_TEST(sizes.next(many) == 1u);
    took(sizes, 1, 1ns);
    BOOST_TEST(sizes.next(many) == chunk_sizes::growth); // what was known before does not count any more
}

BOOST_AUTO_TEST_CASE(a_small_chunk_that_was_cut_by_older_knowledge_does_not_make_the_next_ones_small) {
    chunk_sizes sizes(0, 2, most);
    for (int step = 0; step != 4; ++step) {
        const std::size_t items = sizes.next(many);
        took(sizes, items, std::chrono::nanoseconds(items * 10));
    }
    const std::size_t before = sizes.next(many);
    BOOST_TEST(before > 1000u);
    took(sizes, 1, 10ns);
    BOOST_TEST(sizes.next(many) >= before);
}

BOOST_AUTO_TEST_CASE(towards_the_end_a_chunk_is_a_share_of_what_is_left) {
    for (const std::size_t workers : {1u, 2u, 7u}) {
        chunk_sizes sizes(0, workers, most);
        for (int step = 0; step != 10; ++step)
            took(sizes, sizes.next(many), sizes.next(many) * 60us);
        for (std::size_t left = 1; left != 3000; ++left) {
            const std::size_t next = sizes.next(left);
            const std::size_t share = std::max<std::size_t>(1, left / (workers * chunk_sizes::shares_per_worker));
            BOOST_REQUIRE(next == std::min<std::size_t>(1000 / 60, share));
            BOOST_REQUIRE(next <= left);
        }
    }
}

BOOST_AUTO_TEST_CASE(what_takes_no_longer_than_sending_it_is_not_divided_for_the_sake_of_a_share) {
    chunk_sizes sizes(0, 2, most);
    for (int step = 0; step != 10; ++step)
        took(sizes, sizes.next(many), sizes.next(many) * 100ns);
    BOOST_TEST(sizes.next(1000) == 500u); // 50 us
    BOOST_TEST(sizes.next(many) == 10000u);
}

BOOST_AUTO_TEST_CASE(of_what_does_not_fit_a_chunk_the_next_one_holds_no_more_than_did) {
    for (const std::size_t fixed : {std::size_t{0}, std::size_t{5000}}) {
        chunk_sizes sizes(fixed, 2, most);
        for (int step = 0; step != 10; ++step)
            took(sizes, sizes.next(many), sizes.next(many) * 100ns);
        sizes.took(300, 5000, 30us);
        BOOST_TEST(sizes.next(many) == 300u);
        took(sizes, 300, 30us); // and then it is tried with more
        BOOST_TEST(sizes.next(many) > 300u);
    }
}

BOOST_AUTO_TEST_CASE(what_the_program_wants_is_what_it_gets_whatever_is_left_and_however_long_it_takes) {
    for (const std::size_t fixed : {std::size_t{1}, std::size_t{7}, std::size_t{100000}, most}) {
        chunk_sizes sizes(fixed, 3, most);
        BOOST_TEST(sizes.next(1) == fixed);
        took(sizes, fixed, 10h);
        BOOST_TEST(sizes.next(many) == fixed);
        took(sizes, fixed, 0ns);
        BOOST_TEST(sizes.next(0) == fixed);
    }
}

BOOST_AUTO_TEST_CASE(nothing_is_larger_than_a_chunk_may_be) {
    BOOST_TEST(chunk_sizes(huge, 2, 50).next(many) == 50u);
    chunk_sizes sizes(0, 2, 50);
    for (int step = 0; step != 5; ++step)
        took(sizes, sizes.next(many), 0ns);
    BOOST_TEST(sizes.next(many) == 50u);
    BOOST_TEST(sizes.next(0) == 50u);
}

BOOST_AUTO_TEST_CASE(a_chunk_of_which_nothing_was_done_teaches_nothing) {
    chunk_sizes sizes(0, 2, most);
    took(sizes, 1, 1us);
    const std::size_t before = sizes.next(many);
    took(sizes, 0, 0ns);
    took(sizes, 0, 10h);
    BOOST_TEST(sizes.next(many) == before);
}

BOOST_AUTO_TEST_CASE(the_most_extreme_times_and_numbers_give_a_size_that_can_be) {
    for (const std::size_t items :
         {std::size_t{1}, std::size_t{2}, most, std::size_t{1} << 32, std::size_t{1} << 60, huge - 1, huge}) {
        for (const auto time : {std::chrono::nanoseconds(0), std::chrono::nanoseconds(1), std::chrono::nanoseconds(1h),
                                std::chrono::nanoseconds(10000h), std::chrono::nanoseconds::max()}) {
            BOOST_TEST_CONTEXT(items << " items in " << time.count() << " ns") {
                chunk_sizes sizes(0, 4096, most);
                for (int step = 0; step != 3; ++step) {
                    took(sizes, items, time);
                    for (const std::size_t left : {std::size_t{0}, std::size_t{1}, most, many, huge}) {
                        BOOST_TEST(sizes.next(left) >= 1u);
                        BOOST_TEST(sizes.next(left) <= most);
                    }
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(every_item_of_a_batch_is_handed_out_exactly_once_whatever_the_items_cost) {
    const std::uint64_t seed = first_seed();
    for (std::uint64_t story = 0; story != 60; ++story) {
        BOOST_TEST_CONTEXT("PROCPOOL_TEST_SEED=" << seed << ", story " << story) {
            std::mt19937_64 random(seed * 1000 + story);
            std::vector<std::uint64_t> costs(1 + random() % 20000);
            const std::uint64_t usual = std::uint64_t{1} << random() % 22;
            for (std::uint64_t& cost : costs)
                cost = random() % (random() % 200 == 0 ? 100 * usual : usual);
            const std::size_t workers = 1 + random() % 8;
            const std::size_t fixed = random() % 3 == 0 ? 1 + random() % 300 : 0;
            const batch done(costs, workers, fixed, random() % 2 == 0);
            BOOST_TEST(std::ranges::count(done.runs, 1) == static_cast<std::ptrdiff_t>(costs.size()));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_batch_of_equal_items_takes_few_chunks_and_little_longer_than_it_must) {
    for (const std::uint64_t cost : {10u, 1000u, 100000u, 3000000u}) {
        for (const std::size_t workers : {1u, 2u, 7u}) {
            BOOST_TEST_CONTEXT("items of " << cost << " ns, " << workers << " workers") {
                const std::vector<std::uint64_t> costs(100000, cost);
                const batch done(costs, workers, 0, true);
                const std::uint64_t ideal = cost * costs.size() / workers;
                // In the end nobody works longer than the others by more than a chunk, which takes a millisecond.
                BOOST_TEST(done.makespan <= ideal + std::max<std::uint64_t>(1000000, cost));
                const std::uint64_t needed = std::max<std::uint64_t>(cost * costs.size() / 1000000, 1);
                BOOST_TEST(done.chunks <= std::min<std::uint64_t>(costs.size(), needed + needed / 3 + 60 * workers));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_few_expensive_items_at_the_end_of_a_batch_are_spread_over_the_workers) {
    // The first items are cheap, so chunks have grown when the expensive ones come.
    std::vector<std::uint64_t> costs(20000, 1000);
    std::fill(costs.end() - 40, costs.end(), 10'000'000);
    const batch done(costs, 4, 0, true);
    const std::uint64_t all = std::accumulate(costs.begin(), costs.end(), std::uint64_t{0});
    // A chunk of those that are left is a twelfth of them, as long as nothing is known of their cost.
    BOOST_TEST(done.makespan <= all / 4 + 4 * 10'000'000);
}

BOOST_AUTO_TEST_SUITE_END()
