// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// The ring between one writer and one reader that keep to the rules, on one thread.

#include <wire/bytes.hpp>
#include <wire/raw_ring.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <deque>
#include <random>

using namespace procpool;
using namespace procpool::testing;
using wire::answer_ring;
using found = wire::ring_reader::found;

namespace {

wire::frame_header header_for(std::uint64_t id, std::size_t size) {
    return {static_cast<std::uint32_t>(size), wire::frame_kind::result, 0, static_cast<std::uint16_t>(id % 500), id};
}

std::size_t taken_by(std::size_t size) {
    return (sizeof(wire::frame_header) + size + 15) / 16 * 16;
}

/// Both ends of a ring, which compare what comes out with what went in.
class checked_ring {
    guarded_ring memory;

public:
    wire::ring_writer writer{memory.ring()};
    wire::ring_reader reader{memory.ring()};

    bool put(std::size_t size) {
        const std::uint64_t id = put_ + 1;
        if (!writer.put(header_for(id, size), pattern(id, size)))
            return false;
        ++put_;
        sizes_.push_back(size);
        return true;
    }

    /// Whether the next answer came, and is the one that is due. Both or neither.
    bool take() {
        wire::frame_header header{};
        wire::payload bytes;
        const found got = reader.take(header, bytes);
        if (got == found::nothing)
            return false;
        BOOST_REQUIRE(got == found::answer);
        BOOST_REQUIRE(!sizes_.empty());
        const std::uint64_t id = ++taken_;
        const bool right = header.id == id && header.size == sizes_.front() &&
                           header.kind == wire::frame_kind::result && header.slot == id % 500 &&
                           bytes.size() == header.size && is_pattern(bytes.bytes(), id);
        BOOST_REQUIRE(right);
        sizes_.pop_front();
        return true;
    }

    std::size_t held() const { return sizes_.size(); }

private:
    std::deque<std::size_t> sizes_;
    std::uint64_t put_ = 0;
    std::uint64_t taken_ = 0;
};

} // namespace

BOOST_AUTO_TEST_SUITE(answer_ring_alone)

BOOST_AUTO_TEST_CASE(raw_view_shows_what_the_ring_does) {
    guarded_ring memory;
    wire::ring_writer writer(memory.ring());
    wire::ring_reader reader(memory.ring());
    BOOST_TEST(memory.seen().written == 0u);
    BOOST_TEST(memory.seen().read == 0u);
    BOOST_TEST(memory.seen().reader_sleeps == 1u);

    const auto header = header_for(77, 20);
    BOOST_TEST(writer.put(header, pattern(5, 20)));
    BOOST_TEST(writer.must_wake());
    const raw_ring seen = memory.seen();
    BOOST_TEST(seen.written == taken_by(20));
    BOOST_TEST(seen.read == 0u);
    BOOST_TEST(seen.reader_sleeps == 0u);
    BOOST_TEST(std::memcmp(seen.bytes, &header, sizeof header) == 0);
    BOOST_TEST(is_pattern({seen.bytes + sizeof header, 20}, 5));

    wire::frame_header got;
    wire::payload bytes;
    BOOST_TEST((reader.take(got, bytes) == found::answer));
    BOOST_TEST(memory.seen().read == taken_by(20));
    BOOST_TEST(reader.sleep());
    BOOST_TEST(memory.seen().reader_sleeps == 1u);
}

BOOST_AUTO_TEST_CASE(a_reader_that_does_not_ask_to_be_woken_any_more_is_not_and_sees_whether_a_look_is_worth_it) {
    guarded_ring memory;
    wire::ring_writer writer(memory.ring());
    wire::ring_reader reader(memory.ring());
    wire::frame_header got;
    wire::payload bytes;
    for (std::uint64_t id = 1; id != 4; ++id) {
        BOOST_TEST(reader.sleep());
        reader.wake();
        reader.wake(); // which changes nothing
        BOOST_TEST(memory.seen().reader_sleeps == 0u);
        BOOST_TEST(!reader.may_hold_something());
        BOOST_TEST(writer.put(header_for(id, 20), pattern(id, 20)));
        BOOST_TEST(reader.may_hold_something());
        BOOST_TEST(!writer.must_wake());
        BOOST_TEST(!reader.rang()); // so a worker that rings now lies
        BOOST_TEST((reader.take(got, bytes) == found::answer));
        BOOST_TEST(!reader.may_hold_something());
    }
    // The worker had begun to ring when the reader ceased to ask for it: that ring is due.
    BOOST_TEST(reader.sleep());
    BOOST_TEST(writer.put(header_for(4, 20), pattern(4, 20)));
    BOOST_TEST(writer.must_wake());
    reader.wake();
    BOOST_TEST(reader.rang());
    BOOST_TEST(!reader.rang());
}

BOOST_AUTO_TEST_CASE(an_empty_ring_has_nothing) {
    checked_ring ring;
    BOOST_TEST(!ring.take());
    BOOST_TEST(!ring.take());
}

BOOST_AUTO_TEST_CASE(answers_of_every_length_arrive_as_they_were) {
    checked_ring ring;
    for (std::size_t size = 0; size <= answer_ring::longest; ++size) {
        BOOST_REQUIRE(ring.put(size));
        BOOST_REQUIRE(ring.take());
        BOOST_REQUIRE(!ring.take());
    }
}

BOOST_AUTO_TEST_CASE(an_answer_of_every_length_wraps_around_at_every_offset) {
    // Every place in the last bytes where an answer that goes around the end can begin, with lengths around each limit.
    for (std::size_t before_end = 16; before_end <= answer_ring::longest + 32; before_end += 16) {
        for (const std::size_t size :
             {std::size_t{0}, std::size_t{1}, before_end - 16, before_end - 15, before_end - 1, before_end,
              before_end + 1, std::size_t{1008}, std::size_t{1009}, answer_ring::longest}) {
            if (size > answer_ring::longest)
                continue;
            guarded_ring memory;
            wire::ring_writer writer(memory.ring());
            wire::ring_reader reader(memory.ring());
            // Empty answers, 16 bytes each, bring both ends to where the test wants them.
            for (std::size_t at = 0; at != answer_ring::capacity - before_end; at += 16) {
                wire::frame_header header;
                wire::payload bytes;
                BOOST_REQUIRE(writer.put(header_for(at, 0), {}));
                BOOST_REQUIRE((reader.take(header, bytes) == found::answer));
            }
            for (std::uint64_t id = 1; id != 4; ++id)
                BOOST_REQUIRE(writer.put(header_for(id, size), pattern(id, size)));
            for (std::uint64_t id = 1; id != 4; ++id) {
                wire::frame_header header;
                wire::payload bytes;
                BOOST_REQUIRE((reader.take(header, bytes) == found::answer));
                const bool right = header.id == id && bytes.size() == size && is_pattern(bytes.bytes(), id);
                BOOST_REQUIRE(right);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_full_ring_refuses_and_takes_again_as_soon_as_there_is_room) {
    for (const std::size_t size : {0u, 1u, 16u, 17u, 100u, 1000u, 1024u}) {
        BOOST_TEST_CONTEXT("answers of " << size << " bytes") {
            checked_ring ring;
            const std::size_t fit = answer_ring::capacity / taken_by(size);
            for (std::size_t count = 0; count != fit; ++count)
                BOOST_REQUIRE(ring.put(size));
            // What does not fit does nothing, however often it is tried.
            for (int again = 0; again != 3; ++again)
                BOOST_TEST(!ring.put(size));
            // Room for one, so one more; over and over, until the ring has gone around several times.
            for (std::size_t count = 0; count != 3 * fit; ++count) {
                BOOST_REQUIRE(ring.take());
                BOOST_REQUIRE(ring.put(size));
                BOOST_REQUIRE(!ring.put(size));
            }
            for (std::size_t count = 0; count != fit; ++count)
                BOOST_REQUIRE(ring.take());
            BOOST_TEST(!ring.take());
        }
    }
}

BOOST_AUTO_TEST_CASE(a_smaller_answer_fits_where_a_larger_one_did_not) {
    checked_ring ring;
    while (ring.put(1000)) {
    }
    std::size_t small = 0;
    while (ring.put(0))
        ++small;
    BOOST_TEST(small == answer_ring::capacity % taken_by(1000) / 16);
    while (ring.take()) {
    }
    BOOST_TEST(ring.held() == 0u);
}

BOOST_AUTO_TEST_CASE(an_answer_that_is_too_long_is_refused_and_does_nothing) {
    guarded_ring memory;
    wire::ring_writer writer(memory.ring());
    for (const std::size_t size : {answer_ring::longest + 1, answer_ring::capacity, 2 * answer_ring::capacity}) {
        const raw_ring before = memory.seen();
        BOOST_TEST(!writer.put(header_for(1, size), pattern(1, size)));
        const raw_ring after = memory.seen();
        BOOST_TEST(std::memcmp(before.bytes, after.bytes, sizeof after.bytes) == 0);
        BOOST_TEST(after.written == 0u);
    }
}

BOOST_AUTO_TEST_CASE(what_was_taken_stays_when_the_ring_is_written_over) {
    guarded_ring memory;
    wire::ring_writer writer(memory.ring());
    wire::ring_reader reader(memory.ring());
    for (const std::size_t size : {8u, 32u, 33u, 1024u}) {
        BOOST_REQUIRE(writer.put(header_for(3, size), pattern(3, size)));
        wire::frame_header header;
        wire::payload bytes;
        BOOST_REQUIRE((reader.take(header, bytes) == found::answer));
        const std::vector<std::byte> rubbish(answer_ring::capacity, std::byte{0xee});
        memory.set_bytes(0, rubbish.data(), rubbish.size());
        BOOST_TEST(bytes.size() == size);
        BOOST_TEST(is_pattern(bytes.bytes(), 3));
    }
}

BOOST_AUTO_TEST_CASE(any_mixture_of_lengths_comes_out_in_order) {
    std::size_t refused = 0;
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            std::mt19937_64 random(seed);
            checked_ring ring;
            for (int step = 0; step != 5000; ++step) {
                const std::size_t size = random() % 3 == 0 ? random() % 1025 : random() % 64;
                if (random() % 100 < 40 + seed)
                    refused += ring.put(size) ? 0 : 1;
                else
                    BOOST_REQUIRE(ring.take() == (ring.held() != 0) || ring.held() == 0);
            }
            while (ring.held() != 0)
                BOOST_REQUIRE(ring.take());
            BOOST_TEST(!ring.take());
        }
    }
    BOOST_TEST(refused > 0u); // it was full at times
}

// Sleeping and waking -------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_ring_begins_with_a_sleeping_reader_so_the_first_answer_wakes_it) {
    checked_ring ring;
    BOOST_REQUIRE(ring.put(8));
    BOOST_TEST(ring.writer.must_wake());
    BOOST_REQUIRE(ring.put(8));
    BOOST_TEST(!ring.writer.must_wake());
}

BOOST_AUTO_TEST_CASE(each_sleep_is_ended_by_exactly_one_wake_up) {
    checked_ring ring;
    for (int round = 0; round != 100; ++round) {
        for (int count = 0; count != 5; ++count) {
            BOOST_REQUIRE(ring.put(8));
            BOOST_TEST(ring.writer.must_wake() == (count == 0));
        }
        while (ring.take()) {
        }
        BOOST_TEST(ring.reader.sleep());
        BOOST_TEST(ring.reader.sleep()); // asking again changes nothing
    }
}

BOOST_AUTO_TEST_CASE(a_reader_does_not_fall_asleep_over_an_answer) {
    checked_ring ring;
    BOOST_REQUIRE(ring.put(8));
    BOOST_TEST(ring.writer.must_wake());
    BOOST_TEST(!ring.reader.sleep());
    BOOST_TEST(!ring.writer.must_wake()); // for it is awake
    BOOST_TEST(ring.take());
    BOOST_TEST(ring.reader.sleep());
    BOOST_REQUIRE(ring.put(8));
    BOOST_TEST(ring.writer.must_wake());
}

BOOST_AUTO_TEST_CASE(the_worker_may_ring_once_for_each_sleep_and_not_more_often) {
    checked_ring ring;
    BOOST_TEST(ring.reader.rang()); // for the sleep in which a ring begins
    BOOST_TEST(!ring.reader.rang());
    BOOST_REQUIRE(ring.put(8));
    BOOST_TEST(ring.writer.must_wake());
    for (int round = 0; round != 10; ++round) {
        BOOST_REQUIRE(ring.take());
        BOOST_TEST(!ring.reader.rang());
        BOOST_TEST(ring.reader.sleep());
        BOOST_TEST(ring.reader.sleep()); // still the same sleep
        BOOST_REQUIRE(ring.put(8));
        BOOST_TEST(ring.writer.must_wake());
        BOOST_TEST(ring.reader.rang());
        BOOST_TEST(!ring.reader.rang());
    }
}

BOOST_AUTO_TEST_CASE(a_sleep_that_does_not_come_to_pass_permits_no_ring) {
    checked_ring ring;
    BOOST_REQUIRE(ring.put(8));
    BOOST_TEST(ring.writer.must_wake());
    BOOST_TEST(ring.reader.rang());
    for (int again = 0; again != 10; ++again)
        BOOST_TEST(!ring.reader.sleep());
    BOOST_TEST(!ring.reader.rang());
}

BOOST_AUTO_TEST_CASE(rings_that_were_asked_for_and_come_late_are_permitted_all_the_same) {
    checked_ring ring;
    for (int round = 0; round != 10; ++round) { // the first one is for the sleep in which a ring begins
        BOOST_REQUIRE(ring.put(8));
        BOOST_TEST(ring.writer.must_wake());
        BOOST_REQUIRE(ring.take());
        BOOST_TEST(ring.reader.sleep());
    }
    for (int round = 0; round != 11; ++round)
        BOOST_TEST(ring.reader.rang());
    BOOST_TEST(!ring.reader.rang());
}

BOOST_AUTO_TEST_CASE(a_refused_answer_leaves_the_sleeper_to_the_next_that_is_put) {
    checked_ring ring;
    BOOST_TEST(!ring.put(answer_ring::longest + 1));
    BOOST_TEST(ring.reader.sleep());
    BOOST_REQUIRE(ring.put(answer_ring::longest));
    BOOST_TEST(ring.writer.must_wake());
}

BOOST_AUTO_TEST_SUITE_END()
