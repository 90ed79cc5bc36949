// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// One thread that is the pool and the worker in turn.

#include <wire/bytes.hpp>
#include <wire/chunk_keeper.hpp>
#include <wire/run_sheet.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

using namespace procpool;
using namespace procpool::testing;
using wire::run_sheet;

namespace {

std::unique_ptr<run_sheet> fresh() {
    return std::make_unique<run_sheet>();
}

/// Claims, and keeps a result of so many bytes for each.
void run(run_sheet& sheet, std::uint32_t items, std::size_t bytes = 4) {
    for (std::uint32_t count = 0; count != items; ++count) {
        BOOST_REQUIRE(sheet.claim(1) == 1u);
        BOOST_REQUIRE(keep(pattern(count, bytes)));
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(run_sheet_alone)

BOOST_AUTO_TEST_CASE(a_fresh_sheet_knows_of_no_task) {
    const auto sheet = fresh();
    for (const std::uint64_t id : {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{1} << 40 | 5}) {
        BOOST_TEST(!sheet->look(id, 10));
        BOOST_TEST(!sheet->split(id, 10));
        BOOST_TEST(!sheet->began_at(id));
        BOOST_TEST(!sheet->listens(id));
        BOOST_TEST(!sheet->stop_asked(id));
    }
    BOOST_TEST(!sheet->worn_out());
    BOOST_TEST(sheet->claim(10) == 0u);
}

// Claiming ------------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_chunk_is_claimed_to_its_end_and_not_beyond) {
    for (const std::uint32_t at_a_time : {1u, 3u, 10u, 64u}) {
        const auto sheet = fresh();
        begin_chunk(*sheet, 7, 10);
        std::uint32_t claimed = 0;
        for (;;) {
            const std::uint32_t count = sheet->claim(at_a_time);
            BOOST_TEST(count == std::min(at_a_time, 10 - claimed));
            if (count == 0)
                break;
            claimed += count;
            BOOST_TEST(sheet->look(7, 10)->begun == claimed);
        }
        BOOST_TEST(claimed == 10u);
    }
}

BOOST_AUTO_TEST_CASE(the_largest_chunk_there_may_be_is_counted_rightly) {
    const auto sheet = fresh();
    constexpr std::uint32_t most = run_sheet::most_items;
    begin_chunk(*sheet, 7, most);
    BOOST_TEST(sheet->claim(most - 1) == most - 1);
    BOOST_TEST(sheet->look(7, most)->begun == most - 1);
    BOOST_TEST(!sheet->look(7, most - 1));
    BOOST_TEST((sheet->split(7, most) == most - 1));
    BOOST_TEST(sheet->claim(most) == 0u);
}

BOOST_AUTO_TEST_CASE(what_was_given_up_is_neither_claimed_nor_taken) {
    for (std::uint32_t claimed = 0; claimed <= 4; ++claimed) {
        const auto sheet = fresh();
        begin_chunk(*sheet, 7, 4);
        sheet->claim(claimed);
        sheet->give_up_rest();
        sheet->give_up_rest(); // twice is once
        BOOST_TEST(sheet->claim(1) == 0u);
        for (const std::uint32_t items : {claimed, 4u})
            BOOST_TEST(!sheet->split(7, items));
        BOOST_TEST(sheet->look(7, 4)->begun == claimed);
    }
}

// Splitting -----------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(the_second_half_of_what_was_not_begun_is_taken_and_the_worker_never_begins_it) {
    for (std::uint32_t items = 2; items != 20; ++items) {
        for (std::uint32_t begun = 0; begun != items; ++begun) {
            const auto sheet = fresh();
            begin_chunk(*sheet, 7, items);
            sheet->claim(begun);
            const auto first = sheet->split(7, items);
            BOOST_REQUIRE(first);
            BOOST_TEST(*first == begun + (items - begun) / 2);
            BOOST_TEST(sheet->claim(100) == *first - begun);
            BOOST_TEST(sheet->claim(100) == 0u);
            BOOST_TEST(sheet->look(7, *first)->begun == *first);
        }
    }
}

BOOST_AUTO_TEST_CASE(of_a_chunk_that_was_begun_altogether_nothing_is_taken) {
    for (std::uint32_t items = 1; items != 20; ++items) {
        const auto sheet = fresh();
        begin_chunk(*sheet, 7, items);
        sheet->claim(items);
        BOOST_TEST(!sheet->split(7, items));
        BOOST_TEST(sheet->look(7, items)->begun == items);
    }
}

BOOST_AUTO_TEST_CASE(a_chunk_keeps_its_first_item_however_often_it_is_split_before_that_was_begun) {
    // A worker may take its time before it begins the first, and an answer for no item at all would make no sense.
    for (const std::uint32_t items : {1u, 2u, 3u, 8u, 1000u}) {
        const auto sheet = fresh();
        begin_chunk(*sheet, 7, items);
        std::uint32_t left = items;
        while (const auto first = sheet->split(7, left)) {
            BOOST_REQUIRE(*first >= 1u);
            BOOST_REQUIRE(*first < left);
            left = *first;
        }
        BOOST_TEST(left == 1u);
        BOOST_TEST(sheet->claim(100) == 1u);
    }
}

BOOST_AUTO_TEST_CASE(split_again_and_again_everything_that_was_not_begun_is_taken) {
    for (std::uint32_t begun = 1; begun != 50; ++begun) {
        const auto sheet = fresh();
        begin_chunk(*sheet, 7, 50);
        sheet->claim(begun);
        std::uint32_t left = 50;
        while (const auto first = sheet->split(7, left))
            left = *first;
        BOOST_TEST(left == begun);
        BOOST_TEST(sheet->claim(1) == 0u);
    }
}

BOOST_AUTO_TEST_CASE(a_chunk_of_another_id_or_another_size_is_left_alone) {
    const auto sheet = fresh();
    begin_chunk(*sheet, 7, 10);
    sheet->claim(2);
    BOOST_TEST(!sheet->split(6, 10));
    BOOST_TEST(!sheet->split(8, 10));
    BOOST_TEST(!sheet->split(7, 9));
    BOOST_TEST(!sheet->split(7, 11));
    BOOST_TEST(!sheet->split(7, 0));
    BOOST_TEST(sheet->claim(100) == 8u);
}

BOOST_AUTO_TEST_CASE(ids_that_differ_in_any_of_the_last_twenty_four_bits_are_kept_apart) {
    const auto sheet = fresh();
    for (const std::uint64_t id : {std::uint64_t{0x123456}, std::uint64_t{0xabcdef} << 32 | 0xffffff}) {
        begin_chunk(*sheet, id, 10);
        for (int bit = 0; bit != 24; ++bit) {
            const std::uint64_t other = id ^ (std::uint64_t{1} << bit);
            BOOST_TEST(!sheet->split(other, 10));
            BOOST_TEST(!sheet->look(other, 10));
        }
        BOOST_TEST(sheet->look(id, 10).has_value());
        BOOST_TEST(sheet->claim(100) == 10u);
    }
}

BOOST_AUTO_TEST_CASE(when_the_next_chunk_has_begun_the_one_before_is_unknown) {
    const auto sheet = fresh();
    begin_chunk(*sheet, 7, 10);
    run(*sheet, 3);
    begin_chunk(*sheet, 8, 10);
    BOOST_TEST(!sheet->look(7, 10));
    BOOST_TEST(!sheet->split(7, 10));
    const auto now = sheet->look(8, 10);
    BOOST_REQUIRE(now);
    BOOST_TEST(now->begun == 0u);
    BOOST_TEST(now->done == 0u);
    BOOST_TEST(now->results.empty());
    BOOST_TEST(sheet->claim(100) == 10u);
}

// Results -------------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(the_results_of_what_is_done_are_seen_one_after_the_other) {
    const auto sheet = fresh();
    begin_chunk(*sheet, 7, 20);
    std::vector<std::byte> expected;
    for (std::uint32_t item = 0; item != 20; ++item) {
        sheet->claim(1);
        auto seen = sheet->look(7, 20);
        BOOST_REQUIRE(seen);
        BOOST_TEST(seen->begun == item + 1);
        BOOST_TEST(seen->done == item);
        BOOST_TEST(same(seen->results.bytes(), expected));
        const auto result = pattern(item, item * 7 % 40); // the first has no bytes
        BOOST_TEST(keep(result));
        expected.insert(expected.end(), result.begin(), result.end());
        seen = sheet->look(7, 20);
        BOOST_REQUIRE(seen);
        BOOST_TEST(seen->done == item + 1);
        BOOST_TEST(same(seen->results.bytes(), expected));
    }
}

BOOST_AUTO_TEST_CASE(what_was_seen_stays_as_it_was_when_the_worker_goes_on) {
    const auto sheet = fresh();
    begin_chunk(*sheet, 7, 20);
    run(*sheet, 5, 100);
    const auto seen = sheet->look(7, 20);
    begin_chunk(*sheet, 8, 20);
    sheet->claim(1);
    keep(std::vector<std::byte>(5000));
    BOOST_REQUIRE(seen->results.size() == 500u);
    for (std::uint32_t item = 0; item != 5; ++item)
        BOOST_TEST(is_pattern(seen->results.bytes().subspan(item * 100, 100), item));
}

BOOST_AUTO_TEST_CASE(results_are_kept_as_long_as_there_is_room_to_the_last_byte) {
    constexpr std::size_t room = run_sheet::room_for_results;
    for (const std::size_t left : {std::size_t{0}, std::size_t{1}, std::size_t{100}}) {
        const auto sheet = fresh();
        begin_chunk(*sheet, 7, 10);
        sheet->claim(10);
        BOOST_TEST(keep(pattern(1, room - left)));
        BOOST_TEST(!keep(pattern(2, left + 1)));
        BOOST_TEST(sheet->look(7, 10)->done == 1u);
        BOOST_TEST(sheet->look(7, 10)->results.size() == room - left);
        BOOST_TEST(keep(pattern(3, left)));
        BOOST_TEST(sheet->look(7, 10)->done == 2u);
        BOOST_TEST(sheet->look(7, 10)->results.size() == room);
        BOOST_TEST(keep({})); // nothing needs no room
        const auto seen = sheet->look(7, 10);
        BOOST_TEST(seen->done == 3u);
        BOOST_TEST(is_pattern(seen->results.bytes().first(room - left), 1));
        BOOST_TEST(is_pattern(seen->results.bytes().subspan(room - left), 3));
    }
}

BOOST_AUTO_TEST_CASE(as_many_results_as_there_are_items_are_kept_if_they_have_no_bytes) {
    const auto sheet = fresh();
    constexpr std::uint32_t most = run_sheet::most_items;
    begin_chunk(*sheet, 7, most);
    sheet->claim(most);
    bool kept = true;
    for (std::uint32_t count = 0; count != most; ++count)
        kept = keep({}) && kept;
    BOOST_TEST(kept);
    BOOST_TEST(sheet->look(7, most)->done == most);
}

BOOST_AUTO_TEST_CASE(a_chunk_that_the_pool_believes_to_be_smaller_than_it_is_cannot_be) {
    const auto sheet = fresh();
    begin_chunk(*sheet, 7, 10);
    BOOST_TEST(!sheet->look(7, 9));
    BOOST_TEST(sheet->look(7, 11).has_value()); // since something may have been given up
}

// The rest ------------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(when_a_task_began_is_known_only_of_the_last_one_that_did) {
    const auto sheet = fresh();
    sheet->began(7, 1000);
    BOOST_TEST((sheet->began_at(7) == 1000u));
    BOOST_TEST(!sheet->began_at(8));
    sheet->began(7, 2000); // another item of the same chunk
    BOOST_TEST((sheet->began_at(7) == 2000u));
    sheet->began(8, 3000);
    BOOST_TEST(!sheet->began_at(7));
    BOOST_TEST((sheet->began_at(8) == 3000u));
    sheet->began(std::uint64_t{1} << 40 | 8, ~std::uint64_t{0});
    BOOST_TEST(!sheet->began_at(8));
    BOOST_TEST((sheet->began_at(std::uint64_t{1} << 40 | 8) == ~std::uint64_t{0}));
}

BOOST_AUTO_TEST_CASE(the_last_task_that_was_asked_to_stop_is_and_every_time_the_count_changes) {
    const auto sheet = fresh();
    const std::uint32_t before = sheet->stops();
    sheet->ask_to_stop(7);
    BOOST_TEST(sheet->stop_asked(7));
    BOOST_TEST(!sheet->stop_asked(6));
    BOOST_TEST(!sheet->stop_asked(std::uint64_t{1} << 24 | 7)); // of tasks, the whole number counts
    BOOST_TEST(sheet->stops() == before + 1);
    sheet->ask_to_stop(7);
    BOOST_TEST(sheet->stops() == before + 2);
    sheet->ask_to_stop(8);
    BOOST_TEST(!sheet->stop_asked(7));
    BOOST_TEST(sheet->stop_asked(8));
}

BOOST_AUTO_TEST_CASE(a_task_listens_when_it_said_so_itself) {
    const auto sheet = fresh();
    sheet->listen(7);
    BOOST_TEST(sheet->listens(7));
    BOOST_TEST(!sheet->listens(8));
    sheet->listen(8);
    BOOST_TEST(!sheet->listens(7));
}

BOOST_AUTO_TEST_CASE(a_worn_out_worker_stays_so) {
    const auto sheet = fresh();
    sheet->wear_out();
    begin_chunk(*sheet, 7, 10);
    sheet->began(7, 1);
    sheet->ask_to_stop(7);
    BOOST_TEST(sheet->worn_out());
}

BOOST_AUTO_TEST_CASE(whatever_pool_and_worker_do_in_turn_every_item_belongs_to_exactly_one_of_them) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            std::mt19937_64 random(seed);
            const auto sheet = fresh();
            for (std::uint64_t id = 1; id != 30; ++id) {
                const auto items = static_cast<std::uint32_t>(1 + random() % 40);
                const std::size_t bytes = random() % 8 == 0 ? 5000 : random() % 20;
                std::uint32_t begun = 0; // what a simple model knows
                std::uint32_t end = items;
                std::uint32_t known_end = items; // as far as the pool knows
                std::uint32_t done = 0;
                bool full = false;
                begin_chunk(*sheet, id, items);
                for (int step = 0; step != 60; ++step) {
                    switch (random() % 6) {
                    case 0: {
                        const auto first = sheet->split(id, known_end);
                        const bool some = begun < end && end == known_end && end != 1;
                        BOOST_REQUIRE(first.has_value() == some);
                        if (some) {
                            BOOST_REQUIRE(*first == begun + (end - begun) / 2);
                            end = known_end = *first;
                        }
                        break;
                    }
                    case 1: {
                        const auto seen = sheet->look(id, known_end);
                        BOOST_REQUIRE(seen);
                        BOOST_REQUIRE(seen->begun == begun);
                        BOOST_REQUIRE(seen->done == done);
                        BOOST_REQUIRE(seen->results.size() == done * bytes);
                        for (std::uint32_t item = 0; item != done; ++item)
                            BOOST_REQUIRE(is_pattern(seen->results.bytes().subspan(item * bytes, bytes), item));
                        BOOST_REQUIRE(!sheet->look(id - 1, known_end));
                        break;
                    }
                    case 2:
                        if (random() % 10 == 0) {
                            sheet->give_up_rest();
                            end = begun;
                        }
                        break;
                    case 3:
                        if (done != begun && !full) {
                            full = !keep(pattern(done, bytes));
                            BOOST_REQUIRE(full == ((done + 1) * bytes > run_sheet::room_for_results));
                            done += full ? 0 : 1;
                        }
                        break;
                    default: {
                        const auto wanted = static_cast<std::uint32_t>(1 + random() % 4);
                        const std::uint32_t count = sheet->claim(wanted);
                        BOOST_REQUIRE(count == std::min(wanted, end - begun));
                        begun += count;
                    }
                    }
                }
            }
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
