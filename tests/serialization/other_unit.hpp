// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_SERIALIZATION_OTHER_UNIT_HPP
#define PROCPOOL_TESTS_SERIALIZATION_OTHER_UNIT_HPP

// Types that two translation units carry, each with other headers included.

#include <boost/serialization/is_bitwise_serializable.hpp>
#include <boost/serialization/level.hpp>
#include <boost/serialization/tracking.hpp>
#include <boost/serialization/version.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace two_units {

struct measure {
    int from = 0;
    int to = 0;
    bool operator==(const measure&) const = default;
};

struct label {
    std::string text;
    bool operator==(const label&) const = default;
};

template <class Archive>
void serialize(Archive& archive, label& object, const unsigned int version) {
    archive& object.text;
    unsigned int number = version;
    archive& number;
}

std::vector<std::byte> encode_elsewhere(const measure& value);
std::vector<std::byte> encode_elsewhere(const label& value);
measure decode_elsewhere(const std::vector<std::byte>& bytes);

} // namespace two_units

BOOST_IS_BITWISE_SERIALIZABLE(two_units::measure)
BOOST_CLASS_VERSION(two_units::label, 3)
BOOST_CLASS_TRACKING(two_units::label, boost::serialization::track_always)

#endif
