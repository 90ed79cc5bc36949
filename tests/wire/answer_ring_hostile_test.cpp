// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// The pool's end of the ring against a worker that writes into the shared memory whatever it likes. The ring lies in
// front of a page that may not be touched, and each answer is compared with the bytes that lie in the ring.

#include <wire/bytes.hpp>
#include <wire/raw_ring.hpp>

#include <boost/test/unit_test.hpp>

#include <limits>
#include <random>

using namespace procpool;
using namespace procpool::testing;
using wire::answer_ring;
using found = wire::ring_reader::found;

namespace {

constexpr std::uint64_t huge = std::numeric_limits<std::uint64_t>::max();

wire::frame_header header_of(std::uint32_t size) {
    return {size, wire::frame_kind::result, 0, 3, 4};
}

/// Takes once, and compares the outcome with what the ring's memory says should come of it.
found take_and_compare(guarded_ring& memory, wire::ring_reader& reader, std::uint64_t& read) {
    const raw_ring seen = memory.seen();
    wire::frame_header header{};
    wire::payload bytes(pattern(1, 10));
    const found got = reader.take(header, bytes);

    const std::uint64_t held = seen.written - read;
    if (held == 0) {
        BOOST_REQUIRE((got == found::nothing));
        return got;
    }
    wire::frame_header lies_there;
    std::memcpy(&lies_there, seen.bytes + read % answer_ring::capacity, sizeof lies_there);
    const std::uint64_t taken = (sizeof lies_there + std::uint64_t{lies_there.size} + 15) / 16 * 16;
    const bool sensible = held >= sizeof lies_there && held <= answer_ring::capacity &&
                          lies_there.size <= answer_ring::longest && taken <= held;
    BOOST_REQUIRE((got == (sensible ? found::answer : found::nonsense)));
    if (!sensible) {
        BOOST_REQUIRE(memory.seen().read == seen.read);
        return got;
    }
    BOOST_REQUIRE(std::memcmp(&header, &lies_there, sizeof header) == 0);
    BOOST_REQUIRE(bytes.size() == header.size);
    bool right = true;
    for (std::size_t at = 0; at != bytes.size(); ++at)
        right = right && bytes.data()[at] == seen.bytes[(read + sizeof header + at) % answer_ring::capacity];
    BOOST_REQUIRE(right);
    read += taken;
    BOOST_REQUIRE(memory.seen().read == read);
    return got;
}

} // namespace

BOOST_AUTO_TEST_SUITE(answer_ring_against_a_hostile_worker)

BOOST_AUTO_TEST_CASE(a_count_of_written_bytes_that_cannot_be_is_nonsense) {
    for (const std::uint64_t written :
         {std::uint64_t{1}, std::uint64_t{15}, std::uint64_t{answer_ring::capacity} + 1,
          std::uint64_t{answer_ring::capacity} + 16, std::uint64_t{1} << 32, std::uint64_t{1} << 63, huge, huge - 15}) {
        BOOST_TEST_CONTEXT("written " << written) {
            guarded_ring memory;
            wire::ring_reader reader(memory.ring());
            memory.set_written(written);
            wire::frame_header header;
            wire::payload bytes;
            for (int again = 0; again != 3; ++again)
                BOOST_TEST((reader.take(header, bytes) == found::nonsense));
            BOOST_TEST(memory.seen().read == 0u);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_count_of_written_bytes_that_goes_backwards_is_nonsense) {
    guarded_ring memory;
    wire::ring_writer writer(memory.ring());
    wire::ring_reader reader(memory.ring());
    wire::frame_header header;
    wire::payload bytes;
    for (int count = 0; count != 10; ++count)
        BOOST_REQUIRE(writer.put(header_of(100), pattern(1, 100)));
    for (int count = 0; count != 10; ++count)
        BOOST_REQUIRE((reader.take(header, bytes) == found::answer));
    const std::uint64_t at = memory.seen().read;
    for (std::uint64_t back = 1; back <= at; ++back) {
        memory.set_written(at - back);
        BOOST_REQUIRE((reader.take(header, bytes) == found::nonsense));
    }
}

BOOST_AUTO_TEST_CASE(a_header_that_announces_too_much_is_nonsense) {
    for (const std::uint32_t size :
         {std::uint32_t{answer_ring::longest} + 1, std::uint32_t{answer_ring::capacity} - 16,
          std::uint32_t{answer_ring::capacity}, std::uint32_t{1} << 31, std::numeric_limits<std::uint32_t>::max(),
          std::numeric_limits<std::uint32_t>::max() - 15, std::numeric_limits<std::uint32_t>::max() - 30}) {
        BOOST_TEST_CONTEXT("size " << size) {
            guarded_ring memory;
            wire::ring_reader reader(memory.ring());
            const auto bad = header_of(size);
            memory.set_bytes(0, &bad, sizeof bad);
            memory.set_written(answer_ring::capacity);
            wire::frame_header header;
            wire::payload bytes;
            BOOST_TEST((reader.take(header, bytes) == found::nonsense));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_header_that_announces_more_than_was_written_is_nonsense) {
    for (std::uint32_t size = 1; size <= answer_ring::longest; ++size) {
        guarded_ring memory;
        wire::ring_reader reader(memory.ring());
        const auto bad = header_of(size);
        memory.set_bytes(0, &bad, sizeof bad);
        const std::uint64_t needed = (16 + std::uint64_t{size} + 15) / 16 * 16;
        std::uint64_t read = 0;
        for (const std::uint64_t written : {std::uint64_t{16}, needed - 16, needed - 1}) {
            memory.set_written(written);
            BOOST_REQUIRE((take_and_compare(memory, reader, read) == found::nonsense));
        }
        memory.set_written(needed);
        BOOST_REQUIRE((take_and_compare(memory, reader, read) == found::answer));
    }
}

BOOST_AUTO_TEST_CASE(every_count_of_written_bytes_at_every_offset_stays_within_the_ring) {
    // Zeros make a ring full of empty answers, so the reader can be brought to every place.
    guarded_ring memory;
    wire::ring_reader reader(memory.ring());
    std::uint64_t read = 0;
    std::mt19937_64 random(11);
    for (int step = 0; step != 2 * int{answer_ring::capacity} / 16; ++step) {
        // An answer as long as can be announced here, and every doubtful count before the right one.
        const auto longest = header_of(step % 3 == 0 ? std::uint32_t{answer_ring::longest}
                                                     : static_cast<std::uint32_t>(random() % 1400));
        memory.set_bytes(read % answer_ring::capacity, &longest, sizeof longest);
        for (const std::uint64_t more : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{17},
                                         std::uint64_t{answer_ring::capacity} + 1, std::uint64_t{0} - 16}) {
            memory.set_written(read + more);
            const found got = take_and_compare(memory, reader, read);
            BOOST_REQUIRE((got != found::answer || more == 17));
        }
        memory.set_written(read + answer_ring::capacity);
        take_and_compare(memory, reader, read);
        const auto shortest = header_of(0);
        memory.set_bytes(read % answer_ring::capacity, &shortest, sizeof shortest);
        memory.set_written(read + 16);
        BOOST_REQUIRE((take_and_compare(memory, reader, read) == found::answer));
    }
}

BOOST_AUTO_TEST_CASE(random_bytes_everywhere_are_answers_or_nonsense_and_nothing_else) {
    std::size_t answers = 0;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            std::mt19937_64 random(seed);
            guarded_ring memory;
            wire::ring_reader reader(memory.ring());
            std::uint64_t read = 0;
            std::vector<std::uint32_t> rubbish(answer_ring::capacity / 4);
            for (auto& word : rubbish) // mostly small numbers, so that many pass for headers
                word = static_cast<std::uint32_t>(random() % 8 == 0 ? random() : random() % 1100);
            memory.set_bytes(0, rubbish.data(), answer_ring::capacity);
            for (int step = 0; step != 300; ++step) {
                memory.set_written(read + random() % (random() % 16 == 0 ? huge : 2 * answer_ring::capacity));
                memory.set_read(random());
                memory.set_sleeps(static_cast<std::uint32_t>(random()));
                const raw_ring seen = memory.seen();
                const bool slept = reader.sleep();
                BOOST_REQUIRE(slept == (seen.written == read));
                answers += take_and_compare(memory, reader, read) == found::answer ? 1 : 0;
            }
        }
    }
    BOOST_TEST(answers > 0u); // else the bytes were too wild to try anything
}

BOOST_AUTO_TEST_CASE(a_worker_that_meddles_with_the_sleep_mark_or_the_read_count_does_not_confuse_the_reader) {
    guarded_ring memory;
    wire::ring_writer writer(memory.ring());
    wire::ring_reader reader(memory.ring());
    wire::frame_header header;
    wire::payload bytes;
    for (std::uint64_t step = 1; step != 10000; ++step) {
        BOOST_REQUIRE(writer.put(header_of(8), pattern(step, 8)));
        memory.set_sleeps(step % 3 == 0 ? 7 : 0);
        memory.set_read(step % 2 == 0 ? memory.seen().written : memory.seen().read);
        BOOST_REQUIRE(!reader.sleep());
        BOOST_REQUIRE((reader.take(header, bytes) == found::answer));
        BOOST_REQUIRE(is_pattern(bytes.bytes(), step));
        BOOST_REQUIRE((reader.take(header, bytes) == found::nothing));
    }
}

BOOST_AUTO_TEST_SUITE_END()
