// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_WORKER_CALL_HPP
#define PROCPOOL_WORKER_CALL_HPP

#include <procpool/post_mortem.hpp>
#include <procpool/wire/payload.hpp>
#include <procpool/worker/kept_results.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace procpool::worker {

/// One task, as a worker meets it: bytes to turn into arguments, and a place for the result's bytes.
class call {
public:
    /// @param phase  where word is left of what is being done
    /// @param copied whether this is not the worker but a copy of it, which a task made by fork and which came back from the task
    call(std::span<const std::byte> arguments, wire::attachments attached, wire::payload_builder& result,
         std::atomic<std::uint32_t>& phase, const std::atomic<bool>& copied) noexcept
        : arguments_(arguments), attached_(attached), result_(result), phase_(phase), copied_(copied),
          kept_(result.size()) {}
    call(const call&) = delete;
    call& operator=(const call&) = delete;

    std::span<const std::byte> arguments() const noexcept { return arguments_; }
    wire::attachments attached() const noexcept { return attached_; } ///< to the arguments
    wire::payload_builder& result() noexcept { return result_; }

    /// Leaves word of what is being done, for the post-mortem in case that it is the last thing.
    void enter(task_phase phase) noexcept {
        phase_.store(static_cast<std::uint32_t>(phase), std::memory_order_release);
        // The result of the original may be in memory that the copy shares.
        if (phase == task_phase::encoding && copied_.load(std::memory_order_relaxed)) [[unlikely]]
            end_copy();
    }

    /// In a chunk, before each of its items: whether there is another one to run. What was added to the result since the last
    /// time belongs to the item before.
    bool next_item() {
        if (copied_.load(std::memory_order_relaxed)) [[unlikely]]
            end_copy();
        if (in_item_) {
            // Once a result could not be kept, no further item may be begun: what is kept has to be all that is done.
            ++done_;
            // What is attached to a result cannot be kept either.
            if (!result_.attached_so_far().empty() || !results_.keep(result_.data() + kept_, result_.size() - kept_))
                last_ = true;
            kept_ = result_.size();
        }
        in_item_ = (to_run_ != 0 && !last_) || claim_more();
        if (in_item_)
            --to_run_;
        return in_item_;
    }

    /// The item that runs is the chunk's last, whatever else it was given.
    void end_after_this_item() noexcept { last_ = true; }

    /// The function to call, if it is one that has an address. Throws pool_error if it is not to be found.
    virtual const void* function() const = 0;

    /// Any other function, by its name.
    virtual const void* function(std::uint64_t name) const = 0;

protected:
    ~call() = default;

    std::uint32_t done() const noexcept { return done_; }
    bool at_end() const noexcept { return last_; }
    void keep_results_in(kept_results results) noexcept { results_ = results; }
    void may_run(std::uint32_t items) noexcept { to_run_ = items; }

private:
    /// Claims further items, and says by may_run() how many. False if the chunk is to end.
    virtual bool claim_more() = 0;

    /// A copy of the worker has no business with the pool.
    [[noreturn]] virtual void end_copy() noexcept = 0;

    std::span<const std::byte> arguments_;
    wire::attachments attached_;
    wire::payload_builder& result_;
    std::atomic<std::uint32_t>& phase_;
    const std::atomic<bool>& copied_;
    kept_results results_;
    std::size_t kept_;         ///< so many bytes of the result are kept
    std::uint32_t to_run_ = 0; ///< claimed and not begun
    std::uint32_t done_ = 0;
    bool in_item_ = false;
    bool last_ = false; ///< no further item may be begun
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
