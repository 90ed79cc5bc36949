// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_MACHINES_WORKER_LIFE_HPP
#define PROCPOOL_MACHINES_WORKER_LIFE_HPP

#include <chrono>
#include <cstdint>
#include <optional>

namespace procpool::machines {

/// One worker's way from its start to its end.
/**
 * It is told what happened to the worker and answers what to do. However a worker ends, the end is over only when the
 * process was reaped and all that it had written was read: exited() is told after both, and only then comes `bury`.
 */
class worker_life {
public:
    using time_point = std::chrono::steady_clock::time_point;
    using duration = std::chrono::steady_clock::duration;

    enum class phase : std::uint8_t {
        starting,     ///< launched, has not said hello
        initializing, ///< runs the initializer
        ready,        ///< takes tasks
        retiring,     ///< told to end, after what it has
        ending,       ///< killed, or about to end by itself
        buried,
    };

    /// Why a worker ended. The first cause stands.
    enum class cause : std::uint8_t {
        none,
        died,                  ///< by itself
        start_timed_out,       ///< it did not say hello in time
        wrong_hello,           ///< it is not a worker of this build
        initializer_failed,    ///< the initializer threw
        initializer_timed_out, ///< the initializer took too long
        protocol_error,        ///< it sent something that no worker would send
        lost,                  ///< nothing is heard of it any more, by no fault of its own
        task_cancelled,        ///< ended, since the task that it ran was called off
        task_timed_out,        ///< ended, since the task that it ran took too long
        retired,               ///< it was told to end
        terminated,            ///< the pool was terminated
    };

    enum class action : std::uint8_t {
        none,
        initialize,  ///< let it run the initializer
        use,         ///< it is ready: give it tasks
        close_input, ///< tell it that no more tasks come
        kill,        ///< kill its whole process group
        bury,        ///< judge what it had, and forget it
    };

    struct limits {
        duration start = std::chrono::seconds(30); ///< from launch to hello
        duration exit = std::chrono::seconds(5);   ///< from the end of its input, or output, to its exit
        bool has_initializer = false;
        std::optional<duration> initializer = {}; ///< for the initializer; as long as it likes, if there is none
    };

    explicit worker_life(time_point now) : worker_life(now, limits{}) {}
    worker_life(time_point now, limits bounds) : limits_(bounds), deadline_(now + bounds.start) {}

    // What happened.

    action hello(time_point now, bool acceptable) noexcept;
    action initialized(bool well) noexcept;
    action misbehaved() noexcept { return end(cause::protocol_error); }
    action output_ended(time_point now) noexcept;
    action exited() noexcept;
    action time_passed(time_point now) noexcept;

    // What somebody wants.

    action retire(time_point now) noexcept;
    action kill(cause why) noexcept { return end(why); }

    /// It was asked to end by other means, and if it does, this is why.
    void condemn(cause why) noexcept {
        if (cause_ == cause::none)
            cause_ = why;
    }

    // What is the case.

    phase now_in() const noexcept { return phase_; }
    cause why() const noexcept { return cause_; }
    bool was_ready() const noexcept { return was_ready_; }

    /// Whether it ended, or is to end, because the pool wanted it to and not for a fault of its own.
    bool was_wanted() const noexcept {
        return cause_ == cause::retired || cause_ == cause::terminated || cause_ == cause::task_cancelled ||
               cause_ == cause::task_timed_out;
    }

    /// When time_passed() is to be told, if nothing else happens before.
    std::optional<time_point> deadline() const noexcept;

private:
    action use() noexcept;
    action end(cause why) noexcept;

    limits limits_;
    time_point deadline_;
    phase phase_ = phase::starting;
    cause cause_ = cause::none;
    bool was_ready_ = false;
    bool killed_ = false;
};

} // namespace procpool::machines

#endif
