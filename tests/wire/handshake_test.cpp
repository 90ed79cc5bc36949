// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <wire/bytes.hpp>
#include <wire/handshake.hpp>

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

using namespace procpool;
using namespace procpool::testing;

namespace {

const std::vector<std::string>& texts() {
    static const std::vector<std::string> all{
        "", "x", std::string(20, '\0'), std::string("a\0b\xff\n", 5), std::string(4096, 'p'), std::string(65536, 'q')};
    return all;
}

/// A message of each kind with each text in it, in encoded form, with a function that says whether bytes are one.
struct sample {
    wire::payload encoded;
    bool (*decodes)(std::span<const std::byte>);
};

bool is_hello(std::span<const std::byte> bytes) {
    return wire::decode_hello(bytes).has_value();
}
bool is_setup(std::span<const std::byte> bytes) {
    return wire::decode_setup(bytes).has_value();
}
bool is_module(std::span<const std::byte> bytes) {
    return wire::decode_module(bytes).has_value();
}

bool is_progress(std::span<const std::byte> bytes) {
    return wire::decode_progress(bytes).has_value();
}

std::vector<sample> short_samples() {
    return {{wire::encode(wire::hello_message{1, "build"}), &is_hello},
            {wire::encode(wire::hello_message{0, ""}), &is_hello},
            {wire::encode(wire::setup_message{42, 0, 0}), &is_setup},
            {wire::encode(wire::setup_message{1, std::uint64_t{5} << 30, 50'000}), &is_setup},
            {wire::encode(wire::progress_message{0.5, "half"}), &is_progress},
            {wire::encode(wire::progress_message{0, ""}), &is_progress},
            {wire::encode(wire::module_message{7, "libsome.so", std::string(20, '\3')}), &is_module},
            {wire::encode(wire::module_message{0, "", ""}), &is_module}};
}

} // namespace

BOOST_AUTO_TEST_SUITE(handshake)

BOOST_AUTO_TEST_CASE(hello_arrives_as_it_was) {
    for (const std::uint32_t version : {0u, 1u, std::numeric_limits<std::uint32_t>::max()}) {
        for (const std::string& build_id : texts()) {
            const auto got = wire::decode_hello(wire::encode(wire::hello_message{version, build_id}).bytes());
            BOOST_REQUIRE(got);
            BOOST_TEST(got->version == version);
            BOOST_TEST((got->build_id == build_id));
        }
    }
}

BOOST_AUTO_TEST_CASE(setup_arrives_as_it_was) {
    for (const std::uint64_t index : {std::uint64_t{0}, std::uint64_t{4095}, ~std::uint64_t{0}}) {
        for (const std::uint64_t limit :
             {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{6} << 30, ~std::uint64_t{0}}) {
            const auto got = wire::decode_setup(wire::encode(wire::setup_message{index, limit, index ^ limit}).bytes());
            BOOST_REQUIRE(got);
            BOOST_TEST(got->worker_index == index);
            BOOST_TEST(got->memory_limit == limit);
            BOOST_TEST(got->spin == (index ^ limit));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_setup_that_says_nothing_of_memory_sets_no_limit) {
    BOOST_TEST(wire::setup_message{}.memory_limit == 0u);
}

BOOST_AUTO_TEST_CASE(progress_arrives_as_it_was_bit_by_bit) {
    using limits = std::numeric_limits<double>;
    for (const double fraction : {0.0, 1.0, -0.0, 0.1, -1e300, limits::denorm_min(), limits::max(), limits::infinity(),
                                  -limits::infinity(), limits::quiet_NaN()}) {
        for (const std::string& text : texts()) {
            const auto got = wire::decode_progress(wire::encode(wire::progress_message{fraction, text}).bytes());
            BOOST_REQUIRE(got);
            BOOST_TEST(std::memcmp(&got->fraction, &fraction, sizeof fraction) == 0);
            BOOST_TEST((got->text == text));
        }
    }
}

BOOST_AUTO_TEST_CASE(module_arrives_as_it_was) {
    for (const std::string& path : texts()) {
        for (const std::string& build_id : texts()) {
            const auto got = wire::decode_module(wire::encode(wire::module_message{65535, path, build_id}).bytes());
            BOOST_REQUIRE(got);
            BOOST_TEST(got->number == 65535u);
            BOOST_TEST((got->path == path));
            BOOST_TEST((got->build_id == build_id));
        }
    }
}

BOOST_AUTO_TEST_CASE(nothing_that_was_cut_off_or_made_longer_is_accepted) {
    for (const sample& whole : short_samples()) {
        const auto bytes = whole.encoded.bytes();
        BOOST_TEST(whole.decodes(bytes));
        for (std::size_t size = 0; size != bytes.size(); ++size) {
            // In memory of its own, so that a sanitizer sees who reads past the end.
            const std::vector<std::byte> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
            BOOST_TEST(!whole.decodes(cut), "cut to " << size << " of " << bytes.size());
        }
        std::vector<std::byte> longer(bytes.begin(), bytes.end());
        for (int more = 0; more != 20; ++more) {
            longer.push_back(std::byte{0});
            BOOST_TEST(!whole.decodes(longer));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_text_that_announces_more_than_there_is_is_refused) {
    const std::vector<std::uint32_t> lengths{6, 7, 65536, 65537, std::uint32_t{1} << 31, ~std::uint32_t{0}};
    for (const std::uint32_t length : lengths) {
        const wire::payload hello = wire::encode(wire::hello_message{1, "build"});
        std::vector<std::byte> bytes(hello.bytes().begin(), hello.bytes().end());
        std::memcpy(bytes.data() + 4, &length, sizeof length);
        BOOST_TEST(!wire::decode_hello(bytes), "length " << length);

        const wire::payload module = wire::encode(wire::module_message{1, "path", "build"});
        bytes.assign(module.bytes().begin(), module.bytes().end());
        std::memcpy(bytes.data() + 2, &length, sizeof length);
        BOOST_TEST(!wire::decode_module(bytes), "length " << length);

        const wire::payload progress = wire::encode(wire::progress_message{1, "text!"});
        bytes.assign(progress.bytes().begin(), progress.bytes().end());
        std::memcpy(bytes.data() + 8, &length, sizeof length);
        BOOST_TEST(!wire::decode_progress(bytes), "length " << length);
    }
}

BOOST_AUTO_TEST_CASE(random_bytes_are_refused_or_are_exactly_the_message_they_decode_to) {
    std::size_t accepted = 0;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        std::mt19937_64 random(seed);
        for (int count = 0; count != 200; ++count) {
            std::vector<std::byte> bytes(random() % 64);
            for (std::byte& byte : bytes)
                byte = static_cast<std::byte>(random() % 4 == 0 ? random() % 40 : 0);
            if (const auto hello = wire::decode_hello(bytes)) {
                BOOST_REQUIRE(same(wire::encode(*hello).bytes(), bytes));
                ++accepted;
            }
            if (const auto setup = wire::decode_setup(bytes)) {
                BOOST_REQUIRE(same(wire::encode(*setup).bytes(), bytes));
                ++accepted;
            }
            if (const auto progress = wire::decode_progress(bytes)) {
                BOOST_REQUIRE(same(wire::encode(*progress).bytes(), bytes));
                ++accepted;
            }
            if (const auto module = wire::decode_module(bytes)) {
                BOOST_REQUIRE(same(wire::encode(*module).bytes(), bytes));
                ++accepted;
            }
        }
    }
    BOOST_TEST(accepted > 0u); // else the bytes were too wild to try anything
}

BOOST_AUTO_TEST_CASE(a_message_with_any_one_bit_changed_never_does_harm) {
    std::size_t accepted = 0;
    for (const sample& whole : short_samples()) {
        for (std::size_t bit = 0; bit != 8 * whole.encoded.size(); ++bit) {
            std::vector<std::byte> bytes(whole.encoded.bytes().begin(), whole.encoded.bytes().end());
            bytes[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
            // Whether it is accepted depends on the bit; what counts is that it is looked at safely.
            accepted += whole.decodes(bytes) ? 1 : 0;
        }
    }
    BOOST_TEST(accepted > 0u); // such as another build-id
}

BOOST_AUTO_TEST_SUITE_END()
