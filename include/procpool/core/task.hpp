// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_CORE_TASK_HPP
#define PROCPOOL_CORE_TASK_HPP

#include <procpool/machines/schedulable.hpp>
#include <procpool/post_mortem.hpp>
#include <procpool/progress.hpp>
#include <procpool/wire/payload.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace procpool::core {

class task_cancellation;

/// Something that is over, and of which somebody waits to be told.
class completion {
public:
    completion(const completion&) = delete;
    completion& operator=(const completion&) = delete;

    /// Tells whoever waits, and gives up the object. Called once, outside the pool's lock, on the pool's executor.
    virtual void complete() = 0;

    /// Gives up the object without telling anybody, for the program does away with the executor.
    virtual void abandon() noexcept = 0;

    completion* next_done = nullptr; ///< the core's list of what is over

    std::exception_ptr error; ///< set if it went wrong

    /// complete() runs no code of the program, so it need not wait for the executor when the pool is destroyed.
    bool completes_anywhere = false;

protected:
    completion() = default;
    ~completion() = default;
};

/// A call in encoded form.
struct encoded_call {
    std::uint64_t entry = 0;    ///< what takes the arguments in the worker, as named by function_entry()
    std::uint64_t function = 0; ///< the function to call, if it is one that has an address
    wire::payload arguments;
    std::exception_ptr error; ///< set if the arguments could not be encoded
};

/// A task's reports that are yet to be told.
struct progress_box {
    std::mutex mutex;
    std::deque<progress> waiting;
};

/// What was asked for with a task, beyond its being done.
struct task_terms {
    std::optional<std::chrono::milliseconds> timeout; ///< of running time; 0: none, whatever the pool says
    std::chrono::milliseconds queue_timeout{0};       ///< of waiting time; 0: none
    int priority = 0;
    unsigned retries = 0;
    std::shared_ptr<const std::function<void(const progress&)>> on_progress;
    std::shared_ptr<progress_box> reports; ///< if there is somebody to tell
    std::vector<post_mortem> attempts;     ///< for the core: of which workers it died before
};

/// One call, or several of one function, on its way through the pool: bytes in, bytes or an error out. What they mean only
/// the façade knows.
class task : public completion, public machines::schedulable {
public:
    /// The arguments, until it is over; then the answer, unless `error` is set. Of a chunk, both may be there: then the answer
    /// is that of the first items, and the error that of the next.
    wire::payload bytes;
    union {
        std::uint64_t entry = 0;   ///< what takes the arguments in the worker, as named by function_entry()
        std::uint64_t answered_by; ///< of a task that was answered: the number of the worker that did it; 0: it is gone
    };
    std::uint64_t function = 0; ///< the function to call, if it is one that has an address
    std::uint32_t attempt = 1;  ///< the how-manieth run
    bool failed = false;        ///< the answer is an exception in encoded form
    bool chunk = false;         ///< several items, even if it is only one
    bool whole = false;         ///< a chunk that is not to end early
    bool joint_result = false;  ///< a chunk whose items have one result together, or none
    bool answered = false;      ///< the worker gave an answer, or one was put together from what it left
    bool part = false;          ///< of an operation that was begun with begin_operation()
    bool refused = false;       ///< there was no room for it
    bool read_in_vain = false;  ///< for the core: a worker died while it read the arguments
    bool asked_to_end = false;  ///< for the core: called off while it ran, otherwise than by total cancellation
    bool is_watched = false;    ///< for the core: whether it is looked after while it is with a worker

    std::shared_ptr<task_cancellation> cancellation;               ///< null if nobody can call it off
    std::unique_ptr<task_terms> terms;                             ///< null if nothing was asked for
    std::optional<std::chrono::steady_clock::time_point> begin_by; ///< as long as its waiting time is limited

    // For chunks. The core calls these under its lock.

    /// Gives up the items from this one on, and answers a new task for them.
    virtual task* divide(std::uint32_t /*first*/) { return nullptr; }

    /// The first items are done already, and these are their results, which will stand in the answer once more. Something that
    /// tells whoever waits for them, or null.
    virtual completion* so_far(std::uint32_t /*items*/, wire::payload /*results*/) { return nullptr; }

    /// Whether somebody waits for single results rather than for all of them.
    virtual bool wants_so_far() const noexcept { return false; }

protected:
    task() = default;
    ~task() = default;
};

} // namespace procpool::core

#endif
