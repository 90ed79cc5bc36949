// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Copies of one payload, read and given up by several threads.

#include <procpool/wire/payload.hpp>

#include <wire/bytes.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

using namespace procpool;
using namespace procpool::testing;
using wire::payload;

BOOST_AUTO_TEST_SUITE(payload_between_threads)

BOOST_AUTO_TEST_CASE(copies_are_read_and_given_up_by_all_threads_at_once) {
    // The last owner frees the block, whichever thread that is. AddressSanitizer sees one freed twice, too early or never,
    // ThreadSanitizer one freed while another thread still reads.
    std::atomic<std::size_t> wrong{0};
    for (std::uint64_t round = 0; round != 300; ++round) {
        std::vector<std::thread> threads;
        {
            const payload original(pattern(round, 64 + 30 * round));
            for (std::uint64_t index = 0; index != 4; ++index) {
                threads.emplace_back([copy = original, round, index, &wrong]() mutable {
                    std::mt19937_64 random(round * 10 + index);
                    std::vector<payload> mine(8);
                    for (int step = 0; step != 50; ++step) {
                        payload& one = mine[random() % mine.size()];
                        const std::size_t half = copy.size() / 2;
                        switch (random() % 4) {
                        case 0:
                            one = copy;
                            break;
                        case 1:
                            one = copy.slice(0, half);
                            break;
                        case 2:
                            one = payload();
                            break;
                        default:
                            one = std::move(mine[random() % mine.size()]);
                            break;
                        }
                        if (!is_pattern(one.bytes(), round))
                            ++wrong;
                    }
                    copy = payload();
                });
            }
        }
        for (std::thread& thread : threads)
            thread.join();
    }
    BOOST_TEST(wrong == 0u);
}

BOOST_AUTO_TEST_CASE(a_slice_keeps_the_bytes_alive_after_another_thread_gave_up_the_whole) {
    std::size_t wrong = 0;
    for (std::uint64_t round = 0; round != 500; ++round) {
        payload whole(pattern(round, 5000));
        payload part = whole.slice(0, 2500);
        std::thread other([gone = std::move(whole)]() mutable { gone = payload(); });
        wrong += is_pattern(part.bytes(), round) ? 0 : 1;
        part = payload();
        other.join();
    }
    BOOST_TEST(wrong == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
