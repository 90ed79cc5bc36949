// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_POST_MORTEM_HPP
#define PROCPOOL_POST_MORTEM_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

namespace procpool {

/// What a worker was doing with a task.
enum class task_phase : std::uint8_t {
    unknown,  ///< Nothing is known, or what the worker left behind makes no sense.
    decoding, ///< Turning the arguments' bytes into values.
    running,  ///< Inside the task's function.
    encoding, ///< Turning the result into bytes.
    writing,  ///< Handing the result over.
};

/// The name of a phase, as it stands in messages.
const char* to_string(task_phase phase) noexcept;

/// What is known of a worker's end.
struct post_mortem {
    pid_t pid = -1;                         ///< The worker's process id.
    std::size_t worker = 0;                 ///< The worker's index in its pool.
    std::optional<int> exit_code;           ///< The exit code, if the worker exited.
    std::optional<int> signal;              ///< The signal's number, if a signal ended the worker.
    task_phase phase = task_phase::unknown; ///< What the worker was doing with the task.
    unsigned attempt = 1;                   ///< The how-manieth run of the task this was, from 1.
    std::string reason;                     ///< Why the pool ended the worker, if it did for a reason of its own.
};

/// The end of a worker in words: "exited with code 3", "was ended by SIGSEGV (Segmentation fault)".
std::string describe_end(const post_mortem& details);

} // namespace procpool

#endif
