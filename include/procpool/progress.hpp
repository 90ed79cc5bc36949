// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_PROGRESS_HPP
#define PROCPOOL_PROGRESS_HPP

#include <cstdint>
#include <string>

namespace procpool {

/// What a running task says of how far it is: see this_task::report_progress.
struct progress {
    std::uint64_t task = 0; ///< the task's number, as in task_handle::id()
    double fraction = 0;    ///< from 0 to 1, if the task keeps to that
    std::string message;
};

} // namespace procpool

#endif
