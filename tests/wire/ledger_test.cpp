// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <wire/ledger.hpp>

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <memory>
#include <set>

using namespace procpool;
using wire::ledger;
using wire::ledger_state;
using wire::sending;

BOOST_AUTO_TEST_SUITE(ledger_alone)

BOOST_AUTO_TEST_CASE(a_posted_task_waits_until_it_is_claimed_and_is_done_when_it_is_finished) {
    ledger page;
    for (std::size_t slot = 0; slot != ledger::slots; ++slot) {
        const std::uint64_t id = 1000 + slot;
        page.post(slot, id);
        BOOST_TEST((page.look(slot, id) == ledger_state::waiting));
        BOOST_TEST(page.claim(slot, id));
        BOOST_TEST((page.look(slot, id) == ledger_state::running));
        page.finish(slot, id);
        BOOST_TEST((page.look(slot, id) == ledger_state::done));
    }
    for (std::size_t slot = 0; slot != ledger::slots; ++slot) // and no slot touched another
        BOOST_TEST((page.look(slot, 1000 + slot) == ledger_state::done));
}

BOOST_AUTO_TEST_CASE(a_withdrawn_task_cannot_be_claimed) {
    ledger page;
    page.post(3, 7);
    BOOST_TEST(page.withdraw(3, 7));
    BOOST_TEST((page.look(3, 7) == ledger_state::withdrawn));
    BOOST_TEST(!page.claim(3, 7));
    BOOST_TEST(!page.withdraw(3, 7));
    BOOST_TEST((page.look(3, 7) == ledger_state::withdrawn));
}

BOOST_AUTO_TEST_CASE(a_claimed_task_cannot_be_withdrawn_or_claimed_again) {
    ledger page;
    page.post(3, 7);
    BOOST_TEST(page.claim(3, 7));
    BOOST_TEST(!page.withdraw(3, 7));
    BOOST_TEST(!page.claim(3, 7));
    BOOST_TEST((page.look(3, 7) == ledger_state::running));
    page.finish(3, 7);
    BOOST_TEST(!page.withdraw(3, 7));
    BOOST_TEST(!page.claim(3, 7));
    BOOST_TEST((page.look(3, 7) == ledger_state::done));
}

BOOST_AUTO_TEST_CASE(a_slot_that_another_task_has_now_is_not_claimed_for_the_old_one) {
    ledger page;
    page.post(3, 7);
    BOOST_TEST(page.withdraw(3, 7));
    page.post(3, 8); // the worker has yet to meet the frame of task 7
    BOOST_TEST(!page.claim(3, 7));
    BOOST_TEST(!page.withdraw(3, 7));
    BOOST_TEST((page.look(3, 7) == ledger_state::nonsense));
    BOOST_TEST((page.look(3, 8) == ledger_state::waiting));
    BOOST_TEST(page.claim(3, 8));
}

BOOST_AUTO_TEST_CASE(a_task_that_comes_back_into_the_same_slot_is_claimed_only_as_what_it_was_sent_last) {
    ledger page;
    for (std::uint64_t taken_back = 0; taken_back != 5; ++taken_back) {
        page.post(3, sending::of(7, taken_back));
        for (std::uint64_t unread = 0; unread != taken_back; ++unread)
            BOOST_TEST(!page.claim(3, sending::of(7, unread)));
        BOOST_TEST(page.withdraw(3, sending::of(7, taken_back)));
    }
    page.post(3, sending::of(7, 5));
    BOOST_TEST(!page.claim(3, sending::of(7, 4)));
    BOOST_TEST(page.claim(3, sending::of(7, 5)));
    BOOST_TEST(!page.claim(3, sending::of(7, 5)));
}

BOOST_AUTO_TEST_CASE(a_sending_tells_its_task_and_differs_from_all_that_may_be_unread) {
    constexpr std::uint64_t largest = sending::id_mask;
    for (const std::uint64_t id : {std::uint64_t{1}, std::uint64_t{77}, largest}) {
        std::set<std::uint64_t> met;
        for (std::uint64_t taken_back = 0; taken_back != sending::numbers; ++taken_back) {
            const std::uint64_t sent = sending::of(id, taken_back);
            BOOST_TEST(sending::task(sent) == id);
            BOOST_TEST(met.insert(sent).second);
        }
        BOOST_TEST(sending::of(id, 0) == id);
        BOOST_TEST(sending::of(id, sending::numbers) == id);
    }
    BOOST_TEST(sending::numbers > ledger::slots + 1);
}

BOOST_AUTO_TEST_CASE(ids_are_kept_apart_up_to_the_largest) {
    ledger page;
    const std::uint64_t largest = ~std::uint64_t{0} >> 2;
    for (const std::uint64_t id : {std::uint64_t{1}, std::uint64_t{1} << 32, std::uint64_t{1} << 61, largest}) {
        page.post(0, id);
        BOOST_TEST((page.look(0, id) == ledger_state::waiting));
        BOOST_TEST((page.look(0, id - 1) == ledger_state::nonsense));
        BOOST_TEST((page.look(0, id ^ 1) == ledger_state::nonsense));
        BOOST_TEST(!page.claim(0, id ^ 1));
        BOOST_TEST(!page.withdraw(0, id ^ 1));
        BOOST_TEST(page.claim(0, id));
    }
}

BOOST_AUTO_TEST_CASE(a_fresh_page_knows_of_no_task_and_no_phase) {
    const ledger page;
    for (std::size_t slot = 0; slot != ledger::slots; ++slot)
        BOOST_TEST((page.look(slot, 1) == ledger_state::nonsense));
    BOOST_TEST((page.phase() == task_phase::unknown));
}

BOOST_AUTO_TEST_CASE(each_phase_is_seen_as_it_was_entered) {
    ledger page;
    for (const task_phase phase :
         {task_phase::decoding, task_phase::running, task_phase::encoding, task_phase::writing, task_phase::unknown}) {
        page.enter(phase);
        BOOST_TEST((page.phase() == phase));
    }
}

BOOST_AUTO_TEST_CASE(a_page_full_of_rubbish_is_nonsense_and_no_phase) {
    const auto page = std::make_unique<ledger>();
    for (const int rubbish : {0xff, 0xa5, 0x05, 0x80}) {
        std::memset(static_cast<void*>(page.get()), rubbish, sizeof(ledger));
        for (std::size_t slot = 0; slot != ledger::slots; ++slot) {
            BOOST_TEST((page->look(slot, 1234) == ledger_state::nonsense));
            BOOST_TEST(!page->withdraw(slot, 1234));
        }
        BOOST_TEST((page->phase() == task_phase::unknown));
    }
}

BOOST_AUTO_TEST_CASE(the_whole_fits_into_one_page_of_memory) {
    BOOST_TEST(sizeof(ledger) <= 4096u);
}

BOOST_AUTO_TEST_SUITE_END()
