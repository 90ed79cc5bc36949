// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// The outcomes of a chunk's items as a hostile worker may write them.

#include <procpool/detail/batch.hpp>
#include <procpool/detail/entry.hpp>
#include <procpool/serialization/serialization.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

using namespace procpool;

namespace {

/// Counts how many of it were read.
struct counted {
    inline static std::size_t read = 0;
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        std::uint8_t value = 0;
        archive& value;
        ++read;
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(outcome_bytes)

BOOST_AUTO_TEST_CASE(no_item_reads_what_belongs_to_those_behind_it) {
    // Each item claims as many elements as there are bytes up to the end of the message.
    constexpr std::size_t items = 300;
    wire::payload_builder builder;
    serialization::encoder to(builder);
    for (std::size_t item = 0; item != items; ++item) {
        to.boolean(true);
        to.raw(std::uint32_t{9});
        to.byte(255);
        to.raw((items - item - 1) * 14);
    }
    const wire::payload message = builder.finish();

    serialization::decoder from(message.bytes());
    counted::read = 0;
    for (std::size_t item = 0; item != items; ++item)
        BOOST_TEST((detail::decode_outcome<std::vector<counted>>(from, std::nullopt).has_error() || item == items - 1));
    from.finish();
    BOOST_TEST(counted::read < message.size());
}

BOOST_AUTO_TEST_CASE(an_item_behind_one_that_cannot_be_decoded_is_found) {
    wire::payload_builder builder;
    serialization::encoder to(builder);
    to.boolean(true);
    to.raw(std::uint32_t{2});
    to.byte(100); // more than there is of it
    to.byte('x');
    to.boolean(true);
    detail::encode_with_size(builder, to, std::string("good"));
    const wire::payload message = builder.finish();

    serialization::decoder from(message.bytes());
    BOOST_TEST(detail::decode_outcome<std::string>(from, std::nullopt).has_error());
    BOOST_TEST(detail::decode_outcome<std::string>(from, std::nullopt).value() == "good");
    from.finish();
}

BOOST_AUTO_TEST_SUITE_END()
