// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/worker_process.hpp>

#include <system/failure.hpp>
#include <system/pool_watch.hpp>

#include <boost/system/system_error.hpp>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace procpool::system {

namespace {

constexpr int usage_error = 64; // EX_USAGE

// Programs that close or duplicate descriptors by number rarely go beyond 255.
constexpr int preferred_lowest = 512;

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}

} // namespace

unique_fd move_up(int fd) {
    rlimit limit{};
    int lowest = preferred_lowest;
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < preferred_lowest + 8)
        lowest = static_cast<int>(limit.rlim_cur > 16 ? limit.rlim_cur - 8 : 8);
    unique_fd moved(::fcntl(fd, F_DUPFD_CLOEXEC, lowest));
    if (!moved)
        moved = unique_fd(::fcntl(fd, F_DUPFD_CLOEXEC, worker_first_free_fd));
    if (!moved)
        throw_failure("moving a worker's descriptors");
    ::close(fd);
    return moved;
}

void end_saying(const char* why, int exit_code) noexcept {
    const char prefix[] = "procpool: ";
    // Nothing is left to be done about a failure of these.
    [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, prefix, sizeof prefix - 1);
    written = ::write(STDERR_FILENO, why, std::strlen(why));
    written = ::write(STDERR_FILENO, "\n", 1);
    ::_exit(exit_code);
}

namespace {

std::atomic<bool> forked{false};
pid_t own_group = -1; // which was made for this process alone

// Those that do not hold a worker's descriptors were not started by a pool.
template <class Watch>
std::optional<worker_channel> take_over(const given_descriptors& at, pid_t group, Watch watch, const char* name) {
    for (const int number :
         {worker_calls_fd, worker_answers_fd, worker_memory_fd, worker_pool_fd, worker_descriptors_fd})
        if (!is_open(at[number]))
            return std::nullopt;
    try {
        unique_fd memory = move_up(at[worker_memory_fd]);
        worker_channel channel{move_up(at[worker_calls_fd]), move_up(at[worker_answers_fd]),
                               move_up(at[worker_descriptors_fd]), shared_mapping::open(std::move(memory))};
        own_group = group;
        watch(move_up(at[worker_pool_fd]));
        if (static bool once = false; !std::exchange(once, true)) // a fork server's workers have it from there
            ::pthread_atfork(nullptr, nullptr, [] { forked.store(true, std::memory_order_relaxed); });
        ::prctl(PR_SET_NAME, name);
        // Should this process be stopped when the pool's ends, the thread that watches is stopped too. That the signal
        // already comes when the thread ends that started this process does no harm.
        ::prctl(PR_SET_PDEATHSIG, SIGCONT);
        return channel;
    } catch (const boost::system::system_error& error) {
        if (error.code() == boost::system::errc::invalid_argument)
            return std::nullopt; // these were not a pool's
        end_saying(error.what(), worker_lacks_something);
    }
}

unique_fd move_up_or_end(int fd) {
    try {
        return move_up(fd);
    } catch (const boost::system::system_error& error) {
        end_saying(error.what(), worker_lacks_something);
    }
}

} // namespace

bool is_copy_of_worker() noexcept {
    return forked.load(std::memory_order_relaxed);
}

const std::atomic<bool>& copied() noexcept {
    return forked;
}

void end_without_pool() noexcept {
    end_with_group(own_group);
}

void end_at_once(int exit_code) noexcept {
    ::_exit(exit_code);
}

std::size_t worker_channel::read(std::span<std::byte> space) {
    for (;;) {
        const ssize_t size = ::read(calls.get(), space.data(), space.size());
        if (size > 0)
            return static_cast<std::size_t>(size);
        if (size == 0 || errno != EINTR)
            end_without_pool();
    }
}

void worker_channel::look_out(spin_window& how_long) const noexcept {
    const auto longest = how_long.next();
    if (longest == longest.zero())
        return;
    const auto begin = std::chrono::steady_clock::now();
    do {
        pollfd input{calls.get(), POLLIN, 0};
        if (::poll(&input, 1, 0) != 0) {
            how_long.worked_out();
            return;
        }
    } while (std::chrono::steady_clock::now() - begin < longest);
    how_long.was_in_vain();
}

void worker_channel::write(std::span<const std::byte> bytes) {
    // SIGPIPE, which is as tasks left it, would end this process alone.
    sigset_t pipe;
    sigset_t before;
    ::sigemptyset(&pipe);
    ::sigaddset(&pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe, &before);
    while (!bytes.empty()) {
        const ssize_t size = ::write(answers.get(), bytes.data(), bytes.size());
        if (size >= 0)
            bytes = bytes.subspan(static_cast<std::size_t>(size));
        else if (errno != EINTR)
            end_without_pool();
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

std::optional<worker_channel> take_over_channel() {
    return take_over_channel({}, ::getpgrp());
}

std::optional<worker_channel> take_over_channel(const given_descriptors& at, pid_t group) {
    return take_over(
        at, group, [&](unique_fd pool_process) { end_with_pool(std::move(pool_process), group); }, "procpool-worker");
}

std::optional<fork_server_channel> take_over_fork_server() {
    if (!is_open(fork_server_orders_fd))
        return std::nullopt;
    unique_fd pool_process;
    auto channel = take_over(
        {}, ::getpgrp(), [&](unique_fd moved) { pool_process = std::move(moved); }, "procpool-forker");
    if (!channel)
        return std::nullopt;
    return fork_server_channel{std::move(*channel), std::move(pool_process), move_up_or_end(fork_server_orders_fd)};
}

void refuse_to_run(const char* why) noexcept {
    end_saying(why, usage_error);
}

} // namespace procpool::system
