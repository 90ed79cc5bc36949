// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// What a pool and one of its workers tell each other, in the memory that they share, of the one task that runs: since
// when, whether it is to stop, and, if it is a chunk of several items, how far it is and which items are still to be had.
//
// It is no more trustworthy than the worker: whatever the pool reads in it may be nonsense, and is checked against what
// the pool knows of the task.

#ifndef PROCPOOL_WIRE_RUN_SHEET_HPP
#define PROCPOOL_WIRE_RUN_SHEET_HPP

#include <procpool/wire/payload.hpp>
#include <procpool/worker/kept_results.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace procpool::wire {

class run_sheet {
public:
    /// No chunk has more items.
    static constexpr std::uint32_t most_items = (1U << 20) - 1;

    /// So many bytes of a chunk's results are kept here while it runs.
    static constexpr std::size_t room_for_results = worker::kept_results::room;

    // The pool's side.

    /// Asks a task to stop. Whoever waits for the count of stops to change is to be woken.
    void ask_to_stop(std::uint64_t id) noexcept {
        stop_id_.store(id, std::memory_order_relaxed);
        stops_.fetch_add(1, std::memory_order_release);
    }

    /// Whether the task has shown that it will notice when it is asked to stop.
    bool listens(std::uint64_t id) const noexcept { return listening_id_.load(std::memory_order_acquire) == id; }

    /// When the task, or the item of it that runs, began: in nanoseconds of the monotonic clock. Only for tasks that were
    /// sent as timed.
    std::optional<std::uint64_t> began_at(std::uint64_t id) const noexcept;

    /// Takes the second half of what a chunk has not begun, but never its first item; the worker will never begin it.
    /**
     * @param items how many items the chunk has, as far as the pool knows
     * @return the first item that was taken; the chunk has only those before it from now on. No value if there is nothing to
     *         take.
     */
    std::optional<std::uint32_t> split(std::uint64_t id, std::uint32_t items) noexcept;

    struct progress {
        std::uint32_t begun = 0; ///< so many items were begun, or are about to be
        std::uint32_t done = 0;  ///< of so many, the first ones, the results are here
        payload results;
    };

    /// How far a chunk has come. Exact once its worker is dead. No value if what stands here cannot be.
    std::optional<progress> look(std::uint64_t id, std::uint32_t items) const;

    /// Whether the worker takes more memory than it was allowed.
    bool worn_out() const noexcept { return worn_out_.load(std::memory_order_relaxed) != 0; }

    // The worker's side.

    void began(std::uint64_t id, std::uint64_t at) noexcept;

    bool stop_asked(std::uint64_t id) const noexcept { return stop_id_.load(std::memory_order_acquire) == id; }
    void listen(std::uint64_t id) noexcept { listening_id_.store(id, std::memory_order_release); }

    /// Changes whenever some task is asked to stop.
    std::atomic<std::uint32_t>& stops() noexcept { return stops_; }

    /// @return where the results go
    worker::kept_results begin_chunk(std::uint64_t id, std::uint32_t items) noexcept;

    /// Begins up to so many items more. How many; 0 if none is left.
    std::uint32_t claim(std::uint32_t most) noexcept;

    /// Gives up what was not begun.
    void give_up_rest() noexcept;

    void wear_out() noexcept { worn_out_.store(1, std::memory_order_relaxed); }

private:
    // Three numbers in one word, so that they change together: a tag that tells the chunk from those before and after it,
    // and two of 20 bits.
    struct word {
        std::uint32_t tag;
        std::uint32_t first;
        std::uint32_t second;
    };
    static constexpr std::uint32_t number_bits = worker::kept_results::number_bits;
    static constexpr std::uint64_t number_mask = (1U << number_bits) - 1;
    static constexpr std::uint32_t tag_of(std::uint64_t id) noexcept {
        return static_cast<std::uint32_t>(id & 0xffffff);
    }
    static constexpr std::uint64_t pack(word parts) noexcept {
        return (std::uint64_t{parts.tag} << (2 * number_bits)) | (std::uint64_t{parts.first} << number_bits) |
               parts.second;
    }
    static constexpr word unpack(std::uint64_t packed) noexcept {
        return {static_cast<std::uint32_t>(packed >> (2 * number_bits)),
                static_cast<std::uint32_t>((packed >> number_bits) & number_mask),
                static_cast<std::uint32_t>(packed & number_mask)};
    }

    // Written by the pool.
    alignas(64) std::atomic<std::uint64_t> stop_id_{0};
    std::atomic<std::uint32_t> stops_{0};

    // Written by the worker.
    alignas(64) std::atomic<std::uint64_t> began_id_{0};
    std::atomic<std::uint64_t> began_at_{0};
    std::atomic<std::uint64_t> listening_id_{0};
    std::atomic<std::uint32_t> worn_out_{0};
    std::atomic<std::uint64_t> done_{0}; ///< tag, how many items, how many bytes

    // Written by both.
    alignas(64) std::atomic<std::uint64_t> items_{0}; ///< tag, the next to be begun, the end

    alignas(64) std::byte results_[room_for_results];
    static_assert(room_for_results <= number_mask);
};

} // namespace procpool::wire

#endif
