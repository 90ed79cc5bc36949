// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_START_METHOD_HPP
#define PROCPOOL_START_METHOD_HPP

namespace procpool {

/// How a pool starts its workers. Never by a bare fork of the running program, which is not safe if that has threads.
enum class start_method {
    /// Each is a new process of the program, which runs what comes before `procpool::init` in main.
    spawn,

    /// Each is forked from a fork server: one process per pool that is started from the same program before the first worker,
    /// has no threads, and may run pool_options::preload first. See there.
    /**
     * A worker is there sooner, however large the parent is, and shares with the others all memory that none of them writes
     * to. It begins as the fork server is after the preload. Working directory, environment and umask are those that the
     * program had when the server was started, or started again after it died; of what the program changes later, only its
     * limits (setrlimit) reach workers.
     */
    forkserver
};

} // namespace procpool

#endif
