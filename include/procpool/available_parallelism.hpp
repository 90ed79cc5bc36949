// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_AVAILABLE_PARALLELISM_HPP
#define PROCPOOL_AVAILABLE_PARALLELISM_HPP

#include <cstddef>

namespace procpool {

/// How many CPUs this process may really use: the default number of workers of a pool.
/**
 * The smaller of two limits: the CPUs in the calling thread's affinity mask, and the CPU time that the process's control
 * group (version 2) and the groups around it may use, where a part of a CPU counts as a whole one. In a container this
 * is what the container was given, not what the machine has.
 *
 * @return At least 1.
 *
 * @par Thread safety
 * Any thread may call it. It reads files under /proc and /sys.
 */
std::size_t available_parallelism();

} // namespace procpool

#endif
