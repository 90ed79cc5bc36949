// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_CPUS_HPP
#define PROCPOOL_SYSTEM_CPUS_HPP

#include <cstddef>
#include <filesystem>
#include <optional>

namespace procpool::system {

/// How many CPUs the affinity mask of the calling thread allows; at least 1.
std::size_t cpus_by_affinity();

/// How many CPUs' worth of time a control group of version 2 may use: the tightest quota from the group up to the root.
/**
 * Parts of a CPU count as a whole one. No value if there is no limit.
 *
 * @param own_groups what /proc/self/cgroup says
 * @param hierarchy where the version 2 hierarchy is mounted
 */
std::optional<std::size_t> cpus_by_quota(const std::filesystem::path& own_groups,
                                         const std::filesystem::path& hierarchy);

} // namespace procpool::system

#endif
