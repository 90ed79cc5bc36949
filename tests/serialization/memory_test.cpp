// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// How much memory a message can make its reader take. A program of its own, because it counts what operator new gives.

#include "attack.hpp"

#include <boost/serialization/valarray.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdlib>
#include <malloc.h>
#include <new>
#include <random>
#include <valarray>

namespace {

std::size_t taken = 0;
std::size_t most_taken = 0;

} // namespace

// Not inline, for compilers that otherwise see malloc's memory go to delete and warn.
[[gnu::noinline]] void* operator new(std::size_t size) {
    void* made = std::malloc(size);
    if (!made)
        throw std::bad_alloc();
    taken += malloc_usable_size(made);
    most_taken = std::max(most_taken, taken);
    return made;
}
[[gnu::noinline]] void operator delete(void* pointer) noexcept {
    if (pointer)
        taken -= malloc_usable_size(pointer);
    std::free(pointer);
}
[[gnu::noinline]] void operator delete(void* pointer, std::size_t) noexcept {
    ::operator delete(pointer);
}

using namespace procpool;
using namespace procpool::testing;

namespace {

/// The most memory in use at once while a message is read, beyond what was before.
template <class T>
std::size_t memory_for(std::span<const std::byte> bytes) {
    const std::size_t before = taken;
    most_taken = taken;
    try {
        (void)decoded<T>(bytes);
    } catch (const pool_error&) {
        // Only the memory counts here.
    }
    return most_taken - before;
}

} // namespace

BOOST_AUTO_TEST_SUITE(serialization_memory)

BOOST_AUTO_TEST_CASE(a_short_message_takes_little_memory) {
    const leaks_allowed cycles(true);
    std::mt19937 random(1);
    std::size_t most = 0;
    const auto try_out = [&]<class T>(const T&) {
        for (int round = 0; round != 3000; ++round) {
            message bytes(40);
            for (std::byte& one : bytes)
                one = static_cast<std::byte>(random() % 3 ? random() % 4 : random() % 3 ? 255 : random() % 256);
            most = std::max(most, memory_for<T>(bytes));
        }
    };
    for_each_sample(try_out);
    try_out(std::vector<std::vector<std::vector<std::vector<std::string>>>>());
    try_out(std::map<std::string, std::vector<std::map<int, std::vector<samples::tree>>>>());
    try_out(std::valarray<double>());
    BOOST_TEST_MESSAGE("40 bytes took at most " << most);
    BOOST_TEST(most < 64u * 1024u);
}

BOOST_AUTO_TEST_CASE(memory_is_in_proportion_to_the_message) {
    constexpr std::size_t size = 1 << 20;
    const auto per_byte = []<class T>(const T&, unsigned byte) {
        const message bytes(size, static_cast<std::byte>(byte));
        return memory_for<T>(bytes) / size;
    };
    for (const unsigned byte : {0u, 1u, 2u, 3u, 254u, 255u}) {
        for_each_sample([&]<class T>(const T& value) {
            const leaks_allowed cycles(true);
            BOOST_TEST(per_byte(value, byte) <= 1u);
        });
    }

    // The worst of the honest ones: elements of one byte each, for which the reader needs an object each.
    forged shortest;
    shortest.count(size);
    for (std::size_t i = 0; i != size; ++i)
        shortest.byte(0);
    BOOST_TEST(memory_for<std::vector<std::string>>(shortest) / size <= 2 * sizeof(std::string));
    BOOST_TEST(memory_for<std::list<std::string>>(shortest) / size <= sizeof(std::string) + 64);

    // Claims nested in claims, none of them kept.
    forged nested;
    for (std::size_t i = 0; i != 900; ++i)
        nested.raw(1).count(size);
    for (std::size_t i = 0; i != size; ++i)
        nested.byte(0);
    BOOST_TEST(memory_for<samples::tree>(nested) / nested.bytes().size() <= sizeof(samples::tree));
}

BOOST_AUTO_TEST_SUITE_END()
