// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Messages of every type, cut off, changed and made up: each gives a value or the one error, and never anything else.
// Under the sanitizers it also shows that no object is used twice, lost or made of bytes outside the message.

#include "attack.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <typeinfo>

using namespace procpool;
using namespace procpool::testing;

namespace {

/// The seed of everything random here; PROCPOOL_TEST_SEED repeats a run.
std::uint64_t seed() {
    static const std::uint64_t value = [] {
        const char* given = std::getenv("PROCPOOL_TEST_SEED");
        const std::uint64_t chosen = given ? std::strtoull(given, nullptr, 10) : std::random_device()();
        BOOST_TEST_MESSAGE("PROCPOOL_TEST_SEED=" << chosen);
        return chosen;
    }();
    return value;
}

std::string hexadecimal(const message& bytes) {
    std::string text;
    for (const std::byte one : bytes) {
        text += "0123456789abcdef"[std::to_integer<unsigned>(one) >> 4];
        text += "0123456789abcdef"[std::to_integer<unsigned>(one) & 15u];
    }
    return text;
}

/// Reads a message that may be anything, and if it says a value, uses all of it.
template <class T>
void try_out(const message& bytes) {
    const leaks_allowed cycles(std::is_same_v<T, std::shared_ptr<samples::shared_node>>);
    try {
        const T value = decoded<T>(bytes);
        (void)encoded(value);
    } catch (const pool_error& error) {
        if (error.code() != errc::not_serializable)
            BOOST_ERROR(error.what() << " for " << hexadecimal(bytes));
    } catch (const std::exception& error) {
        BOOST_ERROR(typeid(error).name() << ": " << error.what() << " for " << hexadecimal(bytes));
    }
}

template <class T>
message bytes_of(const T& value) {
    message bytes = encoded(value);
    bytes.shrink_to_fit(); // So that reading beyond the end is seen.
    return bytes;
}

} // namespace

BOOST_AUTO_TEST_SUITE(serialization_damaged)

BOOST_AUTO_TEST_CASE(cut_off_anywhere) {
    for_each_sample([]<class T>(const T& value) {
        const message whole = bytes_of(value);
        for (std::size_t size = 0; size != whole.size(); ++size) {
            const message part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
            BOOST_TEST(is_refused<T>(part), typeid(T).name() << " cut off after " << size << " bytes");
        }
        message longer = whole;
        longer.push_back(std::byte{0});
        BOOST_TEST(is_refused<T>(longer), typeid(T).name() << " with a byte too many");
    });
}

BOOST_AUTO_TEST_CASE(each_bit_and_byte_changed) {
    for_each_sample([]<class T>(const T& value) {
        message bytes = bytes_of(value);
        for (std::byte& one : bytes) {
            const std::byte before = one;
            for (unsigned bit = 0; bit != 8; ++bit) {
                one = before ^ static_cast<std::byte>(1u << bit);
                try_out<T>(bytes);
            }
            for (unsigned other = 0; other < 256; other += other < 8 || other > 245 ? 1 : 17) {
                one = static_cast<std::byte>(other);
                try_out<T>(bytes);
            }
            one = before;
        }
    });
}

BOOST_AUTO_TEST_CASE(several_bytes_changed_moved_or_repeated) {
    std::mt19937_64 random(seed());
    const auto below = [&](std::size_t bound) {
        return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random);
    };
    BOOST_TEST_CONTEXT("PROCPOOL_TEST_SEED=" << seed()) {
        for_each_sample([&]<class T>(const T& value) {
            const message whole = bytes_of(value);
            for (int round = 0; round != 1500; ++round) {
                message bytes = whole;
                for (std::size_t change = 0, changes = 1 + below(4); change != changes; ++change) {
                    if (bytes.empty())
                        break;
                    const auto from = static_cast<std::ptrdiff_t>(below(bytes.size()));
                    const auto size = static_cast<std::ptrdiff_t>(below(static_cast<std::size_t>(9)));
                    const auto end = std::min(from + size, static_cast<std::ptrdiff_t>(bytes.size()));
                    const message part(bytes.begin() + from, bytes.begin() + end);
                    switch (below(4)) {
                    case 0:
                        bytes[static_cast<std::size_t>(from)] = static_cast<std::byte>(below(256));
                        break;
                    case 1:
                        bytes.erase(bytes.begin() + from, bytes.begin() + end);
                        break;
                    case 2:
                        bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(below(bytes.size())), part.begin(),
                                     part.end());
                        break;
                    default:
                        std::copy(part.begin(), part.end(),
                                  bytes.begin() + static_cast<std::ptrdiff_t>(below(bytes.size() - part.size() + 1)));
                    }
                }
                bytes.shrink_to_fit();
                try_out<T>(bytes);
            }
        });
    }
}

BOOST_AUTO_TEST_CASE(random_bytes) {
    std::mt19937_64 random(seed() + 1);
    BOOST_TEST_CONTEXT("PROCPOOL_TEST_SEED=" << seed()) {
        for_each_sample([&]<class T>(const T&) {
            for (int round = 0; round != 1500; ++round) {
                message bytes(std::uniform_int_distribution<std::size_t>(0, 64)(random));
                // Small numbers more often than not: they are counts, flags and numbers of objects that make sense.
                for (std::byte& one : bytes)
                    one = static_cast<std::byte>(random() % 4 ? random() % 4 : random() % 256);
                try_out<T>(bytes);
            }
        });
    }
}

BOOST_AUTO_TEST_SUITE_END()
