// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// The ring between two threads, with a doorbell that really blocks.

#include <wire/bytes.hpp>
#include <wire/doorbell.hpp>
#include <wire/lock_step.hpp>

#include <wire/answer_ring.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <thread>

using namespace procpool;
using namespace procpool::testing;
using wire::answer_ring;
using found = wire::ring_reader::found;
using namespace std::chrono_literals;

namespace {

// A wake-up that does not come within this time was lost.
constexpr auto lost_after = 20s;

struct course {
    std::uint64_t answers;
    std::size_t longest; ///< payloads are up to so long
    std::uint64_t burst; ///< after about so many the writer waits until the reader has them all; 0: never
    std::uint64_t seed = 1;
};

struct outcome {
    std::string wrong; ///< what was, if anything
    std::uint64_t sleeps = 0;
    std::uint64_t broken_sleeps = 0; ///< an answer was put at the same moment
    std::uint64_t rings = 0;
    std::uint64_t full = 0;
};

std::size_t size_of(std::uint64_t id, std::size_t longest) {
    return longest == 0 ? 0 : (id * 2654435761u >> 7) % (longest + 1);
}

/// One thread puts so many answers, this one takes them, asleep whenever there is nothing.
outcome run(const course& how) {
    const auto ring = std::make_unique<answer_ring>();
    doorbell bell;
    outcome result;
    std::atomic<std::uint64_t> taken{0};
    std::atomic<bool> give_up{false};

    std::thread worker([&] {
        wire::ring_writer writer(*ring);
        std::mt19937_64 random(how.seed);
        std::uint64_t rest_at = how.burst;
        std::array<std::byte, answer_ring::longest> bytes;
        for (std::uint64_t id = 1; id <= how.answers && !give_up; ++id) {
            const std::size_t size = size_of(id, how.longest);
            for (std::size_t at = 0; at != size; ++at)
                bytes[at] = pattern_at(id, at);
            const wire::frame_header header{static_cast<std::uint32_t>(size), wire::frame_kind::result, 0,
                                            static_cast<std::uint16_t>(id % 504), id};
            bool was_full = false;
            while (!writer.put(header, {bytes.data(), size}) && !give_up) {
                was_full = true;
                std::this_thread::yield();
            }
            result.full += was_full ? 1 : 0;
            if (writer.must_wake()) {
                ++result.rings;
                bell.ring();
            }
            if (how.burst != 0 && id == rest_at) {
                while (taken.load(std::memory_order_relaxed) != id && !give_up)
                    std::this_thread::yield();
                rest_at = id + 1 + random() % (2 * how.burst);
            }
        }
    });

    wire::ring_reader reader(*ring);
    std::uint64_t count = 0;
    while (result.wrong.empty() && count != how.answers) {
        wire::frame_header header;
        wire::payload bytes;
        const found got = reader.take(header, bytes);
        if (got == found::answer) {
            ++count;
            if (header.id != count)
                result.wrong = "answer " + std::to_string(header.id) + " came instead of " + std::to_string(count);
            else if (bytes.size() != size_of(count, how.longest) || !is_pattern(bytes.bytes(), count))
                result.wrong = "the bytes of answer " + std::to_string(count) + " are not as they were";
            taken.store(count, std::memory_order_relaxed);
        } else if (got == found::nonsense) {
            result.wrong = "nonsense after answer " + std::to_string(count);
        } else if (reader.sleep()) {
            ++result.sleeps;
            if (!bell.wait(lost_after))
                result.wrong = "the wake-up after answer " + std::to_string(count) + " was lost";
            else if (!reader.rang())
                result.wrong = "a ring after answer " + std::to_string(count) + " is held against the worker";
        } else {
            ++result.broken_sleeps;
        }
    }
    give_up = true;
    worker.join();
    if (result.wrong.empty()) {
        wire::frame_header header;
        wire::payload bytes;
        if (reader.take(header, bytes) != found::nothing)
            result.wrong = "there is more in the ring than was put";
        // One for the sleep at the beginning, and at most one for each later one, even if it did not come to pass.
        if (result.rings > 1 + result.sleeps + result.broken_sleeps)
            result.wrong = "it rang " + std::to_string(result.rings) + " times";
    }
    BOOST_TEST_MESSAGE(how.answers << " answers up to " << how.longest << " bytes: " << result.sleeps << " sleeps, "
                                   << result.broken_sleeps << " broken sleeps, " << result.rings
                                   << " rings, found full " << result.full << " times");
    return result;
}

} // namespace

BOOST_AUTO_TEST_SUITE(answer_ring_between_threads)

BOOST_AUTO_TEST_CASE(a_million_short_answers_arrive_once_each_and_in_order) {
    BOOST_TEST(run({.answers = 1000000, .longest = 40, .burst = 0}).wrong == "");
}

BOOST_AUTO_TEST_CASE(answers_of_all_lengths_arrive_while_the_ring_is_full_most_of_the_time) {
    BOOST_TEST(run({.answers = 100000, .longest = answer_ring::longest, .burst = 0}).wrong == "");
}

BOOST_AUTO_TEST_CASE(no_wake_up_is_lost_when_the_reader_sleeps_after_every_few_answers) {
    const outcome result = run({.answers = 50000, .longest = 16, .burst = 8});
    BOOST_TEST(result.wrong == "");
    BOOST_TEST(result.sleeps > 0u);
}

BOOST_AUTO_TEST_CASE(no_wake_up_is_lost_when_the_reader_sleeps_after_every_answer) {
    const outcome result = run({.answers = 10000, .longest = 0, .burst = 1});
    BOOST_TEST(result.wrong == "");
    BOOST_TEST(result.sleeps > 0u);
}

BOOST_AUTO_TEST_CASE(falling_asleep_and_putting_at_the_same_moment_never_miss_each_other) {
    // Both at once, over and over: afterwards either the reader knows that it may not sleep, or the writer that it has to
    // wake. Both may be so, but not neither.
    const auto ring = std::make_unique<answer_ring>();
    wire::ring_writer writer(*ring);
    wire::ring_reader reader(*ring);
    lock_step steps(100000);
    bool woke = false;
    std::uint64_t missed = 0;
    std::uint64_t slept = 0;

    const wire::frame_header header{0, wire::frame_kind::result, 0, 0, 1};
    writer.put(header, {});
    writer.must_wake(); // so that the reader is awake at the beginning
    wire::frame_header got{};
    wire::payload bytes;
    reader.take(got, bytes);

    std::thread worker([&] {
        while (const std::uint64_t round = steps.follow()) {
            writer.put(header, {});
            woke = writer.must_wake();
            steps.ended(round);
        }
    });
    while (steps.begin()) {
        const bool sleeps = reader.sleep();
        steps.wait_for_follower();
        slept += sleeps ? 1 : 0;
        missed += sleeps && !woke ? 1 : 0;
        if (reader.take(got, bytes) != found::answer)
            ++missed;
    }
    worker.join();
    BOOST_TEST(missed == 0u);
    BOOST_TEST_MESSAGE("it fell asleep in " << slept << " of " << steps.round() - 1 << " rounds");
}

BOOST_AUTO_TEST_SUITE_END()
