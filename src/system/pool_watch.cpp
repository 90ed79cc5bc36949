// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/pool_watch.hpp>

#include <system/failure.hpp>
#include <system/process.hpp>
#include <system/worker_process.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace procpool::system {

namespace {

struct watch {
    int pool_process;
    int stop; ///< or -1
    pid_t group;
};

// A thread of its own, for it has to act in the middle of any computation: neither the end of a pipe nor a signal of the
// kind that tells of a parent's death (which is the death of the *thread* that started the worker) does that reliably.
void* watch_pool(void* argument) {
    // By itself: to name another thread takes opening its file in /proc.
    ::pthread_setname_np(::pthread_self(), "procpool-watch");
    const watch watched = *static_cast<watch*>(argument);
    delete static_cast<watch*>(argument);
    for (;;) {
        pollfd entries[]{{watched.pool_process, POLLIN, 0}, {watched.stop, POLLIN, 0}};
        if (::poll(entries, 2, -1) <= 0)
            continue;
        if (entries[0].revents != 0)
            end_with_group(watched.group);
        if (entries[1].revents != 0)
            return nullptr;
    }
}

pthread_t start_thread(watch what, int detach_state) {
    // Signals are for the tasks' own threads. A small stack will do, but how small some libraries decide.
    const all_signals_blocked blocked;
    pthread_attr_t attributes;
    if (const int error = ::pthread_attr_init(&attributes))
        throw_failure("preparing a worker's thread", error);
    ::pthread_attr_setdetachstate(&attributes, detach_state);
    ::pthread_attr_setstacksize(&attributes,
                                std::max(std::size_t{256} * 1024, static_cast<std::size_t>(PTHREAD_STACK_MIN)));
    auto argument = std::make_unique<watch>(what);
    pthread_t thread;
    const int error = ::pthread_create(&thread, &attributes, watch_pool, argument.get());
    ::pthread_attr_destroy(&attributes);
    if (error != 0)
        throw_failure("starting a worker's second thread (see ulimit -u)", error);
    static_cast<void>(argument.release()); // the thread's
    return thread;
}

} // namespace

void end_with_group(pid_t group) noexcept {
    if (group > 1)
        ::kill(-group, SIGKILL);
    ::kill(::getpid(), SIGKILL);
    for (;;)
        ::pause();
}

void end_with_pool(unique_fd pool_process, pid_t group) {
    start_thread({pool_process.get(), -1, group}, PTHREAD_CREATE_DETACHED);
    pool_process.release(); // the thread's, for as long as the process lives
}

pool_watch::pool_watch(int pool_process, pid_t group) : stop_(::eventfd(0, EFD_CLOEXEC)) {
    if (!stop_)
        throw_failure("preparing a fork server's second thread");
    stop_ = move_up(stop_.release());
    thread_ = start_thread({pool_process, stop_.get(), group}, PTHREAD_CREATE_JOINABLE);
}

pool_watch::~pool_watch() {
    if (is_copy_of_worker())
        return; // which has no such thread
    const std::uint64_t one = 1;
    // Should somebody have closed the descriptor all the same, the thread is left over, and will be noticed.
    if (::write(stop_.get(), &one, sizeof one) == sizeof one)
        ::pthread_join(thread_, nullptr);
    else
        ::pthread_detach(thread_);
}

} // namespace procpool::system
