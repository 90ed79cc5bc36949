// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_MACHINES_WORKER_LIFE_TEXT_HPP
#define PROCPOOL_TESTS_MACHINES_WORKER_LIFE_TEXT_HPP

#include <machines/worker_life.hpp>

#include <ostream>

// Names for messages.
namespace procpool::machines {

inline std::ostream& operator<<(std::ostream& out, worker_life::phase phase) {
    constexpr const char* names[] = {"starting", "initializing", "ready", "retiring", "ending", "buried"};
    return out << names[static_cast<int>(phase)];
}

inline std::ostream& operator<<(std::ostream& out, worker_life::cause cause) {
    constexpr const char* names[] = {"none",
                                     "died",
                                     "start_timed_out",
                                     "wrong_hello",
                                     "initializer_failed",
                                     "initializer_timed_out",
                                     "protocol_error",
                                     "lost",
                                     "task_cancelled",
                                     "task_timed_out",
                                     "retired",
                                     "terminated"};
    return out << names[static_cast<int>(cause)];
}

inline std::ostream& operator<<(std::ostream& out, worker_life::action action) {
    constexpr const char* names[] = {"none", "initialize", "use", "close_input", "kill", "bury"};
    return out << names[static_cast<int>(action)];
}

} // namespace procpool::machines

#endif
