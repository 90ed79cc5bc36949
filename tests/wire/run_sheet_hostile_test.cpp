// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// The pool's end of the sheet against a worker that writes into the shared memory whatever it likes. The sheet lies in
// front of a page that may not be touched, and each answer is compared with what lies in the memory.

#include <wire/bytes.hpp>
#include <wire/chunk_keeper.hpp>
#include <wire/raw_sheet.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <random>
#include <vector>

using namespace procpool;
using namespace procpool::testing;
using wire::run_sheet;

namespace {

constexpr std::uint64_t id = 0x123456789abcdef;
constexpr std::uint64_t tag = id & 0xffffff;
constexpr std::uint64_t room = run_sheet::room_for_results;

/// Looks once, and compares the outcome with what the sheet's memory says should come of it. Whether there is one.
bool look_and_compare(guarded_sheet& memory, std::uint32_t items) {
    const raw_sheet seen = memory.seen();
    const auto found = memory.sheet().look(id, items);
    const std::uint64_t begun = first_in(seen.items);
    const std::uint64_t end = second_in(seen.items);
    const std::uint64_t done = first_in(seen.done);
    const std::uint64_t size = second_in(seen.done);
    const bool sensible = tag_in(seen.items) == tag && tag_in(seen.done) == tag && done <= begun && begun <= end &&
                          end <= items && size <= room;
    BOOST_REQUIRE(found.has_value() == sensible);
    if (!sensible)
        return false;
    BOOST_REQUIRE(found->begun == begun);
    BOOST_REQUIRE(found->done == done);
    BOOST_REQUIRE(same(found->results.bytes(), std::span(seen.results).first(size)));
    return true;
}

/// Splits once, and compares likewise.
bool split_and_compare(guarded_sheet& memory, std::uint32_t items) {
    const raw_sheet seen = memory.seen();
    const auto first = memory.sheet().split(id, items);
    const raw_sheet after = memory.seen();
    const std::uint64_t next = first_in(seen.items);
    const std::uint64_t end = second_in(seen.items);
    if (!first) {
        BOOST_REQUIRE(after.items == seen.items);
        return false;
    }
    BOOST_REQUIRE(tag_in(seen.items) == tag);
    BOOST_REQUIRE(end == items);
    BOOST_REQUIRE(*first >= 1u);
    BOOST_REQUIRE(*first >= next);
    BOOST_REQUIRE(*first < items);
    BOOST_REQUIRE(after.items == sheet_word(tag, next, *first));
    BOOST_REQUIRE(after.done == seen.done);
    BOOST_REQUIRE(same(std::span(after.results), std::span(seen.results)));
    return true;
}

} // namespace

BOOST_AUTO_TEST_SUITE(run_sheet_against_a_hostile_worker)

BOOST_AUTO_TEST_CASE(raw_view_shows_what_the_sheet_does) {
    guarded_sheet memory;
    run_sheet& sheet = memory.sheet();
    sheet.ask_to_stop(11);
    sheet.began(12, 13);
    sheet.listen(14);
    sheet.wear_out();
    begin_chunk(sheet, id, 9);
    sheet.claim(5);
    keep(pattern(1, 3));
    keep(pattern(2, 4));
    const raw_sheet seen = memory.seen();
    BOOST_TEST(seen.stop_id == 11u);
    BOOST_TEST(seen.stops == 1u);
    BOOST_TEST(seen.began_id == 12u);
    BOOST_TEST(seen.began_at == 13u);
    BOOST_TEST(seen.listening_id == 14u);
    BOOST_TEST(seen.worn_out == 1u);
    BOOST_TEST(seen.items == sheet_word(tag, 5, 9));
    BOOST_TEST(seen.done == sheet_word(tag, 2, 7));
    BOOST_TEST(is_pattern(std::span(seen.results).first(3), 1));
    BOOST_TEST(is_pattern(std::span(seen.results).subspan(3, 4), 2));
}

BOOST_AUTO_TEST_CASE(every_combination_of_numbers_at_the_bounds_is_judged_rightly) {
    constexpr std::uint64_t largest = 0xfffff;
    constexpr std::array<std::uint64_t, 8> numbers{0, 1, 2, 9, 10, 11, largest - 1, largest};
    guarded_sheet memory;
    std::size_t looks = 0;
    std::size_t splits = 0;
    for (const std::uint32_t items : {1u, 2u, 10u, run_sheet::most_items}) {
        for (const std::uint64_t begun : numbers) {
            for (const std::uint64_t end : numbers) {
                for (const std::uint64_t done : numbers) {
                    memory.set_items(sheet_word(tag, begun, end));
                    memory.set_done(sheet_word(tag, done, 3));
                    looks += look_and_compare(memory, items) ? 1 : 0;
                }
                splits += split_and_compare(memory, items) ? 1 : 0;
            }
        }
    }
    BOOST_TEST(looks > 50u);
    BOOST_TEST(splits > 10u);
}

BOOST_AUTO_TEST_CASE(no_size_of_the_results_makes_anybody_read_outside_of_them) {
    guarded_sheet memory;
    memory.set_items(sheet_word(tag, 5, 10));
    for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{32}, std::uint64_t{33}, room - 1,
                                     room, room + 1, room + 64, std::uint64_t{0xfffff}}) {
        memory.set_done(sheet_word(tag, 5, size));
        BOOST_TEST(look_and_compare(memory, 10) == (size <= room));
    }
}

BOOST_AUTO_TEST_CASE(words_of_another_chunk_are_none_of_this_one) {
    guarded_sheet memory;
    for (const std::uint64_t other : {std::uint64_t{0}, tag - 1, tag + 1, std::uint64_t{0xffffff}}) {
        memory.set_items(sheet_word(other, 5, 10));
        memory.set_done(sheet_word(other, 5, 3));
        BOOST_TEST(!look_and_compare(memory, 10));
        BOOST_TEST(!split_and_compare(memory, 10));
        memory.set_items(sheet_word(tag, 5, 10));
        BOOST_TEST(!look_and_compare(memory, 10));
        memory.set_items(sheet_word(other, 5, 10));
        memory.set_done(sheet_word(tag, 5, 3));
        BOOST_TEST(!look_and_compare(memory, 10));
    }
}

BOOST_AUTO_TEST_CASE(random_bytes_everywhere_are_judged_rightly) {
    std::size_t looks = 0;
    std::size_t splits = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            std::mt19937_64 random(seed);
            guarded_sheet memory;
            raw_sheet rubbish;
            std::vector<std::uint64_t> bytes(sizeof rubbish / 8);
            for (int step = 0; step != 100; ++step) {
                for (std::uint64_t& word : bytes)
                    word = random();
                std::memcpy(&rubbish, bytes.data(), sizeof rubbish);
                const std::uint64_t items = 1 + random() % (random() % 2 == 0 ? 20 : run_sheet::most_items);
                const auto number = [&] { return random() % 16 == 0 ? random() & 0xfffff : random() % (items + 1); };
                // Now and then what lies there passes for the words of this chunk, or nearly so.
                if (step % 4 != 0) {
                    const std::uint64_t end = random() % 4 == 0 ? number() : items;
                    rubbish.items = sheet_word(random() % 8 == 0 ? random() & 0xffffff : tag, number(), end);
                    rubbish.done = sheet_word(random() % 8 == 0 ? random() & 0xffffff : tag, number() / 2,
                                              random() % (room + room / 8));
                }
                memory.set(rubbish);
                looks += look_and_compare(memory, static_cast<std::uint32_t>(items)) ? 1 : 0;
                splits += split_and_compare(memory, static_cast<std::uint32_t>(items)) ? 1 : 0;
                memory.sheet().began_at(id);
                BOOST_REQUIRE(memory.sheet().listens(id) == (rubbish.listening_id == id));
                BOOST_REQUIRE(memory.sheet().worn_out() == (rubbish.worn_out != 0));
            }
        }
    }
    BOOST_TEST(looks > 100u); // else the bytes were too wild to try anything
    BOOST_TEST(splits > 100u);
}

BOOST_AUTO_TEST_SUITE_END()
