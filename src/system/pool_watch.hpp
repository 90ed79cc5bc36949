// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_POOL_WATCH_HPP
#define PROCPOOL_SYSTEM_POOL_WATCH_HPP

#include <system/unique_fd.hpp>

#include <pthread.h>
#include <sys/types.h>

namespace procpool::system {

/// Ends this process and all that it started.
/**
 * @param group which was made for this process alone; should it have been moved to another one, that group is not touched
 */
[[noreturn]] void end_with_group(pid_t group) noexcept;

/// From now on this process and its group end with the pool's process, whatever they are doing then. Throws
/// boost::system::system_error.
/**
 * @param pool_process a pidfd of it
 */
void end_with_pool(unique_fd pool_process, pid_t group);

/// The same for as long as the object lives.
class pool_watch {
public:
    pool_watch(int pool_process, pid_t group);
    pool_watch(const pool_watch&) = delete;
    pool_watch& operator=(const pool_watch&) = delete;
    ~pool_watch();

private:
    unique_fd stop_;
    pthread_t thread_{};
};

} // namespace procpool::system

#endif
