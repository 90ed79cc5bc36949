// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_THIS_WORKER_HPP
#define PROCPOOL_THIS_WORKER_HPP

#include <cstddef>

namespace procpool::this_worker {

/// Which of its pool's workers this process is, from 0. A worker that replaces another one has the same index.
/**
 * @return 0 in a process that is not a worker
 *
 * @par Thread safety
 * Any thread may call it.
 */
std::size_t index() noexcept;

} // namespace procpool::this_worker

#endif
