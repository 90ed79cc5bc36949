// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// A worker and a pool that want the same tasks at the same time.

#include <wire/lock_step.hpp>

#include <wire/ledger.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

using namespace procpool;
using procpool::testing::lock_step;
using wire::ledger;
using wire::ledger_state;

BOOST_AUTO_TEST_SUITE(ledger_between_threads)

BOOST_AUTO_TEST_CASE(of_a_claim_and_a_withdrawal_exactly_one_wins) {
    const auto page = std::make_unique<ledger>();
    lock_step steps(5000);
    std::vector<char> claimed(ledger::slots);
    std::vector<char> withdrawn(ledger::slots);
    std::size_t both = 0;
    std::size_t neither = 0;
    std::size_t misreported = 0;
    std::size_t claims = 0;

    const auto id_in = [](std::uint64_t round, std::size_t slot) { return round * 1000 + slot + 1; };
    const auto post_all = [&](std::uint64_t round) {
        for (std::size_t slot = 0; slot != ledger::slots; ++slot)
            page->post(slot, id_in(round, slot));
    };

    std::thread worker([&] {
        while (const std::uint64_t round = steps.follow()) {
            for (std::size_t slot = 0; slot != ledger::slots; ++slot)
                claimed[slot] = page->claim(slot, id_in(round, slot));
            steps.ended(round);
        }
    });
    for (std::uint64_t round = 1; post_all(round), steps.begin(); ++round) {
        // From the front as the worker does, or from the back, or from somewhere in the middle.
        for (std::size_t step = 0; step != ledger::slots; ++step) {
            const std::size_t slot = round % 3 == 0   ? step
                                     : round % 3 == 1 ? ledger::slots - 1 - step
                                                      : (step + round) % ledger::slots;
            withdrawn[slot] = page->withdraw(slot, id_in(round, slot));
        }
        steps.wait_for_follower();
        for (std::size_t slot = 0; slot != ledger::slots; ++slot) {
            both += claimed[slot] && withdrawn[slot] ? 1 : 0;
            neither += !claimed[slot] && !withdrawn[slot] ? 1 : 0;
            claims += claimed[slot] ? 1 : 0;
            const auto expected = claimed[slot] ? ledger_state::running : ledger_state::withdrawn;
            misreported += page->look(slot, id_in(round, slot)) == expected ? 0 : 1;
        }
    }
    worker.join();
    BOOST_TEST(both == 0u);
    BOOST_TEST(neither == 0u);
    BOOST_TEST(misreported == 0u);
    BOOST_TEST_MESSAGE(claims << " of " << (steps.round() - 1) * ledger::slots << " went to the worker");
}

BOOST_AUTO_TEST_CASE(a_slot_that_is_reused_while_the_worker_looks_is_claimed_for_its_own_task_only) {
    // The pool withdraws what is in a slot and posts the next task there, again and again; the worker meets the frames of
    // all of them, late, as from a pipe. Each task is either withdrawn or run, and what ran can be seen to have run.
    constexpr std::uint64_t tasks = 200000;
    ledger page;
    std::atomic<std::uint64_t> sent{0};
    std::vector<char> ran(tasks + 1);
    std::vector<char> back(tasks + 1);

    std::thread worker([&] {
        for (std::uint64_t id = 1; id <= tasks; ++id) {
            while (sent.load(std::memory_order_acquire) < id)
                std::this_thread::yield();
            ran[id] = page.claim(5, id);
            if (ran[id])
                page.finish(5, id);
        }
    });
    for (std::uint64_t id = 1; id <= tasks; ++id) {
        page.post(5, id);
        sent.store(id, std::memory_order_release);
        if (id % 7 == 0)
            std::this_thread::yield();
        back[id] = page.withdraw(5, id);
        if (!back[id]) // a slot is free for the next task only after the answer
            while (page.look(5, id) != ledger_state::done)
                std::this_thread::yield();
    }
    worker.join();
    std::size_t wrong = 0;
    std::size_t count = 0;
    for (std::uint64_t id = 1; id <= tasks; ++id) {
        wrong += (ran[id] != 0) == (back[id] != 0) ? 1 : 0;
        count += ran[id] ? 1 : 0;
    }
    BOOST_TEST(wrong == 0u);
    BOOST_TEST_MESSAGE(count << " of " << tasks << " ran");
}

BOOST_AUTO_TEST_SUITE_END()
