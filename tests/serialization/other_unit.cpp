// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include "other_unit.hpp"

#include "support.hpp"

namespace two_units {

std::vector<std::byte> encode_elsewhere(const measure& value) {
    return procpool::testing::encoded(value);
}

std::vector<std::byte> encode_elsewhere(const label& value) {
    return procpool::testing::encoded(value);
}

measure decode_elsewhere(const std::vector<std::byte>& bytes) {
    return procpool::testing::decoded<measure>(bytes);
}

} // namespace two_units
