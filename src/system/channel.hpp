// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_CHANNEL_HPP
#define PROCPOOL_SYSTEM_CHANNEL_HPP

#include <system/unique_fd.hpp>
#include <wire/answer_ring.hpp>
#include <wire/enclosure.hpp>
#include <wire/ledger.hpp>
#include <wire/run_sheet.hpp>

#include <memory>

namespace procpool::system {

/// The numbers under which a new worker finds its descriptors. Its first act is to move them out of a task's way.
inline constexpr int worker_calls_fd = 3;       ///< reads calls from it
inline constexpr int worker_answers_fd = 4;     ///< writes answers to it
inline constexpr int worker_memory_fd = 5;      ///< the shared memory
inline constexpr int worker_pool_fd = 6;        ///< a pidfd of the pool's process
inline constexpr int worker_descriptors_fd = 7; ///< a socket for further descriptors, in both directions
inline constexpr int worker_first_free_fd = 8;

/// The exit code of a worker that the system did not let have what it needs to begin.
inline constexpr int worker_lacks_something = 75; // EX_TEMPFAIL

/// The worker's argument that makes it one; always the last.
inline constexpr const char worker_argument[] = "--procpool-worker=1";

/// A fork server finds there, besides, the socket by which it gets its orders.
inline constexpr int fork_server_orders_fd = worker_first_free_fd;

/// The argument that makes a process a fork server; always the last. As long as a worker's, for the workers that it forks put
/// theirs in its place.
inline constexpr const char fork_server_argument[] = "--procpool-forker=1";
static_assert(sizeof fork_server_argument == sizeof worker_argument);

struct pipe_ends {
    unique_fd read;
    unique_fd write;
};

/// The same descriptor, or a copy of it, where no child's descriptors come in its way. Throws boost::system::system_error.
/**
 * Descriptors that a child gets are moved to low numbers in it; staying above those, none can be overwritten on the way.
 */
unique_fd above_worker_numbers(unique_fd fd);

/// A pipe whose ends no other program inherits. Throws boost::system::system_error.
/**
 * @param size how many bytes it is to hold, if the system lets it
 */
pipe_ends make_pipe(int size = 64 * 1024);

/// From now on reads and writes return rather than wait. Throws boost::system::system_error.
void set_non_blocking(int fd);

/// A descriptor of this very process, by which a worker sees that it ended. Throws boost::system::system_error.
unique_fd open_own_process();

/// What a pool and one worker share.
struct shared_memory {
    wire::ledger ledger;
    wire::run_sheet running;
    wire::answer_ring answers;
    wire::segment_board results;
};

/// The shared memory, mapped into this process for as long as the object lives.
class shared_mapping {
public:
    /// New memory that has no name and whose size nobody can change. Throws boost::system::system_error.
    static shared_mapping create();

    /// The memory behind a descriptor that was handed over. Throws boost::system::system_error.
    static shared_mapping open(unique_fd fd);

    shared_memory& operator*() const noexcept { return *memory_; }
    shared_memory* operator->() const noexcept { return memory_.get(); }

    /// Keeps it mapped for longer.
    const std::shared_ptr<shared_memory>& share() const noexcept { return memory_; }

    /// The descriptor to hand over; give it up with close_fd() once that is done.
    int fd() const noexcept { return fd_.get(); }
    void close_fd() noexcept { fd_ = unique_fd(); }

private:
    shared_mapping(unique_fd fd, shared_memory* memory);
    unique_fd fd_;
    std::shared_ptr<shared_memory> memory_;
};

} // namespace procpool::system

#endif
