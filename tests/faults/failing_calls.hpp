// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_FAULTS_FAILING_CALLS_HPP
#define PROCPOOL_TESTS_FAULTS_FAILING_CALLS_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace procpool::testing {

/// The system calls of this program that can be made to fail. They go through functions that the linker puts in front of
/// the real ones, so the library under test knows nothing of it. A worker is another process, in which nothing fails.
enum class call : std::uint8_t {
    memfd_create,
    ftruncate,
    mmap,
    fcntl, ///< those that make a descriptor or change one
    pipe2,
    socketpair,
    spawn_preparation, ///< what fills the file actions and the attributes of posix_spawn
    posix_spawn,
    pidfd_open,
    pidfd_send_signal,
    kill,
    waitid,
    waitpid,
    poll,
    epoll_create,
    epoll_add,
    epoll_modify,
    epoll_wait,
    eventfd,
    timerfd_create,
    ioctl,
    read_pipe, ///< read and readv, of a pipe
    write_pipe,
    sendmsg,
    recvmsg,
    madvise,
    close,
    allocation, ///< operator new, and what Asio uses instead
};
inline constexpr std::size_t kinds_of_calls = 28;

const char* name_of(call which);

/// As long as it lives, calls of one kind are counted, and some of them fail instead of being made. One at a time.
class failing_calls {
public:
    static constexpr std::size_t all_further = SIZE_MAX;

    /// From the call of this number on, counted from 1, so many fail with this error.
    failing_calls(call which, std::size_t number, int error, std::size_t times = 1);
    failing_calls(const failing_calls&) = delete;
    failing_calls& operator=(const failing_calls&) = delete;
    ~failing_calls();

    /// A second fault, for what is done about the first: the next calls of this kind after it fail too.
    void and_then(call which, int error, std::size_t times = 1);

    /// From now on everything works again.
    void stop() noexcept;

    std::size_t made() const noexcept;   ///< how many calls of the kind there were
    std::size_t failed() const noexcept; ///< how many of them failed
};

/// As long as it lives, pipes carry at most so many bytes at a time, and the calls that a signal can interrupt are
/// interrupted every so often (0: never).
class awkward_pipes {
public:
    awkward_pipes(std::size_t bytes_at_a_time, std::size_t interrupt_every);
    awkward_pipes(const awkward_pipes&) = delete;
    awkward_pipes& operator=(const awkward_pipes&) = delete;
    ~awkward_pipes();

    std::size_t cut_short() const noexcept;
    std::size_t interrupted() const noexcept;
};

/// From now on the steady clock is ahead by so much more.
void put_clock_forward(std::chrono::nanoseconds by) noexcept;

} // namespace procpool::testing

#endif
