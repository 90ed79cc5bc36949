// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_FORK_SERVICE_HPP
#define PROCPOOL_SYSTEM_FORK_SERVICE_HPP

#include <system/unique_fd.hpp>
#include <system/worker_process.hpp>
#include <wire/fork_order.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <vector>

#include <signal.h>
#include <sys/types.h>

namespace procpool::system {

/// In a fork server: takes orders, and makes a worker for each that is a child of the pool's process, not of this one.
class fork_service {
public:
    /// To be made before anything of the program's runs, for workers get the dispositions of signals that there are now.
    fork_service(unique_fd pool_process, unique_fd orders) noexcept;

    /// Before the first order. Throws what the preload throws, or why no worker can be forked from this process.
    /**
     * @param preload what is to be run, if anything; during it this process has a second thread, which ends it with the
     *                pool's process
     */
    void prepare(const std::function<void()>& preload);

    enum class event {
        input,  ///< the pool has written to the pipe, or closed it
        forked, ///< this is a new worker
        over,   ///< no more orders come
    };

    /// Carries out orders until something else happens. If the pool's process ends, so does this one, with its group.
    event wait(int calls);

    /// Ends this process as std::exit does. Should that take long, for the program's own code runs there, it ends with the
    /// pool's process all the same.
    [[noreturn]] void leave(int exit_code);

    /// In a new worker: where it finds its descriptors, which belong to the caller from now on. Once.
    given_descriptors take_given();

private:
    bool serve_order();
    bool fork_for(const wire::fork_order& order);
    void reply(const wire::fork_order& order, wire::fork_step doing, int error, int pidfd);
    void begin_as_worker(const wire::fork_order& order) noexcept;

    unique_fd pool_process_;
    unique_fd orders_;
    pid_t group_;
    std::array<struct sigaction, _NSIG> dispositions_{};
    int* thread_id_ = nullptr; ///< where the C library keeps this thread's
    void* robust_mutexes_ = nullptr;
    std::size_t robust_mutexes_size_ = 0;
    std::vector<unique_fd> received_;
    given_descriptors given_;
    bool over_ = false;
};

} // namespace procpool::system

#endif
