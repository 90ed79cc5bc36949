// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// What crosses beside the pipes, and how the frames in the pipes refer to it: segments, which are memory that one side
// writes and the other reads, and descriptors of other memory that belongs to a message.
//
// Descriptors go through a socket of their own. They are sent before the frame that refers to them, so whoever has read the
// frame finds them there. Frames and descriptors come in the same order.

#ifndef PROCPOOL_WIRE_ENCLOSURE_HPP
#define PROCPOOL_WIRE_ENCLOSURE_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace procpool::wire {

/// The payload of a frame that announces a segment: one descriptor belongs to it. The other side keeps it until a segment of the
/// same number is announced, or the number is forgotten.
struct segment_message {
    std::uint32_t number;
    std::uint32_t reserved;
    std::uint64_t size;
};
static_assert(sizeof(segment_message) == 16);

/// Stands in front of the bytes of a call or an answer with the flag `enclosed`; behind a call's call_header.
/**
 * Behind it the places of the things that are attached follow, eight bytes each, counted from the beginning of the bytes;
 * then the bytes themselves, unless they are in a segment.
 */
struct enclosure_header {
    std::uint32_t segment; ///< in which the bytes are, by its number; 0: they follow
    std::uint32_t attached;
    std::uint64_t offset; ///< in the segment
    std::uint64_t size;   ///< of the bytes
};
static_assert(sizeof(enclosure_header) == 24);

/// So many things can be attached to one message; it is what the system lets one message of a socket carry, about.
inline constexpr std::size_t most_attached = 250;

/// Which of its segments a worker may not use yet, since the pool still reads there.
struct segment_board {
    /// So many segments a worker can have; their numbers are from 1 to that.
    static constexpr std::uint32_t segments = 16;

    enum use : std::uint32_t {
        free = 0,
        in_use = 1,
        missed = 2, ///< free, but the pool could not take it and does not have it: it is to be announced again
    };

    /// What became of each segment. The worker sets it to in_use when it hands one over, the pool to one of the others.
    std::atomic<std::uint32_t> uses[segments] = {};
};

} // namespace procpool::wire

#endif
