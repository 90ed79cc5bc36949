// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_PROCESS_HPP
#define PROCPOOL_SYSTEM_PROCESS_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <signal.h>
#include <sys/types.h>

namespace procpool::system {

/// This process's id.
pid_t this_process() noexcept;

/// What this program was started as.
std::string program_name();

/// How many bytes of this process are in memory; 0 if the system does not say.
std::uint64_t resident_memory() noexcept;

/// From now on large memory that is given up stays with this process, up to a bound, for the next time: memory that is new costs
/// more than copying does.
void keep_large_memory() noexcept;

/// Lets the system use large pages for this memory, as far as they lie within. To touch them takes a tenth of the time.
void prefer_large_pages(void* memory, std::size_t size) noexcept;

/// Gives back to the system what is kept.
void give_back_memory() noexcept;

/// The most bytes that this process ever had in memory.
std::size_t most_resident_memory() noexcept;

/// How many processes the kernel has killed for want of memory since the machine was started, if it says so.
std::optional<std::uint64_t> processes_killed_for_memory();

/// Writing to a pipe that nobody reads becomes an error of the write instead of the end of the program.
/**
 * An io_context does the same when it is made; other execution contexts do not. Leaves a handler of the program's alone.
 */
void survive_broken_pipes() noexcept;

/// The calling thread's name, as debuggers and `ps` show it; at most 15 characters.
void name_thread(const char* name) noexcept;

/// As long as it lives, the calling thread gets no signals, and threads that it starts never do.
class all_signals_blocked {
public:
    all_signals_blocked() noexcept;
    all_signals_blocked(const all_signals_blocked&) = delete;
    all_signals_blocked& operator=(const all_signals_blocked&) = delete;
    ~all_signals_blocked();

private:
    sigset_t before_;
};

} // namespace procpool::system

#endif
