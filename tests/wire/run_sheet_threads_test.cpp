// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// A worker that runs chunks, and a pool that looks at them and takes of them, at the same time.

#include <wire/bytes.hpp>
#include <wire/chunk_keeper.hpp>
#include <wire/lock_step.hpp>
#include <wire/raw_sheet.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <memory>
#include <random>
#include <thread>
#include <vector>

using namespace procpool;
using namespace procpool::testing;
using wire::run_sheet;

namespace {

#if defined(__SANITIZE_THREAD__)
constexpr bool under_thread_sanitizer = true;
#else
constexpr bool under_thread_sanitizer = false;
#endif

/// The numbers of rounds and of chunks are for a machine at its full speed.
constexpr std::uint64_t fewer = under_thread_sanitizer ? 10 : 1;

constexpr std::uint32_t most_items = 48;

/// An item takes a moment, else a chunk would be over before anybody can look at it. Sometimes it leaves the processor
/// to the other side, which may have no other one.
void work(std::uint64_t moments) {
    if (moments % 8 == 1)
        std::this_thread::yield();
    std::atomic<std::uint64_t> left{moments};
    while (left.load(std::memory_order_relaxed) != 0)
        left.store(left.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
}

/// How many bytes the result of an item has: sometimes none.
std::size_t result_size(std::uint64_t id, std::uint32_t item) {
    return (id * 5 + item * 3) % 14;
}
std::uint64_t result_number(std::uint64_t id, std::uint32_t item) {
    return id * 64 + item;
}

/// Whether what is seen of a chunk is a whole prefix: of so many items exactly their results.
bool is_prefix(const run_sheet::progress& seen, std::uint64_t id, std::uint32_t items) {
    if (seen.done > seen.begun || seen.begun > items)
        return false;
    std::span<const std::byte> rest = seen.results.bytes();
    for (std::uint32_t item = 0; item != seen.done; ++item) {
        const std::size_t size = result_size(id, item);
        if (rest.size() < size || !is_pattern(rest.first(size), result_number(id, item)))
            return false;
        rest = rest.subspan(size);
    }
    return rest.empty();
}

/// All results there are, made beforehand, so that the worker is as fast as can be.
std::vector<std::vector<std::byte>> results_of(std::uint64_t id) {
    std::vector<std::vector<std::byte>> all;
    for (std::uint32_t item = 0; item != most_items; ++item)
        all.push_back(pattern(result_number(id, item), result_size(id, item)));
    return all;
}

/// Runs a chunk, as a worker does. How many items it ran; `ran` is told of each.
template <class Ran>
std::uint32_t run_chunk(run_sheet& sheet, std::uint64_t id, std::uint32_t items, std::uint32_t block,
                        std::uint32_t gives_up_after, const std::vector<std::vector<std::byte>>& results, Ran ran) {
    begin_chunk(sheet, id, items);
    std::uint32_t done = 0;
    for (;;) {
        const std::uint32_t count = done >= gives_up_after ? 0 : sheet.claim(block);
        for (std::uint32_t end = done + count; done != end; ++done) {
            ran(done);
            keep(results[done]);
        }
        if (count == 0) {
            sheet.give_up_rest();
            return done;
        }
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(run_sheet_between_threads)

BOOST_AUTO_TEST_CASE(every_item_of_a_chunk_is_run_by_one_side_and_what_is_seen_are_whole_prefixes) {
    const auto sheet = std::make_unique<run_sheet>();
    lock_step steps(30000 / fewer);
    const auto items_in = [](std::uint64_t round) { return static_cast<std::uint32_t>(1 + round * 7 % most_items); };
    std::vector<int> runs(most_items);
    std::uint32_t ran = 0; // by the worker, in this round
    std::size_t wrong_items = 0;
    std::size_t wrong_looks = 0;
    std::size_t lost_from_sight = 0;
    std::size_t looks = 0;
    std::size_t splits = 0;

    std::thread worker([&] {
        const auto results = [&] {
            std::vector<std::vector<std::vector<std::byte>>> all;
            for (std::uint64_t id = 0; id != 16; ++id)
                all.push_back(results_of(id));
            return all;
        }();
        while (const std::uint64_t round = steps.follow()) {
            const auto block = static_cast<std::uint32_t>(1 + round % 3);
            const std::uint32_t gives_up_after = round % 5 == 0 ? 6 : most_items;
            ran = run_chunk(*sheet, round % 16 + (round << 8), items_in(round), block, gives_up_after,
                            results[round % 16], [&](std::uint32_t item) {
                                ++runs[item];
                                work((round + item) * 11 % 120);
                            });
            steps.ended(round);
        }
    });
    for (std::uint64_t round = 1; std::ranges::fill(runs, 0), steps.begin(); ++round) {
        const std::uint64_t id = round % 16 + (round << 8);
        const std::uint32_t items = items_in(round);
        std::uint32_t left = items;     // for the worker, as far as the pool knows
        while (!sheet->look(id, items)) // it stays there until the next round
            std::this_thread::yield();
        for (int step = 0; step != 40; ++step) {
            if (const auto seen = sheet->look(id, left)) {
                ++looks;
                wrong_looks += is_prefix(*seen, round % 16, left) ? 0 : 1;
            } else {
                ++lost_from_sight;
            }
            if (step % 10 == 9)
                std::this_thread::yield();
            if (step % (1 + round % 7) != 0)
                continue;
            if (const auto first = sheet->split(id, left)) {
                ++splits;
                wrong_items += *first >= 1 && *first < left ? 0 : 1;
                left = *first;
            }
        }
        steps.wait_for_follower();
        // What the worker ran is a prefix of what was left to it. If it gave up nothing, it is all of that.
        for (std::uint32_t item = 0; item != items; ++item)
            wrong_items += runs[item] == (item < ran ? 1 : 0) ? 0 : 1;
        wrong_items += ran > left || (round % 5 != 0 && ran != left) ? 1 : 0;
        const auto last = sheet->look(id, left);
        wrong_looks += last && last->done == ran && last->begun == ran && is_prefix(*last, round % 16, left) ? 0 : 1;
    }
    worker.join();
    BOOST_TEST(wrong_items == 0u);
    BOOST_TEST(wrong_looks == 0u);
    BOOST_TEST(lost_from_sight == 0u);
    BOOST_TEST_MESSAGE(steps.round() - 1 << " chunks, " << looks << " looks, " << splits << " splits");
}

BOOST_AUTO_TEST_CASE(a_chunk_that_runs_is_never_lost_from_sight) {
    const auto sheet = std::make_unique<run_sheet>();
    constexpr std::uint32_t items = run_sheet::most_items;
    std::atomic<bool> begun{false};
    std::thread worker([&] {
        begin_chunk(*sheet, 1, items);
        begun = true;
        while (sheet->claim(1) != 0)
            keep({});
    });
    while (!begun)
        std::this_thread::yield();
    std::size_t looks = 0;
    std::size_t lost = 0;
    for (std::uint32_t done = 0; done != items;) {
        const auto seen = sheet->look(1, items);
        ++looks;
        lost += seen && seen->done >= done ? 0 : 1;
        done = seen ? seen->done : done;
    }
    worker.join();
    BOOST_TEST(lost == 0u);
    BOOST_TEST_MESSAGE(lost << " of " << looks << " looks in vain");
}

BOOST_AUTO_TEST_CASE(while_chunks_follow_each_other_each_is_seen_and_split_as_itself) {
    // The pool's knowledge of which chunk runs is always a little late.
    constexpr std::uint64_t chunks = 150000 / fewer;
    const auto sheet = std::make_unique<run_sheet>();
    std::atomic<std::uint64_t> current{0};
    std::atomic<bool> watched{false};
    std::vector<std::uint32_t> ran(chunks + 1);
    std::vector<std::uint32_t> left(chunks + 1);
    std::size_t wrong = 0;
    std::size_t looks = 0;
    std::size_t splits = 0;
    const auto items_of = [](std::uint64_t id) { return static_cast<std::uint32_t>(2 + id % 7); };
    for (std::uint64_t id = 1; id <= chunks; ++id)
        left[id] = items_of(id);

    std::thread worker([&] {
        std::vector<std::vector<std::vector<std::byte>>> results;
        for (std::uint64_t id = 0; id != 16; ++id)
            results.push_back(results_of(id));
        current.store(1);
        while (!watched.load())
            std::this_thread::yield();
        for (std::uint64_t id = 1; id <= chunks; ++id) {
            current.store(id, std::memory_order_relaxed);
            ran[id] = run_chunk(*sheet, id, items_of(id), 1, most_items, results[id % 16],
                                [id](std::uint32_t item) { work((id + item) * 11 % 120); });
        }
        current.store(0);
    });
    while (current.load() == 0)
        std::this_thread::yield();
    watched = true;
    while (const std::uint64_t id = current.load(std::memory_order_relaxed)) {
        // The bytes that are copied may be those of the next chunk, which is found out afterwards. To ThreadSanitizer
        // that is a race, although between processes nothing else could be done.
        if (!under_thread_sanitizer) {
            if (const auto seen = sheet->look(id, left[id])) {
                ++looks;
                wrong += is_prefix(*seen, id % 16, left[id]) ? 0 : 1;
            }
        }
        if (const auto first = sheet->split(id, left[id])) {
            ++splits;
            left[id] = *first;
        } else {
            std::this_thread::yield();
        }
    }
    worker.join();
    for (std::uint64_t id = 1; id <= chunks; ++id)
        wrong += ran[id] == left[id] ? 0 : 1;
    BOOST_TEST(wrong == 0u);
    BOOST_TEST_MESSAGE(looks << " looks, " << splits << " splits");
}

BOOST_AUTO_TEST_CASE(the_time_at_which_a_task_began_is_its_own) {
    constexpr std::uint64_t tasks = 300000 / fewer;
    const auto sheet = std::make_unique<run_sheet>();
    std::atomic<std::uint64_t> current{1};
    std::atomic<bool> begun{false};
    std::atomic<bool> over{false};
    std::thread worker([&] {
        begun = true;
        for (std::uint64_t id = 1; id <= tasks; ++id) {
            current.store(id, std::memory_order_relaxed);
            for (std::uint64_t item = 0; item <= id % 3; ++item)
                sheet->began(id, id * 1000 + item);
            if (id % 64 == 0)
                std::this_thread::yield();
        }
        over = true;
    });
    std::size_t wrong = 0;
    std::size_t known = 0;
    std::uint64_t last = 0;
    while (!begun)
        std::this_thread::yield();
    while (!over) {
        const std::uint64_t id = current.load(std::memory_order_relaxed);
        if (const auto at = sheet->began_at(id)) {
            ++known;
            wrong += *at / 1000 == id && *at >= last ? 0 : 1; // and time does not go back
            last = *at;
        } else {
            std::this_thread::yield();
        }
    }
    worker.join();
    BOOST_TEST(wrong == 0u);
    BOOST_TEST((sheet->began_at(tasks) == tasks * 1000 + tasks % 3));
    BOOST_TEST_MESSAGE(known << " times known");
}

BOOST_AUTO_TEST_CASE(who_sees_the_count_of_stops_change_sees_which_task_is_to_stop) {
    const auto sheet = std::make_unique<run_sheet>();
    lock_step steps(20000 / fewer);
    std::size_t unseen = 0;
    std::thread worker([&] {
        std::uint32_t seen = 0;
        while (const std::uint64_t round = steps.follow()) {
            sheet->listen(round);
            while (sheet->stops().load(std::memory_order_acquire) == seen)
                std::this_thread::yield();
            ++seen;
            unseen += sheet->stop_asked(round) ? 0 : 1;
            steps.ended(round);
        }
    });
    std::size_t unheard = 0;
    for (std::uint64_t round = 1; steps.begin(); ++round) {
        sheet->ask_to_stop(round);
        steps.wait_for_follower();
        unheard += sheet->listens(round) ? 0 : 1;
    }
    worker.join();
    BOOST_TEST(unseen == 0u);
    BOOST_TEST(unheard == 0u);
}

BOOST_AUTO_TEST_CASE(words_that_change_wildly_while_they_are_looked_at_lead_nowhere_outside) {
    constexpr std::uint64_t id = 77;
    constexpr std::uint32_t items = 40;
    guarded_sheet memory;
    std::atomic<bool> begun{false};
    std::atomic<bool> over{false};
    std::thread worker([&] {
        begun = true;
        std::mt19937_64 random(1);
        const auto tag = [&] { return random() % 4 == 0 ? random() & 0xffffff : id; };
        const auto number = [&] { return random() % 8 == 0 ? random() & 0xfffff : random() % (items + 1); };
        const auto size = [&] { return random() % (run_sheet::room_for_results * 5 / 4); };
        std::atomic_ref<std::uint64_t> items_word(memory.items());
        std::atomic_ref<std::uint64_t> done_word(memory.done());
        while (!over.load(std::memory_order_relaxed)) {
            items_word.store(sheet_word(tag(), number(), random() % 2 == 0 ? items : number()));
            done_word.store(sheet_word(tag(), number() / 2, size()));
            if (random() % 64 == 0)
                std::this_thread::yield();
        }
    });
    std::size_t wrong = 0;
    std::size_t looks = 0;
    std::size_t splits = 0;
    while (!begun)
        std::this_thread::yield();
    for (std::uint64_t step = 0; step != 3000000 / fewer && splits < 30000 / fewer; ++step) {
        if (const auto seen = memory.sheet().look(id, items)) {
            ++looks;
            wrong +=
                seen->done <= seen->begun && seen->begun <= items && seen->results.size() <= run_sheet::room_for_results
                    ? 0
                    : 1;
        }
        if (const auto first = memory.sheet().split(id, items)) {
            ++splits;
            wrong += *first >= 1 && *first < items ? 0 : 1;
        }
        if (step % 64 == 0)
            std::this_thread::yield();
    }
    over = true;
    worker.join();
    BOOST_TEST(wrong == 0u);
    BOOST_TEST_MESSAGE(looks << " looks, " << splits << " splits");
}

BOOST_AUTO_TEST_SUITE_END()
