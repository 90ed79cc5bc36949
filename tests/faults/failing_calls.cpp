// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <faults/failing_calls.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <new>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

namespace procpool::testing {

namespace {

// Constant initialisation: calls are made before any constructor runs.
constexpr int no_call = -1;

struct fault {
    std::atomic<int> which{no_call};
    std::atomic<std::size_t> made{0};
    std::atomic<std::size_t> first{1};
    std::atomic<std::size_t> last{0};
    std::atomic<int> error{0};
    std::atomic<std::size_t> failed{0};

    void set(call kind, std::size_t number, int code, std::size_t times) {
        which = no_call;
        made = 0;
        failed = 0;
        error = code;
        first = number;
        last = times > SIZE_MAX - number ? SIZE_MAX : number + times - 1;
        which = static_cast<int>(kind);
    }

    /// The error that this call fails with; 0 if it is to be made.
    int judge(call kind) {
        if (which.load(std::memory_order_relaxed) != static_cast<int>(kind))
            return 0;
        const std::size_t number = made.fetch_add(1) + 1;
        if (number < first || number > last)
            return 0;
        failed.fetch_add(1);
        return error;
    }
};

constinit fault chosen;
constinit fault consequent;
constinit std::atomic<bool> consequent_waits{false};
constinit std::atomic<int> consequent_which{no_call};
constinit std::atomic<int> consequent_error{0};
constinit std::atomic<std::size_t> consequent_times{0};

constinit std::atomic<std::size_t> bytes_at_a_time{0};
constinit std::atomic<std::size_t> interrupt_every{0};
constinit std::atomic<std::size_t> interruptible_calls{0};
constinit std::atomic<std::size_t> calls_cut_short{0};
constinit std::atomic<std::size_t> calls_interrupted{0};

constinit std::atomic<std::chrono::nanoseconds::rep> clock_ahead{0};

/// Whether a call fails now; then errno says why.
bool fails(call which) {
    if (const int error = consequent.judge(which)) {
        errno = error;
        return true;
    }
    if (const int error = chosen.judge(which)) {
        if (consequent_waits.exchange(false))
            consequent.set(static_cast<call>(consequent_which.load()), 1, consequent_error, consequent_times);
        errno = error;
        return true;
    }
    return false;
}

std::uint64_t mixed(std::uint64_t number) {
    number = (number + 1) * 0x9e3779b97f4a7c15U;
    number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9U;
    number = (number ^ (number >> 27)) * 0x94d049bb133111ebU;
    return number ^ (number >> 31);
}

bool is_interrupted() {
    const std::size_t every = interrupt_every.load(std::memory_order_relaxed);
    // At random, so that no two calls that are made in turns share it out between them.
    if (every == 0 || mixed(interruptible_calls.fetch_add(1)) % every != 0)
        return false;
    calls_interrupted.fetch_add(1);
    errno = EINTR;
    return true;
}

/// That there is no such child is true when it is said: somebody else in the program was quicker to reap it.
template <class Reap>
long reap_first(const siginfo_t& info, Reap reap) {
    const long result = reap();
    if (result != 0 || info.si_pid == 0)
        return result;
    errno = ECHILD;
    return -1;
}

bool is_pipe(int fd) {
    struct stat status {};
    return ::fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
}

/// Decides about reading or writing a pipe: whether it fails, and if not, with how many bytes it is made.
bool transfer_fails(call which, int fd, std::size_t& size) {
    if (bytes_at_a_time.load(std::memory_order_relaxed) == 0 && interrupt_every.load(std::memory_order_relaxed) == 0 &&
        chosen.which.load(std::memory_order_relaxed) == no_call)
        return false;
    if (!is_pipe(fd))
        return false;
    if (fails(which) || is_interrupted())
        return true;
    const std::size_t most = bytes_at_a_time.load(std::memory_order_relaxed);
    if (most != 0 && size > most) {
        size = most;
        calls_cut_short.fetch_add(1);
    }
    return false;
}

} // namespace

const char* name_of(call which) {
    static constexpr std::array<const char*, kinds_of_calls> names{"memfd_create",
                                                                   "ftruncate",
                                                                   "mmap",
                                                                   "fcntl",
                                                                   "pipe2",
                                                                   "socketpair",
                                                                   "spawn preparation",
                                                                   "posix_spawn",
                                                                   "pidfd_open",
                                                                   "pidfd_send_signal",
                                                                   "kill",
                                                                   "waitid",
                                                                   "waitpid",
                                                                   "poll",
                                                                   "epoll_create",
                                                                   "epoll_ctl add",
                                                                   "epoll_ctl modify",
                                                                   "epoll_wait",
                                                                   "eventfd",
                                                                   "timerfd_create",
                                                                   "ioctl",
                                                                   "read",
                                                                   "write",
                                                                   "sendmsg",
                                                                   "recvmsg",
                                                                   "madvise",
                                                                   "close",
                                                                   "operator new"};
    return names[static_cast<std::size_t>(which)];
}

failing_calls::failing_calls(call which, std::size_t number, int error, std::size_t times) {
    consequent_waits = false;
    consequent.which = no_call;
    consequent.failed = 0;
    chosen.set(which, number, error, times);
}

failing_calls::~failing_calls() {
    stop();
}

void failing_calls::and_then(call which, int error, std::size_t times) {
    consequent_which = static_cast<int>(which);
    consequent_error = error;
    consequent_times = times;
    consequent_waits = true;
}

void failing_calls::stop() noexcept {
    consequent_waits = false;
    consequent.which = no_call;
    chosen.which = no_call;
}

std::size_t failing_calls::made() const noexcept {
    return chosen.made;
}

std::size_t failing_calls::failed() const noexcept {
    return chosen.failed;
}

awkward_pipes::awkward_pipes(std::size_t most, std::size_t every) {
    calls_cut_short = 0;
    calls_interrupted = 0;
    bytes_at_a_time = most;
    interrupt_every = every;
}

awkward_pipes::~awkward_pipes() {
    bytes_at_a_time = 0;
    interrupt_every = 0;
}

std::size_t awkward_pipes::cut_short() const noexcept {
    return calls_cut_short;
}

std::size_t awkward_pipes::interrupted() const noexcept {
    return calls_interrupted;
}

void put_clock_forward(std::chrono::nanoseconds by) noexcept {
    clock_ahead.fetch_add(by.count());
}

} // namespace procpool::testing

// What the linker puts in front: a call of f in what is linked into this program goes to __wrap_f, and __real_f is f itself.

using procpool::testing::call;
using procpool::testing::fails;
using procpool::testing::is_interrupted;
using procpool::testing::reap_first;
using procpool::testing::transfer_fails;

// NOLINTBEGIN: the names are the linker's
#define PROCPOOL_IN_FRONT_OF(result, function, parameters)                                                             \
    result __real_##function parameters;                                                                               \
    result __wrap_##function parameters;                                                                               \
    result __wrap_##function parameters

extern "C" {

PROCPOOL_IN_FRONT_OF(int, memfd_create, (const char* name, unsigned flags)) {
    return fails(call::memfd_create) ? -1 : __real_memfd_create(name, flags);
}

PROCPOOL_IN_FRONT_OF(int, ftruncate, (int fd, off_t size)) {
    return fails(call::ftruncate) ? -1 : __real_ftruncate(fd, size);
}

PROCPOOL_IN_FRONT_OF(void*, mmap, (void* at, std::size_t size, int protection, int flags, int fd, off_t offset)) {
    return fails(call::mmap) ? MAP_FAILED : __real_mmap(at, size, protection, flags, fd, offset);
}

PROCPOOL_IN_FRONT_OF(int, pipe2, (int* ends, int flags)) {
    return fails(call::pipe2) ? -1 : __real_pipe2(ends, flags);
}

PROCPOOL_IN_FRONT_OF(int, socketpair, (int domain, int type, int protocol, int* ends)) {
    return fails(call::socketpair) ? -1 : __real_socketpair(domain, type, protocol, ends);
}

PROCPOOL_IN_FRONT_OF(ssize_t, sendmsg, (int fd, const msghdr* message, int flags)) {
    return fails(call::sendmsg) || is_interrupted() ? -1 : __real_sendmsg(fd, message, flags);
}

PROCPOOL_IN_FRONT_OF(ssize_t, recvmsg, (int fd, msghdr* message, int flags)) {
    return fails(call::recvmsg) || is_interrupted() ? -1 : __real_recvmsg(fd, message, flags);
}

PROCPOOL_IN_FRONT_OF(int, madvise, (void* at, std::size_t size, int advice)) {
    return fails(call::madvise) ? -1 : __real_madvise(at, size, advice);
}

// Of the calls with any number of arguments none has more, or others, than these.
int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...) {
    va_list rest;
    va_start(rest, command);
    const long argument = va_arg(rest, long);
    va_end(rest);
    // What a descriptor has in seals can always be said.
    return command != F_GET_SEALS && fails(call::fcntl) ? -1 : __real_fcntl(fd, command, argument);
}

int __real_ioctl(int fd, unsigned long command, ...);
int __wrap_ioctl(int fd, unsigned long command, ...);
int __wrap_ioctl(int fd, unsigned long command, ...) {
    va_list rest;
    va_start(rest, command);
    const long argument = va_arg(rest, long);
    va_end(rest);
    return fails(call::ioctl) ? -1 : __real_ioctl(fd, command, argument);
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...) {
    va_list rest;
    va_start(rest, number);
    std::array<long, 6> arguments{};
    for (long& one : arguments)
        one = va_arg(rest, long);
    va_end(rest);
    if ((number == SYS_pidfd_open && fails(call::pidfd_open)) ||
        (number == SYS_pidfd_send_signal && fails(call::pidfd_send_signal)))
        return -1;
    const auto make = [&] {
        return __real_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                              arguments[5]);
    };
    if (number == SYS_waitid && (fails(call::waitid) || is_interrupted()))
        return errno == ECHILD ? reap_first(*reinterpret_cast<const siginfo_t*>(arguments[2]), make) : -1;
    return make();
}

PROCPOOL_IN_FRONT_OF(int, posix_spawn_file_actions_init, (posix_spawn_file_actions_t * actions)) {
    return fails(call::spawn_preparation) ? errno : __real_posix_spawn_file_actions_init(actions);
}

PROCPOOL_IN_FRONT_OF(int, posix_spawn_file_actions_addopen,
                     (posix_spawn_file_actions_t * actions, int fd, const char* path, int flags, mode_t mode)) {
    return fails(call::spawn_preparation) ? errno
                                          : __real_posix_spawn_file_actions_addopen(actions, fd, path, flags, mode);
}

PROCPOOL_IN_FRONT_OF(int, posix_spawn_file_actions_adddup2, (posix_spawn_file_actions_t * actions, int fd, int as)) {
    return fails(call::spawn_preparation) ? errno : __real_posix_spawn_file_actions_adddup2(actions, fd, as);
}

PROCPOOL_IN_FRONT_OF(int, posix_spawn_file_actions_addclosefrom_np, (posix_spawn_file_actions_t * actions, int from)) {
    return fails(call::spawn_preparation) ? errno : __real_posix_spawn_file_actions_addclosefrom_np(actions, from);
}

PROCPOOL_IN_FRONT_OF(int, posix_spawnattr_init, (posix_spawnattr_t * attributes)) {
    return fails(call::spawn_preparation) ? errno : __real_posix_spawnattr_init(attributes);
}

PROCPOOL_IN_FRONT_OF(int, posix_spawnp,
                     (pid_t * pid, const char* file, const posix_spawn_file_actions_t* actions,
                      const posix_spawnattr_t* attributes, char* const arguments[], char* const environment[])) {
    return fails(call::posix_spawn) ? errno
                                    : __real_posix_spawnp(pid, file, actions, attributes, arguments, environment);
}

PROCPOOL_IN_FRONT_OF(int, kill, (pid_t pid, int signal)) {
    return fails(call::kill) ? -1 : __real_kill(pid, signal);
}

PROCPOOL_IN_FRONT_OF(int, waitid, (idtype_t kind, id_t id, siginfo_t* info, int options)) {
    if (!fails(call::waitid) && !is_interrupted())
        return __real_waitid(kind, id, info, options);
    if (errno != ECHILD)
        return -1;
    return static_cast<int>(reap_first(*info, [&] { return __real_waitid(kind, id, info, options & ~WNOWAIT); }));
}

PROCPOOL_IN_FRONT_OF(pid_t, waitpid, (pid_t pid, int* status, int options)) {
    return fails(call::waitpid) || is_interrupted() ? -1 : __real_waitpid(pid, status, options);
}

PROCPOOL_IN_FRONT_OF(int, poll, (pollfd * watched, nfds_t count, int time)) {
    return fails(call::poll) || is_interrupted() ? -1 : __real_poll(watched, count, time);
}

PROCPOOL_IN_FRONT_OF(int, epoll_create1, (int flags)) {
    return fails(call::epoll_create) ? -1 : __real_epoll_create1(flags);
}

PROCPOOL_IN_FRONT_OF(int, epoll_ctl, (int epoll, int operation, int fd, epoll_event* event)) {
    if ((operation == EPOLL_CTL_ADD && fails(call::epoll_add)) ||
        (operation == EPOLL_CTL_MOD && fails(call::epoll_modify)))
        return -1;
    return __real_epoll_ctl(epoll, operation, fd, event);
}

PROCPOOL_IN_FRONT_OF(int, epoll_wait, (int epoll, epoll_event* events, int most, int time)) {
    return fails(call::epoll_wait) || is_interrupted() ? -1 : __real_epoll_wait(epoll, events, most, time);
}

PROCPOOL_IN_FRONT_OF(int, eventfd, (unsigned count, int flags)) {
    return fails(call::eventfd) ? -1 : __real_eventfd(count, flags);
}

PROCPOOL_IN_FRONT_OF(int, timerfd_create, (int clock, int flags)) {
    return fails(call::timerfd_create) ? -1 : __real_timerfd_create(clock, flags);
}

PROCPOOL_IN_FRONT_OF(ssize_t, read, (int fd, void* space, std::size_t size)) {
    return transfer_fails(call::read_pipe, fd, size) ? -1 : __real_read(fd, space, size);
}

PROCPOOL_IN_FRONT_OF(ssize_t, write, (int fd, const void* bytes, std::size_t size)) {
    return transfer_fails(call::write_pipe, fd, size) ? -1 : __real_write(fd, bytes, size);
}

PROCPOOL_IN_FRONT_OF(ssize_t, readv, (int fd, const iovec* parts, int count)) {
    std::size_t size = SIZE_MAX;
    if (transfer_fails(call::read_pipe, fd, size))
        return -1;
    if (size == SIZE_MAX || count == 0)
        return __real_readv(fd, parts, count);
    return __real_read(fd, parts->iov_base, std::min(size, parts->iov_len));
}

PROCPOOL_IN_FRONT_OF(ssize_t, writev, (int fd, const iovec* parts, int count)) {
    std::size_t size = SIZE_MAX;
    if (transfer_fails(call::write_pipe, fd, size))
        return -1;
    if (size == SIZE_MAX || count == 0)
        return __real_writev(fd, parts, count);
    return __real_write(fd, parts->iov_base, std::min(size, parts->iov_len));
}

// The system closes it in any case, whatever it says.
PROCPOOL_IN_FRONT_OF(int, close, (int fd)) {
    const int result = __real_close(fd);
    return fails(call::close) ? -1 : result;
}

// What Asio allocates with.
PROCPOOL_IN_FRONT_OF(void*, aligned_alloc, (std::size_t alignment, std::size_t size)) {
    return fails(call::allocation) ? nullptr : __real_aligned_alloc(alignment, size);
}

// std::chrono::steady_clock::now()
PROCPOOL_IN_FRONT_OF(std::int64_t, _ZNSt6chrono3_V212steady_clock3nowEv, ()) {
    return __real__ZNSt6chrono3_V212steady_clock3nowEv() + procpool::testing::clock_ahead.load();
}

} // extern "C"
// NOLINTEND

void* operator new(std::size_t size) {
    if (!fails(call::allocation))
        if (void* const space = std::malloc(size != 0 ? size : 1))
            return space;
    throw std::bad_alloc();
}

void operator delete(void* space) noexcept {
    std::free(space);
}

void operator delete(void* space, std::size_t) noexcept {
    std::free(space);
}
