// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_BENCH_LIVES_HPP
#define PROCPOOL_BENCH_LIVES_HPP

#include <procpool/start_method.hpp>

#include <cstddef>

namespace bench {

/// Seconds from a pool's being made to the first result; its end does not count.
double start(procpool::start_method method);

/// Seconds from a worker's being killed to its replacement's being ready, the median of so many.
double respawn(procpool::start_method method, std::size_t times);

/// How often, in so many seconds, any thread of an idle pool's program, but the one that counts, and of its workers ran.
double context_switches_while_idle(std::size_t seconds);

/// Bytes of memory for each of so many tasks that wait, with an int as argument and a function as handler.
double bytes_per_waiting_task(std::size_t tasks);

} // namespace bench

#endif
