// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_SUPPORT_SEND_SIGNAL_HPP
#define PROCPOOL_TESTS_SUPPORT_SEND_SIGNAL_HPP

#include <stdexcept>
#include <string>

#include <signal.h>
#include <sys/types.h>

namespace procpool::testing {

/// Sends a signal to one process. Not kill() itself: given the -1 of something that failed, that ends every process of the
/// machine's that it may.
inline void send_signal(pid_t to, int signal) {
    if (to <= 1)
        throw std::logic_error("a test would send a signal to " + std::to_string(to) +
                               ", which is no process of its own");
    ::kill(to, signal);
}

} // namespace procpool::testing

#endif
