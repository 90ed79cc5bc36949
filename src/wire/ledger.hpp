// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// The page that a pool and one of its workers share. It holds one word per task that was sent to the worker, and says
// of each whether the worker has begun it. The worker claims a task and the pool withdraws it with the same
// compare-exchange, so exactly one of them wins.
//
// The page is no more trustworthy than the worker: whatever the pool reads in it may be nonsense.

#ifndef PROCPOOL_WIRE_LEDGER_HPP
#define PROCPOOL_WIRE_LEDGER_HPP

#include <procpool/post_mortem.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace procpool::wire {

/// What a task is called between pool and worker: its id, and how often something was taken back from its slot before.
/**
 * The frame of a task that was taken back may not have been read yet when the same task, perhaps no longer with the same
 * items, comes to the same slot again. It must not be begun by that frame.
 *
 * So many numbers are enough for a slot. Nothing is sent ahead to a worker from which something was taken back until it has
 * finished a task, and it has no more tasks than there are slots in front of a frame that it has not read.
 */
struct sending {
    static constexpr unsigned id_bits = 52;
    static constexpr std::uint64_t id_mask = (std::uint64_t{1} << id_bits) - 1;
    static constexpr std::uint64_t numbers = 1024;

    static constexpr std::uint64_t of(std::uint64_t id, std::uint64_t taken_back) noexcept {
        return (id & id_mask) | (taken_back % numbers) << id_bits;
    }
    static constexpr std::uint64_t task(std::uint64_t sent) noexcept { return sent & id_mask; }
};

/// What the ledger says of one task.
enum class ledger_state : std::uint8_t { waiting = 0, running = 1, done = 2, withdrawn = 3, nonsense = 255 };

class ledger {
public:
    /// So many tasks can be with one worker at once; chosen so that the whole fills one page of memory.
    static constexpr std::size_t slots = 504;

    // The pool's side.

    /// The task is about to be sent. What it is sent as keeps those apart that use the slot one after another.
    void post(std::size_t slot, std::uint64_t sent) noexcept {
        words_[slot].store(word(sent, ledger_state::waiting), std::memory_order_release);
    }

    /// Takes back a task that the worker has not begun. True if it never will begin it.
    bool withdraw(std::size_t slot, std::uint64_t sent) noexcept {
        std::uint64_t expected = word(sent, ledger_state::waiting);
        return words_[slot].compare_exchange_strong(expected, word(sent, ledger_state::withdrawn),
                                                    std::memory_order_acq_rel);
    }

    ledger_state look(std::size_t slot, std::uint64_t sent) const noexcept {
        const std::uint64_t seen = words_[slot].load(std::memory_order_acquire);
        if ((seen >> 2) != (sent & sent_mask))
            return ledger_state::nonsense;
        return static_cast<ledger_state>(seen & 3);
    }

    /// What the worker says it is doing with the task that it runs.
    task_phase phase() const noexcept {
        const std::uint32_t seen = phase_.load(std::memory_order_acquire);
        return seen <= static_cast<std::uint32_t>(task_phase::writing) ? static_cast<task_phase>(seen)
                                                                       : task_phase::unknown;
    }

    // The worker's side.

    /// Begins a task. False if the pool took it back, or gave its slot to another one since.
    bool claim(std::size_t slot, std::uint64_t sent) noexcept {
        std::uint64_t expected = word(sent, ledger_state::waiting);
        return words_[slot].compare_exchange_strong(expected, word(sent, ledger_state::running),
                                                    std::memory_order_acq_rel);
    }

    void finish(std::size_t slot, std::uint64_t sent) noexcept {
        words_[slot].store(word(sent, ledger_state::done), std::memory_order_release);
    }

    /// Where enter() leaves its word.
    std::atomic<std::uint32_t>& phase_word() noexcept { return phase_; }

    void enter(task_phase phase) noexcept {
        phase_.store(static_cast<std::uint32_t>(phase), std::memory_order_release);
    }

private:
    static constexpr std::uint64_t sent_mask = ~std::uint64_t{0} >> 2;
    static constexpr std::uint64_t word(std::uint64_t sent, ledger_state state) noexcept {
        return (sent << 2) | static_cast<std::uint64_t>(state);
    }

    // The two sides' words lie on different cache lines, for the worker enters a phase several times per task.
    alignas(64) std::atomic<std::uint32_t> phase_{0};
    alignas(64) std::atomic<std::uint64_t> words_[slots] = {};
};
static_assert(sending::of(0, sending::numbers - 1) >> 62 == 0, "two bits are the state's");
static_assert(sizeof(ledger) <= 4096 && std::atomic<std::uint64_t>::is_always_lock_free);

} // namespace procpool::wire

#endif
