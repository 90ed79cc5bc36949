// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/worker_process.hpp>

#include <system/failure.hpp>
#include <system/process.hpp>

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace procpool::system {

namespace {

constexpr int usage_error = 64; // EX_USAGE
constexpr int pool_is_gone = 71;

// Programs that close or duplicate descriptors by number rarely go beyond 255.
constexpr int preferred_lowest = 512;

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

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}

// Ends this process and all that it started. The group was made for this worker alone; should the process have been moved
// to another one, that group is not touched.
[[noreturn]] void end_with_group(pid_t group) noexcept {
    if (group > 1)
        ::kill(-group, SIGKILL);
    ::kill(::getpid(), SIGKILL);
    for (;;)
        ::pause();
}

[[noreturn]] void end_saying(const char* why, int exit_code) noexcept {
    const char prefix[] = "procpool: ";
    // Nothing is left to be done about a failure of these.
    [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, prefix, sizeof prefix - 1);
    written = ::write(STDERR_FILENO, why, std::strlen(why));
    written = ::write(STDERR_FILENO, "\n", 1);
    ::_exit(exit_code);
}

struct watch {
    int pool_process;
    pid_t group;
};

// A thread of its own, for it has to act in the middle of any computation: neither the end of a pipe nor a signal of the
// kind that tells of a parent's death (which is the death of the *thread* that started the worker) does that reliably.
void* watch_pool(void* argument) {
    const watch watched = *static_cast<watch*>(argument);
    delete static_cast<watch*>(argument);
    for (;;) {
        pollfd entry{watched.pool_process, POLLIN, 0};
        if (::poll(&entry, 1, -1) > 0)
            end_with_group(watched.group);
    }
}

void start_watching(unique_fd pool_process) {
    // Signals are for the tasks' own threads. A small stack will do, but how small some libraries decide.
    const all_signals_blocked blocked;
    pthread_attr_t attributes;
    if (const int error = ::pthread_attr_init(&attributes))
        throw_failure("preparing a worker's thread", error);
    ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    ::pthread_attr_setstacksize(&attributes,
                                std::max(std::size_t{256} * 1024, static_cast<std::size_t>(PTHREAD_STACK_MIN)));
    const pid_t group = ::getpgrp();
    auto* const argument = new watch{pool_process.get(), group};
    pthread_t thread;
    const int error = ::pthread_create(&thread, &attributes, watch_pool, argument);
    ::pthread_attr_destroy(&attributes);
    if (error != 0) {
        delete argument;
        throw_failure("starting a worker's second thread (see ulimit -u)", error);
    }
    ::pthread_setname_np(thread, "procpool-watch");
    pool_process.release(); // the thread's, for as long as the process lives
}

std::atomic<bool> forked{false};

} // namespace

bool is_copy_of_worker() noexcept {
    return forked.load(std::memory_order_relaxed);
}

const std::atomic<bool>& copied() noexcept {
    return forked;
}

void end_at_once(int exit_code) noexcept {
    ::_exit(exit_code);
}

std::size_t worker_channel::read(std::span<std::byte> space) {
    for (;;) {
        const ssize_t size = ::read(calls.get(), space.data(), space.size());
        if (size >= 0)
            return static_cast<std::size_t>(size);
        if (errno != EINTR)
            ::_exit(pool_is_gone);
    }
}

void worker_channel::write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t size = ::write(answers.get(), bytes.data(), bytes.size());
        if (size >= 0)
            bytes = bytes.subspan(static_cast<std::size_t>(size));
        else if (errno != EINTR)
            ::_exit(pool_is_gone);
    }
}

std::optional<worker_channel> take_over_channel() {
    if (!is_open(worker_calls_fd) || !is_open(worker_answers_fd) || !is_open(worker_memory_fd) ||
        !is_open(worker_pool_fd) || !is_open(worker_descriptors_fd))
        return std::nullopt;
    try {
        unique_fd memory = move_up(worker_memory_fd);
        worker_channel channel{move_up(worker_calls_fd), move_up(worker_answers_fd), move_up(worker_descriptors_fd),
                               shared_mapping::open(std::move(memory))};
        start_watching(move_up(worker_pool_fd));
        ::pthread_atfork(nullptr, nullptr, [] { forked.store(true, std::memory_order_relaxed); });
        ::prctl(PR_SET_NAME, "procpool-worker");
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

void refuse_to_run(const char* why) noexcept {
    end_saying(why, usage_error);
}

} // namespace procpool::system
