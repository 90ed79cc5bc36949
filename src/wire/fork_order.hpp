// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// The messages between a pool and its fork server. They travel whole or not at all, each with descriptors.

#ifndef PROCPOOL_WIRE_FORK_ORDER_HPP
#define PROCPOOL_WIRE_FORK_ORDER_HPP

#include <array>
#include <cstddef>
#include <cstdint>

namespace procpool::wire {

/// So many descriptors a worker can be given.
inline constexpr std::size_t most_forked_descriptors = 16;

/// From the pool: one worker, with the descriptors that come along.
struct fork_order {
    std::uint64_t number;  ///< for the reply
    std::uint32_t count;   ///< of descriptors
    std::uint32_t discard; ///< a bit for each of the standard streams that go nowhere
    std::array<std::int32_t, most_forked_descriptors> numbers; ///< under which a spawned worker would find them
};
static_assert(sizeof(fork_order) == 16 + 4 * most_forked_descriptors);

/// What a fork server did last.
enum class fork_step : std::uint32_t {
    done,
    reading_order,
    forking,
};

/// From the fork server: the order was carried out, and a pidfd of the worker comes along; or it was not, and why.
struct fork_reply {
    std::uint64_t number;
    std::int32_t error; ///< of the system; 0 if there is a worker
    fork_step doing;    ///< what the error is about
};
static_assert(sizeof(fork_reply) == 16);

} // namespace procpool::wire

#endif
