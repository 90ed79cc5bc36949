// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/fork_service.hpp>

#include <procpool/error.hpp>

#include <system/channel.hpp>
#include <system/descriptor_message.hpp>
#include <system/failure.hpp>
#include <system/pool_watch.hpp>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <span>
#include <string>
#include <thread>

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_THREAD__)
#define PROCPOOL_UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PROCPOOL_UNDER_TSAN 1
#endif
#endif

namespace procpool::system {

namespace {

constexpr std::chrono::milliseconds grace_for_threads{1000};

std::size_t count_threads(std::string* names = nullptr) {
    std::size_t count = 0;
    for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
        ++count;
        std::string name;
        if (names && thread.path().filename() != std::to_string(::getpid()) &&
            std::getline(std::ifstream(thread.path() / "comm"), name))
            *names += (names->empty() ? "\"" : ", \"") + name + "\"";
    }
    return count;
}

// A thread that was joined may be seen for a moment yet.
void wait_until_alone(std::size_t with) {
    const auto limit = std::chrono::steady_clock::now() + grace_for_threads;
    while (count_threads() > with) {
        if (std::chrono::steady_clock::now() >= limit) {
            std::string names;
            const std::size_t count = count_threads(&names);
            if (count <= with)
                return;
            throw pool_error(
                errc::worker_start_failed,
                "the fork server has " + std::to_string(count) +
                    " threads, and a worker that is forked has only the one that forks: what the preload, or "
                    "something before main, started has to be stopped, or be left to the initializer (" +
                    names + ")");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

// The new process's parent is this one's, which is the only way for that one to have children that it need not fork itself.
// Not the library's fork, which cannot do that; so what it does besides is done in begin_as_worker().
long fork_sibling(int& pidfd, int* thread_id) noexcept {
    constexpr unsigned long flags = CLONE_PARENT | CLONE_PIDFD | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
    // Not clone3, which the system calls' filter of many a container refuses. The signal at the end is as this process's own.
#if defined(__x86_64__)
    return ::syscall(SYS_clone, flags, nullptr, &pidfd, thread_id, 0UL);
#elif defined(__aarch64__) || defined(__arm__) || defined(__i386__) || defined(__powerpc__) || defined(__riscv)
    return ::syscall(SYS_clone, flags, nullptr, &pidfd, 0UL, thread_id);
#else
    clone_args arguments{};
    arguments.flags = flags;
    arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    arguments.child_tid = reinterpret_cast<std::uintptr_t>(thread_id);
    return ::syscall(SYS_clone3, &arguments, sizeof arguments);
#endif
}

[[noreturn]] void end_lacking(const char* what) noexcept {
    end_saying(what, worker_lacks_something);
}

// The lowest number may be that of a standard stream, should the preload have closed one.
void move_above_streams(unique_fd& fd) noexcept {
    if (fd.get() > STDERR_FILENO)
        return;
    unique_fd moved(::fcntl(fd.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!moved)
        end_lacking("moving a new worker's descriptors failed");
    fd = std::move(moved);
}

} // namespace

fork_service::fork_service(unique_fd pool_process, unique_fd orders) noexcept
    : pool_process_(std::move(pool_process)), orders_(std::move(orders)), group_(::getpgrp()) {
    for (int signal = 1; signal != _NSIG; ++signal)
        ::sigaction(signal, nullptr, &dispositions_[static_cast<std::size_t>(signal)]);
}

void fork_service::prepare(const std::function<void()>& preload) {
    std::size_t threads = 1;
    if (preload) {
        const pool_watch watch(pool_process_.get(), group_);
#ifdef PROCPOOL_UNDER_TSAN
        threads = count_threads() - 1; // there is one of the sanitizer's own
#endif
        preload();
    }
    // Else every worker would write it once more.
    std::fflush(nullptr);
    std::cout.flush();
    std::clog.flush();
    wait_until_alone(threads);
    if (::prctl(PR_GET_TID_ADDRESS, &thread_id_, 0, 0, 0) != 0)
        throw_failure("asking where the C library keeps a thread's id (PR_GET_TID_ADDRESS, which takes a kernel with "
                      "CONFIG_CHECKPOINT_RESTORE)");
    if (!thread_id_ || *thread_id_ != ::syscall(SYS_gettid))
        throw pool_error(errc::worker_start_failed,
                         "this C library does not keep a thread's id where it is expected, so "
                         "start_method::forkserver cannot be used with it");
    if (::syscall(SYS_get_robust_list, 0, &robust_mutexes_, &robust_mutexes_size_) != 0)
        throw_failure("asking for the list of robust mutexes");
    received_.reserve(wire::most_forked_descriptors);
}

fork_service::event fork_service::wait(int calls) {
    for (;;) {
        pollfd entries[]{{pool_process_.get(), POLLIN, 0}, {orders_.get(), POLLIN, 0}, {calls, POLLIN, 0}};
        if (::poll(entries, 3, -1) <= 0)
            continue;
        if (entries[0].revents != 0)
            end_with_group(group_);
        if (entries[1].revents != 0 && serve_order())
            return event::forked;
        if (over_)
            return event::over;
        if (entries[2].revents != 0)
            return event::input;
    }
}

void fork_service::leave(int exit_code) {
    try {
        end_with_pool(std::move(pool_process_),
                      group_); // no worker is forked any more, so a second thread does no harm
    } catch (const boost::system::system_error& error) {
        end_saying(error.what(), exit_code);
    }
    std::exit(exit_code);
}

/// Whether this is a new worker.
bool fork_service::serve_order() {
    wire::fork_order order{};
    received_message message = receive_message(orders_.get(), std::as_writable_bytes(std::span(&order, 1)));
    if (message.error == EAGAIN)
        return false;
    if (message.error != 0 || message.size == 0)
        end_with_group(group_);
    received_ = std::move(message.descriptors);
    bool forked = false;
    if (!thread_id_ || message.size != sizeof order || (message.whole && order.count != received_.size()))
        reply(order, wire::fork_step::reading_order, EINVAL, -1);
    else if (!message.whole)
        reply(order, wire::fork_step::reading_order, EMFILE, -1);
    else
        forked = fork_for(order);
    if (!forked)
        received_.clear();
    return forked;
}

bool fork_service::fork_for(const wire::fork_order& order) {
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, &before);
    int opened = -1;
    const long pid = fork_sibling(opened, thread_id_);
    const int error = errno;
    if (pid == 0) {
        begin_as_worker(order);
        return true;
    }
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    const unique_fd pidfd(pid > 0 ? opened : -1);
    reply(order, pid > 0 ? wire::fork_step::done : wire::fork_step::forking, pid > 0 ? 0 : error, pidfd.get());
    if (over_) {
        if (pid > 0)
            ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0); // of which the pool will never hear
        end_with_group(group_);
    }
    return false;
}

void fork_service::reply(const wire::fork_order& order, wire::fork_step doing, int error, int pidfd) {
    const wire::fork_reply message{order.number, error, doing};
    const auto descriptors = std::span(&pidfd, pidfd >= 0 ? std::size_t{1} : 0);
    if (send_message(orders_.get(), std::as_bytes(std::span(&message, 1)), descriptors) != 0)
        over_ = true;
}

// Nothing of the program's runs before all is as in a worker that was spawned. Its process group is the fork server's until
// the pool knows of it, and makes it one of its own: so the pool finds it even if the server dies at this moment.
void fork_service::begin_as_worker(const wire::fork_order& order) noexcept {
    ::syscall(SYS_set_robust_list, robust_mutexes_, robust_mutexes_size_);
    if (*thread_id_ != ::syscall(SYS_gettid))
        end_lacking("the C library does not know a new worker's thread id");
    for (int signal = 1; signal != _NSIG; ++signal)
        ::sigaction(signal, &dispositions_[static_cast<std::size_t>(signal)],
                    nullptr); // those that cannot be set are as ever
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);

    pool_process_ = unique_fd();
    orders_ = unique_fd();
    for (unique_fd& fd : received_)
        move_above_streams(fd);
    unique_fd nowhere(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!nowhere)
        end_lacking("opening /dev/null for a new worker failed");
    move_above_streams(nowhere);
    const auto lead = [](int stream, const unique_fd& where) {
        if (::dup2(where.get(), stream) < 0)
            end_lacking("preparing a new worker's standard streams failed");
    };
    lead(STDIN_FILENO, nowhere);
    for (const int stream : {STDOUT_FILENO, STDERR_FILENO})
        if ((order.discard >> stream & 1) != 0)
            lead(stream, nowhere);
    for (std::size_t index = 0; index != received_.size(); ++index) {
        const int number = order.numbers[index];
        if (number == STDOUT_FILENO || number == STDERR_FILENO)
            lead(number, received_[index]);
        else
            given_.put(number, received_[index].release());
    }
    received_.clear();
}

given_descriptors fork_service::take_given() {
    return std::move(given_);
}

} // namespace procpool::system
