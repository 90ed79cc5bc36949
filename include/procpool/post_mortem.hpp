// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_POST_MORTEM_HPP
#define PROCPOOL_POST_MORTEM_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

namespace procpool {

/// What a worker was doing with a task.
enum class task_phase : std::uint8_t {
    unknown,  ///< Nothing is known, or what the worker left behind makes no sense.
    reading,  ///< Reading the arguments' bytes, if they are so many that they do not come at once.
    decoding, ///< Turning the arguments' bytes into values.
    running,  ///< Inside the task's function.
    encoding, ///< Turning the result into bytes.
    writing,  ///< Handing the result over.
};

/// The name of a phase, as it stands in messages.
const char* to_string(task_phase phase) noexcept;

/// What a process has taken of the machine.
struct resource_usage {
    std::chrono::microseconds user_time{0};   ///< Processor time in the program.
    std::chrono::microseconds system_time{0}; ///< Processor time in the kernel on its behalf.

    /// The most bytes that were resident at a time. Not there if that was less than this program's own size when it started
    /// the worker: the kernel counts a process from there.
    std::optional<std::size_t> most_resident;
};

/// What is known of a worker's end.
struct post_mortem {
    pid_t pid = -1;                         ///< The worker's process id.
    std::size_t worker = 0;                 ///< The worker's index in its pool.
    std::optional<int> exit_code;           ///< The exit code, if the worker exited.
    std::optional<int> signal;              ///< The signal's number, if a signal ended the worker.
    task_phase phase = task_phase::unknown; ///< What the worker was doing with the task.
    unsigned attempt = 1;                   ///< The how-manieth run of the task this was, from 1.

    /// Why the pool ended the worker, if it lost touch with it: what it sent could not be dealt with, or its process not be
    /// watched. Empty in all other cases; worker_event::reason tells of those.
    std::string reason;

    /// Whether the kernel's out-of-memory killer is the likely cause: the worker got a SIGKILL that the pool did not send, and
    /// the kernel has killed something on this machine for want of memory while the worker lived (`oom_kill` in
    /// /proc/vmstat).
    bool out_of_memory_likely = false;

    /// What it took of the machine; not there if something else in this program took its exit status.
    std::optional<resource_usage> usage;

    /// The last lines that it wrote to standard error, at most 20 and 4 KiB, if pool_options::standard_error is
    /// output::capture.
    std::string standard_error_tail;
};

/// The end of a worker in words: "exited with code 3", "was ended by SIGSEGV (Segmentation fault)".
std::string describe_end(const post_mortem& details);

} // namespace procpool

#endif
