// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_WORKER_PROCESS_HPP
#define PROCPOOL_SYSTEM_WORKER_PROCESS_HPP

#include <system/channel.hpp>

#include <atomic>
#include <cstddef>
#include <optional>
#include <span>

namespace procpool::system {

/// A worker's end of the link to its pool.
struct worker_channel {
    unique_fd calls;
    unique_fd answers;
    unique_fd descriptors;
    shared_mapping shared;

    /// Waits for bytes from the pool. 0 when no more come. If the pool's process is gone, so is this one.
    std::size_t read(std::span<std::byte> space);

    /// Writes all of it. If nobody reads, the process ends.
    void write(std::span<const std::byte> bytes);
};

/// Makes this process the worker that it was started as. No value if no pool started it. If the system does not let it have
/// what it needs, it says so on standard error and ends with the exit code worker_lacks_something.
/**
 * Takes the descriptors that the pool gave, puts them where a task that uses, closes or replaces the low numbers does not
 * meet them, and sees to it that this process and its group end with the pool's process, whatever they are doing then.
 */
std::optional<worker_channel> take_over_channel();

/// Whether this is not the worker but a copy of it, which a task made by fork and which came back from the task.
bool is_copy_of_worker() noexcept;

/// What is_copy_of_worker() answers, for where a call would cost too much.
const std::atomic<bool>& copied() noexcept;

/// Ends the process without running anything else.
[[noreturn]] void end_at_once(int exit_code) noexcept;

/// Says why on standard error, and ends the process with exit code 64, without running anything else.
[[noreturn]] void refuse_to_run(const char* why) noexcept;

} // namespace procpool::system

#endif
