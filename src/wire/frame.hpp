// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// The messages on the pipes between a pool and a worker. Both ends are the same build on the same machine, which the
// handshake makes sure of, so numbers travel in the machine's own byte order.

#ifndef PROCPOOL_WIRE_FRAME_HPP
#define PROCPOOL_WIRE_FRAME_HPP

#include <cstddef>
#include <cstdint>

namespace procpool::wire {

/// Changes whenever a pool and a worker of different versions would misunderstand each other.
inline constexpr std::uint32_t protocol_version = 5;

/// The largest payload of one frame: what one task's arguments, or one result, may take.
inline constexpr std::size_t max_payload_size = std::size_t{1} << 30;

enum class frame_kind : std::uint8_t {
    // from a worker
    hello = 1,       ///< the handshake: which build this is
    result,          ///< a task's result
    failure,         ///< a task's exception
    doorbell,        ///< there are answers in the ring
    ready,           ///< the initializer is done
    not_ready,       ///< the initializer's exception
    progress,        ///< how far a running task says that it is
    has_segment,     ///< memory in which results may be, from now on
    dropped_segment, ///< no further result will be in it
    passed_over,     ///< a task that was not begun, for the ledger does not say that it waits
    // from the pool
    setup = 16,     ///< who the worker is; before any task
    module,         ///< a shared library that later calls refer to
    call,           ///< a task to run; the payload starts with a call_header
    initialize,     ///< the initializer, a call like any other; before any task
    finish,         ///< no more tasks come
    segment,        ///< memory in which arguments may be, from now on
    forget_segment, ///< no further arguments will be in it
};

/// Stands in front of every payload.
struct frame_header {
    std::uint32_t size; ///< bytes of payload that follow
    frame_kind kind;
    std::uint8_t flags; ///< of a call or an answer; see call_flags
    std::uint16_t slot; ///< the task's word in the ledger
    std::uint64_t id;   ///< the task's id; of a call and an answer, its sending
};
static_assert(sizeof(frame_header) == 16);

enum call_flags : std::uint8_t {
    timed = 1,       ///< the worker leaves word of when the task, or an item of it, began
    chunk = 2,       ///< the arguments are those of several items; the answer starts with a chunk_report
    whole_chunk = 4, ///< a chunk that runs to its end, however long it takes
    enclosed = 8,    ///< of an answer too: an enclosure_header stands in front of its bytes
};

/// Stands in front of a task's arguments.
struct call_header {
    std::uint64_t entry;    ///< what takes the arguments: module in the upper 16 bits, offset into it in the lower 48
    std::uint64_t function; ///< the function to call, named in the same way, if it is one that has an address
    std::uint32_t items;    ///< how many items a chunk holds; 1 for a single call
    std::uint32_t attempt;
};
static_assert(sizeof(call_header) == 24);

} // namespace procpool::wire

#endif
