// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_PASSED_LIMITS_HPP
#define PROCPOOL_SYSTEM_PASSED_LIMITS_HPP

#include <array>

#include <sys/resource.h>
#include <sys/types.h>

namespace procpool::system {

/// This process's resource limits, to be passed on to a child when they change: a process that it started itself would have
/// them, and one that the child starts has the child's.
class passed_limits {
public:
    /// To be made just before the child.
    passed_limits() noexcept;

    /// Sets those of the child that were changed here since the last time, as far as that is allowed.
    void pass_on(pid_t child) noexcept;

private:
    std::array<rlimit, RLIM_NLIMITS> known_{};
};

} // namespace procpool::system

#endif
