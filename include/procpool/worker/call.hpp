// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_WORKER_CALL_HPP
#define PROCPOOL_WORKER_CALL_HPP

#include <procpool/post_mortem.hpp>
#include <procpool/wire/payload.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace procpool::worker {

/// One task, as a worker meets it: bytes to turn into arguments, and a place for the result's bytes.
class call {
public:
    call(std::span<const std::byte> arguments, std::uint32_t items, wire::payload_builder& result) noexcept
        : arguments_(arguments), result_(result), items_(items) {}
    call(const call&) = delete;
    call& operator=(const call&) = delete;

    std::span<const std::byte> arguments() const noexcept { return arguments_; }
    std::uint32_t items() const noexcept { return items_; }
    wire::payload_builder& result() noexcept { return result_; }

    /// Leaves word of what is being done, for the post-mortem in case that it is the last thing.
    virtual void enter(task_phase phase) noexcept = 0;

    /// In a chunk, before each of its items: whether there is another one to run. What was added to the result since the last
    /// time belongs to the item before.
    virtual bool next_item() = 0;

    /// The item that runs is the chunk's last, whatever else it was given.
    virtual void end_after_this_item() noexcept = 0;

    /// The function to call, if it is one that has an address. Throws pool_error if it is not to be found.
    virtual const void* function() const = 0;

    /// Any other function, by its name.
    virtual const void* function(std::uint64_t name) const = 0;

protected:
    ~call() = default;

private:
    std::span<const std::byte> arguments_;
    wire::payload_builder& result_;
    std::uint32_t items_;
};

/// What stands in front of a chunk's answer.
/**
 * A chunk may end before all of its items were begun. Those that were not are not lost: the pool runs them later.
 */
struct chunk_report {
    std::uint32_t items = 0; ///< so many, the first ones, are done; the next one failed if the answer is an exception
    std::uint32_t reserved = 0;
    std::uint64_t nanoseconds = 0; ///< what they took
};

/// What runs in a worker for a call of some function: instantiated by the façade, named by its place in the program.
/**
 * Throws what the function throws.
 */
using entry_function = void (*)(call&);

} // namespace procpool::worker

#endif
