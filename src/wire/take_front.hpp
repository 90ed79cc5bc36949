// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_WIRE_TAKE_FRONT_HPP
#define PROCPOOL_WIRE_TAKE_FRONT_HPP

#include <cstddef>
#include <cstring>
#include <span>
#include <type_traits>

namespace procpool::wire {

/// Takes the first bytes of a message as a value. False if there are too few; then nothing happened.
template <class T>
bool take_front(std::span<const std::byte>& bytes, T& value) noexcept {
    static_assert(std::is_trivially_copyable_v<T>);
    if (bytes.size() < sizeof value)
        return false;
    std::memcpy(&value, bytes.data(), sizeof value);
    bytes = bytes.subspan(sizeof value);
    return true;
}

} // namespace procpool::wire

#endif
