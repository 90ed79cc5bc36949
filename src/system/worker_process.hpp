// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_WORKER_PROCESS_HPP
#define PROCPOOL_SYSTEM_WORKER_PROCESS_HPP

#include <system/channel.hpp>
#include <system/spin_window.hpp>

#include <atomic>
#include <cstddef>
#include <map>
#include <optional>
#include <span>

namespace procpool::system {

/// A worker's end of the link to its pool.
struct worker_channel {
    unique_fd calls;
    unique_fd answers;
    unique_fd descriptors;
    shared_mapping shared;

    /// Waits for bytes from the pool. If the pool's process is gone, so is this one, with all that it started.
    std::size_t read(std::span<std::byte> space);

    /// Returns when there is something to read, or as much time has passed as is to, without having slept.
    void look_out(spin_window& how_long) const noexcept;

    /// Writes all of it. If nobody reads, the process ends in the same way.
    void write(std::span<const std::byte> bytes);
};

/// The same descriptor under a number that the program's own code, if it uses, closes or replaces the low ones, does not meet.
/// Throws boost::system::system_error.
unique_fd move_up(int fd);

/// Where a new worker finds the descriptors that its pool gave it: if it was spawned, at their very numbers.
class given_descriptors {
public:
    given_descriptors() noexcept = default;

    /// What a spawned worker would find at `number` is at `fd`. Whatever is not named is nowhere from now on.
    void put(int number, int fd) {
        everywhere_ = false;
        at_[number] = fd;
    }

    int operator[](int number) const {
        const auto found = at_.find(number);
        return everywhere_ ? number : found == at_.end() ? -1 : found->second;
    }

private:
    bool everywhere_ = true;
    std::map<int, int> at_;
};

/// Makes this process the worker that it was started as. No value if no pool started it. If the system does not let it have
/// what it needs, it says so on standard error and ends with the exit code worker_lacks_something.
/**
 * Takes the descriptors that the pool gave, puts them where a task that uses, closes or replaces the low numbers does not
 * meet them, and sees to it that this process and its group end with the pool's process, whatever they are doing then.
 */
std::optional<worker_channel> take_over_channel();

/// The same for one whose descriptors are elsewhere, and whose process group may be another yet.
std::optional<worker_channel> take_over_channel(const given_descriptors& at, pid_t group);

/// A fork server's end of what is between it and its pool.
struct fork_server_channel {
    worker_channel channel;
    unique_fd pool_process; ///< a pidfd of it
    unique_fd orders;       ///< the socket
};

/// Makes this process the fork server that it was started as, in the same way. It has no thread that watches, for it has to
/// stay without any.
std::optional<fork_server_channel> take_over_fork_server();

/// Whether this is not the worker but a copy of it, which a task made by fork and which came back from the task.
bool is_copy_of_worker() noexcept;

/// What is_copy_of_worker() answers, for where a call would cost too much.
const std::atomic<bool>& copied() noexcept;

/// Ends this process and all that it started, since nobody is at the pool's end of a pipe any more: what is open in a
/// process is closed a moment before its end can be seen, so the thread that watches for that may come too late.
[[noreturn]] void end_without_pool() noexcept;

/// Ends the process without running anything else.
[[noreturn]] void end_at_once(int exit_code) noexcept;

/// Says why on standard error, and ends the process without running anything else.
[[noreturn]] void end_saying(const char* why, int exit_code) noexcept;

/// Says why on standard error, and ends the process with exit code 64, without running anything else.
[[noreturn]] void refuse_to_run(const char* why) noexcept;

} // namespace procpool::system

#endif
