// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/spawn_launcher.hpp>

#include <system/child.hpp>
#include <system/failure.hpp>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

namespace procpool::system {

namespace {

// The functions of posix_spawn return their error instead of setting errno.
void check(int error, const char* doing) {
    if (error != 0)
        throw_failure(doing, error);
}

struct file_actions {
    posix_spawn_file_actions_t value;
    file_actions() { check(::posix_spawn_file_actions_init(&value), "preparing to start a worker"); }
    ~file_actions() { ::posix_spawn_file_actions_destroy(&value); }
    file_actions(const file_actions&) = delete;
    file_actions& operator=(const file_actions&) = delete;
};

struct attributes {
    posix_spawnattr_t value;
    attributes() { check(::posix_spawnattr_init(&value), "preparing to start a worker"); }
    ~attributes() { ::posix_spawnattr_destroy(&value); }
    attributes(const attributes&) = delete;
    attributes& operator=(const attributes&) = delete;
};

} // namespace

pid_t spawn_launcher::spawn(const std::filesystem::path& program, const std::vector<std::string>& arguments) {
    file_actions actions;
    check(::posix_spawn_file_actions_addopen(&actions.value, STDIN_FILENO, "/dev/null", O_RDONLY, 0),
          "preparing a worker's standard input");
    for (const int as : discarded())
        check(::posix_spawn_file_actions_addopen(&actions.value, as, "/dev/null", O_WRONLY, 0),
              "preparing a worker's output");
    for (const auto& [as, fd] : redirected())
        check(::posix_spawn_file_actions_adddup2(&actions.value, fd, as), "preparing a worker's output");
    int first_free = STDERR_FILENO + 1;
    for (const auto& [fd, as] : given()) {
        check(::posix_spawn_file_actions_adddup2(&actions.value, fd, as), "preparing a worker's descriptors");
        first_free = std::max(first_free, as + 1);
    }
    check(::posix_spawn_file_actions_addclosefrom_np(&actions.value, first_free), "preparing a worker's descriptors");

    attributes settings;
    sigset_t all;
    sigset_t none;
    ::sigfillset(&all);
    ::sigemptyset(&none);
    check(::posix_spawnattr_setsigdefault(&settings.value, &all), "preparing a worker's signals");
    check(::posix_spawnattr_setsigmask(&settings.value, &none), "preparing a worker's signals");
    check(::posix_spawnattr_setpgroup(&settings.value, 0), "preparing a worker's process group");
    check(::posix_spawnattr_setflags(&settings.value,
                                     POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP),
          "preparing to start a worker");

    std::vector<char*> argv;
    argv.reserve(arguments.size() + 1);
    for (const std::string& argument : arguments)
        argv.push_back(const_cast<char*>(argument.c_str())); // posix_spawn does not write to them
    argv.push_back(nullptr);

    pid_t pid = -1;
    const int error = ::posix_spawnp(&pid, program.c_str(), &actions.value, &settings.value, argv.data(), environ);
    check(error, error != EAGAIN ? "starting a worker"
                                 : "starting a worker (there are as many processes and threads as RLIMIT_NPROC or the "
                                   "control group's pids.max allows; see ulimit -u)");
    return pid;
}

void spawn_launcher::give_up(pid_t pid) noexcept {
    end_unwatched_child(pid);
}

unique_fd spawn_launcher::open_child(pid_t pid) {
    unique_fd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!fd) {
        const int error = errno;
        end_unwatched_child(pid);
        throw_failure("opening a pidfd of a worker", error);
    }
    return fd;
}

unique_fd spawn_launcher::duplicate(int pidfd, pid_t pid) {
    unique_fd fd(::fcntl(pidfd, F_DUPFD_CLOEXEC, 0));
    if (!fd) {
        const int error = errno;
        end_unwatched_child(pid);
        throw_failure("duplicating a pidfd of a worker", error);
    }
    return fd;
}

} // namespace procpool::system
