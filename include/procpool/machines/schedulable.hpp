// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_MACHINES_SCHEDULABLE_HPP
#define PROCPOOL_MACHINES_SCHEDULABLE_HPP

#include <cstddef>
#include <cstdint>

namespace procpool::machines {

/// Where a task stands, as far as the scheduler knows.
enum class task_state : std::uint8_t {
    fresh,    ///< not with the scheduler (any more)
    waiting,  ///< in the queue
    sent,     ///< with a worker, perhaps begun
    recalled, ///< asked back from its worker; the answer is to come
    started,  ///< with a worker, and known to have begun
};

/// What the scheduler needs of a task. Tasks are linked into its lists by this, so that queueing one costs no memory.
struct schedulable {
    schedulable* next = nullptr;
    schedulable* previous = nullptr;
    std::uint64_t id = 0;     ///< unique in the pool
    std::size_t size = 0;     ///< bytes that it takes to send
    int priority = 0;         ///< higher ones first
    std::uint32_t items = 1;  ///< how many calls it stands for
    std::uint32_t worker = 0; ///< which worker has it, in every state from `sent` on
    std::uint16_t slot = 0;   ///< for the link's use
    task_state state = task_state::fresh;
    bool cancelled = false; ///< nobody wants it any more
};

} // namespace procpool::machines

#endif
