// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_FUZZ_INPUT_HPP
#define PROCPOOL_TESTS_FUZZ_INPUT_HPP

#include <fuzz/subjects.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

namespace procpool::fuzz {

/// Decisions taken off the front of a fuzzer's input. When there is nothing left, all of them are zero.
class input {
public:
    explicit input(bytes all) : left_(all) {}

    bool empty() const { return left_.empty(); }

    template <class Number = std::uint8_t>
    Number number() {
        static_assert(std::is_unsigned_v<Number>);
        Number value = 0;
        const bytes from = some(sizeof value);
        if (!from.empty())
            std::memcpy(&value, from.data(), from.size());
        return value;
    }

    /// One of so many, from 0 on.
    std::size_t choice(std::size_t of) { return number() % of; }

    /// At most so many bytes.
    bytes some(std::size_t size) {
        const bytes taken = left_.first(std::min(size, left_.size()));
        left_ = left_.subspan(taken.size());
        return taken;
    }

    bytes rest() { return std::exchange(left_, {}); }

private:
    bytes left_;
};

} // namespace procpool::fuzz

#endif
