// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_MACHINES_CHUNK_SIZES_HPP
#define PROCPOOL_MACHINES_CHUNK_SIZES_HPP

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace procpool::machines {

/// How many items of a batch are to travel together.
/**
 * As many as take a millisecond, so that what it costs to send a chunk does not matter, going by what the last ones took;
 * but never more than a share of what is left, so that the last ones are spread over all workers; though a chunk that takes no
 * longer than sending it need not be made smaller for that. Nothing is known at first:
 * so the first chunks hold one item, and later ones at most so many times more than one of which the time is known.
 *
 * That is guided self-scheduling (Polychronopoulos and Kuck, 1987) with an upper bound that is measured.
 */
class chunk_sizes {
public:
    static constexpr std::chrono::nanoseconds target = std::chrono::milliseconds(1);
    static constexpr std::chrono::nanoseconds negligible = std::chrono::microseconds(50);
    static constexpr std::size_t growth = 16;
    static constexpr std::size_t shares_per_worker = 3; ///< of what is left, for each worker

    /// @param fixed what the program wants; 0 if it leaves it to us
    chunk_sizes(std::size_t fixed, std::size_t workers, std::size_t most) noexcept
        : fixed_(std::min(fixed, most)), workers_(workers), most_(most), fitting_(most) {}

    /// A chunk took this long.
    /**
     * @param given so many items it had; if it did fewer, it had to end early, since more would not have fitted
     */
    void took(std::size_t items, std::size_t given, std::chrono::nanoseconds time) noexcept {
        if (items == 0)
            return;
        const auto each = std::max<std::chrono::nanoseconds>(time / items, std::chrono::nanoseconds(1));
        const auto fitting = static_cast<std::size_t>(target / each);
        items = std::min(items, most_);
        // The chunks that are under way were cut by older knowledge, so the largest of which the time is known counts.
        best_ = std::clamp<std::size_t>(fitting, 1, items < given ? items : std::max(items, known_) * growth);
        fitting_ = items < given ? items : std::max(fitting_, 2 * std::min(items, most_));
        known_ = std::min(std::max(known_, items), best_);
        least_ = std::clamp<std::size_t>(static_cast<std::size_t>(negligible / each), 1, best_);
    }

    /// How many the next chunk is to hold of this many that are left; of an unknown number, if that is 0.
    std::size_t next(std::size_t left) const noexcept {
        if (fixed_ != 0)
            return std::min(fixed_, fitting_);
        const std::size_t share = left == 0 ? most_ : std::max(least_, left / (workers_ * shares_per_worker));
        return std::min({best_, share, most_});
    }

private:
    std::size_t fixed_;
    std::size_t workers_;
    std::size_t most_;
    std::size_t fitting_; ///< so many could be done in one chunk
    std::size_t best_ = 1;
    std::size_t least_ = 1;
    std::size_t known_ = 1; ///< items in the largest chunk of which the time is known
};

} // namespace procpool::machines

#endif
