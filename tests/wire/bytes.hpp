// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_WIRE_BYTES_HPP
#define PROCPOOL_TESTS_WIRE_BYTES_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace procpool::testing {

/// The byte that stands at this place of the pattern with this number. Neighbouring places, and the same place in the
/// patterns of neighbouring numbers, differ.
inline std::byte pattern_at(std::uint64_t number, std::size_t at) {
    return static_cast<std::byte>((number * 167 + at * 59 + (at >> 8) * 31 + 7) & 0xff);
}

inline std::vector<std::byte> pattern(std::uint64_t number, std::size_t size) {
    std::vector<std::byte> bytes(size);
    for (std::size_t at = 0; at != size; ++at)
        bytes[at] = pattern_at(number, at);
    return bytes;
}

inline bool is_pattern(std::span<const std::byte> bytes, std::uint64_t number) {
    for (std::size_t at = 0; at != bytes.size(); ++at)
        if (bytes[at] != pattern_at(number, at))
            return false;
    return true;
}

inline bool same(std::span<const std::byte> left, std::span<const std::byte> right) {
    return std::ranges::equal(left, right);
}

} // namespace procpool::testing

#endif
