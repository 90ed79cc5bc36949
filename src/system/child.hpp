// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_CHILD_HPP
#define PROCPOOL_SYSTEM_CHILD_HPP

#include <procpool/post_mortem.hpp>

#include <chrono>
#include <optional>

#include <sys/types.h>

namespace procpool::system {

/// How a process ended. Nothing is known if somebody else in the program took the status first.
struct exit_status {
    std::optional<int> exit_code;
    std::optional<int> signal;
    std::optional<resource_usage> usage;
};

/// Sends a signal to a child that leads a process group of its own, and to the group. Nothing happens if it was reaped, by
/// whomever.
void signal_group(pid_t pid, int pidfd, int signal) noexcept;

/// Kills it in the same way.
void kill_group(pid_t pid, int pidfd) noexcept;

/// Reaps the child if it has ended, without waiting; kills what is left of its process group just before.
/**
 * Not through Boost.Process, whose wait blocks when a pidfd wakes early, and cannot tell an exit code from a signal.
 */
std::optional<exit_status> try_reap(pid_t pid, int pidfd) noexcept;

/// Waits for the child to end, but no longer than this; then as try_reap().
std::optional<exit_status> reap_within(pid_t pid, int pidfd, std::chrono::milliseconds bound) noexcept;

/// Makes a child, of which the pidfd came from elsewhere, the leader of a process group of its own. It has to be in this group
/// before, without leading it.
/**
 * @return its process id; no value if it is no such child
 */
std::optional<pid_t> claim_child(int pidfd, pid_t group) noexcept;

/// Reaps all children in a process group, for no longer than this. They were killed before.
void reap_group(pid_t group, std::chrono::milliseconds bound) noexcept;

/// Kills and reaps a child of which no pidfd could be had. Waits for it, for a child that was killed ends soon.
void end_unwatched_child(pid_t pid) noexcept;

} // namespace procpool::system

#endif
