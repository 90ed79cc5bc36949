// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_SPIN_WINDOW_HPP
#define PROCPOOL_SYSTEM_SPIN_WINDOW_HPP

#include <algorithm>
#include <chrono>

namespace procpool::system {

/// How long to look out for something before sleeping: as long as is allowed where that has been worth it, and ever shorter where it
/// has not, because what is awaited takes longer, or the other side waits for the very CPU that looking out uses.
/**
 * Each time in vain halves the next; after some of them it is left alone, but for an attempt now and then.
 */
class spin_window {
public:
    using duration = std::chrono::nanoseconds;

    static constexpr duration shortest = std::chrono::microseconds(1);
    static constexpr unsigned left_out_between_attempts = 32;

    /// @param longest 0 if it never pays
    explicit spin_window(duration longest = duration::zero()) noexcept : longest_(longest), next_(longest) {}

    /// How long it is to be this time; 0 if not at all. Not followed by worked_out() or was_in_vain() then.
    duration next() noexcept {
        if (next_ >= std::min(shortest, longest_))
            return next_;
        if (++left_out_ <= left_out_between_attempts)
            return duration::zero();
        left_out_ = 0;
        return longest_;
    }

    void worked_out() noexcept { next_ = longest_; }
    void was_in_vain() noexcept { next_ /= 2; }

private:
    duration longest_;
    duration next_;
    unsigned left_out_ = 0;
};

} // namespace procpool::system

#endif
