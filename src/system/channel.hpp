// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_CHANNEL_HPP
#define PROCPOOL_SYSTEM_CHANNEL_HPP

#include <system/unique_fd.hpp>
#include <wire/ledger.hpp>

namespace procpool::system {

/// The numbers under which a new worker finds its descriptors. Its first act is to move them out of a task's way.
inline constexpr int worker_calls_fd = 3;   ///< reads calls from it
inline constexpr int worker_answers_fd = 4; ///< writes answers to it
inline constexpr int worker_ledger_fd = 5;  ///< the shared page
inline constexpr int worker_pool_fd = 6;    ///< a pidfd of the pool's process
inline constexpr int worker_first_free_fd = 7;

/// The worker's argument that makes it one; always the last.
inline constexpr const char worker_argument[] = "--procpool-worker=1";

struct pipe_ends {
    unique_fd read;
    unique_fd write;
};

/// A pipe whose ends no other program inherits. Throws boost::system::system_error.
pipe_ends make_pipe();

/// From now on reads and writes return rather than wait. Throws boost::system::system_error.
void set_non_blocking(int fd);

/// A descriptor of this very process, by which a worker sees that it ended. Throws boost::system::system_error.
unique_fd open_own_process();

/// The shared page, mapped into this process for as long as the object lives.
class shared_ledger {
public:
    /// A new page that has no name and whose size nobody can change. Throws boost::system::system_error.
    static shared_ledger create();

    /// The page behind a descriptor that was handed over. Throws boost::system::system_error.
    static shared_ledger open(unique_fd fd);

    shared_ledger(shared_ledger&& other) noexcept;
    shared_ledger& operator=(shared_ledger&&) = delete;
    ~shared_ledger();

    wire::ledger& operator*() const noexcept { return *page_; }
    wire::ledger* operator->() const noexcept { return page_; }

    /// The descriptor to hand over; give it up with close_fd() once that is done.
    int fd() const noexcept { return fd_.get(); }
    void close_fd() noexcept { fd_ = unique_fd(); }

private:
    shared_ledger(unique_fd fd, wire::ledger* page) noexcept : fd_(std::move(fd)), page_(page) {}
    unique_fd fd_;
    wire::ledger* page_;
};

} // namespace procpool::system

#endif
