// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_WIRE_LOCK_STEP_HPP
#define PROCPOOL_TESTS_WIRE_LOCK_STEP_HPP

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

namespace procpool::testing {

/// Two threads go through rounds, each of which they begin at the same moment as nearly as can be.
/**
 * There are as many rounds as were asked for, or fewer if that takes longer than a few seconds, as on a busy machine.
 */
class lock_step {
public:
    explicit lock_step(std::uint64_t most) : most_(most) {}

    // The leader's side.

    /// Begins the next round; false if there is none any more.
    bool begin() {
        ++round_;
        const bool over = round_ > most_ || (round_ % 64 == 0 && std::chrono::steady_clock::now() > until_);
        begun_.store(over ? end : round_, std::memory_order_release);
        if (over)
            return false;
        // The follower takes a moment to see that: so wait a little, longer or shorter each time.
        for (std::uint64_t spin = round_ * 7 % 500; spin != 0; --spin)
            ended_.load(std::memory_order_acquire);
        return true;
    }

    /// The follower has done its part of the round.
    void wait_for_follower() const { wait_for(ended_, round_); }

    std::uint64_t round() const { return round_; }

    // The follower's side.

    /// Waits for the next round and answers its number, counted from 1; 0 if there is none any more.
    std::uint64_t follow() {
        const std::uint64_t next = ended_.load(std::memory_order_relaxed) + 1;
        return wait_for(begun_, next) == end ? 0 : next;
    }
    void ended(std::uint64_t round) { ended_.store(round, std::memory_order_release); }

private:
    static constexpr std::uint64_t end = ~std::uint64_t{0};

    /// At first without giving up the processor, so that both go on at the same moment.
    static std::uint64_t wait_for(const std::atomic<std::uint64_t>& counter, std::uint64_t value) {
        std::uint64_t seen = 0;
        for (int spins = 0; (seen = counter.load(std::memory_order_acquire)) < value; ++spins)
            if (spins > 2000)
                std::this_thread::yield();
        return seen;
    }

    const std::uint64_t most_;
    const std::chrono::steady_clock::time_point until_ = std::chrono::steady_clock::now() + std::chrono::seconds(3);
    std::uint64_t round_ = 0;
    alignas(64) std::atomic<std::uint64_t> begun_{0};
    alignas(64) std::atomic<std::uint64_t> ended_{0};
};

} // namespace procpool::testing

#endif
