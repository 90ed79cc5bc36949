// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/child.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace procpool::system {

namespace {

#ifndef P_PIDFD
constexpr auto by_pidfd = static_cast<idtype_t>(3);
#else
constexpr auto by_pidfd = P_PIDFD;
#endif

std::chrono::microseconds duration_of(const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

// The system call itself, for the library's function leaves out the last argument.
bool reap(int pidfd, siginfo_t& info, rusage& used) noexcept {
    return ::syscall(SYS_waitid, by_pidfd, pidfd, &info, WEXITED | WNOHANG, &used) == 0;
}

} // namespace

void signal_group(pid_t pid, int pidfd, int signal) noexcept {
    // Whether it is there is asked through the pidfd, for the number may mean another process by now if somebody else in the
    // program took the status. As long as the child is not reaped, its number means nothing but its group.
    if (pid > 1 && (::syscall(SYS_pidfd_send_signal, pidfd, 0, nullptr, 0) == 0 || errno != ESRCH) &&
        ::kill(-pid, signal) != 0)
        ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0); // it has left its group
}

void kill_group(pid_t pid, int pidfd) noexcept {
    // The child itself too, should it have left its group.
    if (pid > 1 && (::syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0) == 0 || errno != ESRCH))
        ::kill(-pid, SIGKILL);
}

std::optional<exit_status> try_reap(pid_t pid, int pidfd) noexcept {
    siginfo_t info{};
    // Look before reaping: as long as the child is not reaped, its number cannot mean another process or group.
    if (::waitid(by_pidfd, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG | WNOWAIT) != 0)
        return errno == ECHILD ? std::optional(exit_status{}) : std::nullopt;
    if (info.si_pid == 0)
        return std::nullopt; // a pidfd may wake early
    kill_group(pid, pidfd);
    info = {};
    rusage used{};
    if (!reap(pidfd, info, used))
        return errno == ECHILD ? std::optional(exit_status{}) : std::nullopt;
    exit_status status;
    if (info.si_code == CLD_EXITED)
        status.exit_code = info.si_status;
    else
        status.signal = info.si_status;
    status.usage = {duration_of(used.ru_utime), duration_of(used.ru_stime),
                    static_cast<std::size_t>(used.ru_maxrss) * 1024};
    return status;
}

std::optional<exit_status> reap_within(pid_t pid, int pidfd, std::chrono::milliseconds bound) noexcept {
    const auto limit = std::chrono::steady_clock::now() + bound;
    for (;;) {
        if (auto status = try_reap(pid, pidfd))
            return status;
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(limit - std::chrono::steady_clock::now()).count();
        if (left <= 0)
            return std::nullopt;
        pollfd watched{pidfd, POLLIN, 0};
        ::poll(&watched, 1, static_cast<int>(left));
    }
}

std::optional<pid_t> claim_child(int pidfd, pid_t group) noexcept {
    char path[64];
    std::snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return std::nullopt;
    char text[1024];
    const ssize_t size = ::read(fd, text, sizeof text - 1);
    ::close(fd);
    text[std::max<ssize_t>(size, 0)] = '\0';
    const char* const line = std::strstr(text, "\nPid:");
    const long pid = line ? std::strtol(line + 5, nullptr, 10) : -1;
    // The number is the child's for as long as it is not reaped, which is for nobody else to do: it is not known yet.
    if (pid <= 1 || pid == group || ::getpgid(static_cast<pid_t>(pid)) != group ||
        ::setpgid(static_cast<pid_t>(pid), 0) != 0)
        return std::nullopt;
    return static_cast<pid_t>(pid);
}

void reap_group(pid_t group, std::chrono::milliseconds bound) noexcept {
    const auto limit = std::chrono::steady_clock::now() + bound;
    for (;;) {
        siginfo_t info{};
        if (::waitid(P_PGID, static_cast<id_t>(group), &info, WEXITED | WNOHANG) != 0) {
            if (errno == EINTR)
                continue;
            return;
        }
        if (info.si_pid != 0)
            continue;
        if (std::chrono::steady_clock::now() >= limit)
            return;
        const timespec short_while{0, 200'000};
        ::nanosleep(&short_while, nullptr);
    }
}

void end_unwatched_child(pid_t pid) noexcept {
    if (pid <= 1)
        return; // no child has such a number, and for the system some mean all processes
    ::kill(-pid, SIGKILL);
    ::kill(pid, SIGKILL);
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
}

} // namespace procpool::system
