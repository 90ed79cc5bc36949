// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/process.hpp>

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

namespace procpool::system {

pid_t this_process() noexcept {
    return ::getpid();
}

std::string program_name() {
    return ::program_invocation_name;
}

std::uint64_t resident_memory() noexcept {
    const int fd = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    char text[128];
    const ssize_t size = ::read(fd, text, sizeof text - 1);
    ::close(fd);
    if (size <= 0)
        return 0;
    text[size] = '\0';
    char* second = nullptr; // the first number is what is mapped
    ::strtoull(text, &second, 10);
    return ::strtoull(second, nullptr, 10) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

void keep_large_memory() noexcept {
#ifdef __GLIBC__
    ::mallopt(M_MMAP_THRESHOLD, 512 << 20);
    ::mallopt(M_TRIM_THRESHOLD, 256 << 20);
#endif
}

void prefer_large_pages(void* memory, std::size_t size) noexcept {
    constexpr std::uintptr_t large = std::uintptr_t{2} << 20;
    const auto begin = (reinterpret_cast<std::uintptr_t>(memory) + large - 1) / large * large;
    const auto end = (reinterpret_cast<std::uintptr_t>(memory) + size) / large * large;
    if (begin < end)
        ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
}

void give_back_memory() noexcept {
#ifdef __GLIBC__
    ::malloc_trim(0);
#endif
}

std::size_t most_resident_memory() noexcept {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    return static_cast<std::size_t>(used.ru_maxrss) * 1024;
}

std::optional<std::uint64_t> processes_killed_for_memory() {
    std::ifstream counters("/proc/vmstat");
    std::string name;
    std::uint64_t count = 0;
    while (counters >> name >> count)
        if (name == "oom_kill")
            return count;
    return std::nullopt;
}

void name_thread(const char* name) noexcept {
    ::pthread_setname_np(::pthread_self(), name);
}

all_signals_blocked::all_signals_blocked() noexcept {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
}

all_signals_blocked::~all_signals_blocked() {
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void survive_broken_pipes() noexcept {
    struct sigaction now {};
    if (::sigaction(SIGPIPE, nullptr, &now) != 0 || (now.sa_flags & SA_SIGINFO) != 0 || now.sa_handler != SIG_DFL)
        return;
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, nullptr);
}

} // namespace procpool::system
