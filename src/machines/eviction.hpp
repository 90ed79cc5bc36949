// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_MACHINES_EVICTION_HPP
#define PROCPOOL_MACHINES_EVICTION_HPP

#include <chrono>
#include <cstdint>
#include <optional>

namespace procpool::machines {

/// How a task that runs and has to end is brought to its end, by ever stronger means.
/**
 * It is asked to stop. If it has shown that it notices, it gets some time for that; otherwise, or when the time is up, its
 * worker is sent SIGTERM; and after as long again, SIGKILL. If the task ends by itself before it was sent anything, its
 * worker lives on.
 */
class eviction {
public:
    using time_point = std::chrono::steady_clock::time_point;
    using duration = std::chrono::steady_clock::duration;

    enum class cause : std::uint8_t { cancelled, timed_out };
    enum class action : std::uint8_t { none, ask, terminate, kill };

    explicit eviction(duration grace) noexcept : grace_(grace) {}

    /// A task is to end. The first cause stands.
    action begin(time_point now, cause why, bool listens) noexcept {
        if (stage_ != stage::none)
            return action::none;
        why_ = why;
        deadline_ = now + grace_;
        stage_ = listens ? stage::asked : stage::terminated;
        return listens ? action::ask : action::terminate;
    }

    action time_passed(time_point now) noexcept {
        const auto limit = deadline();
        if (!limit || now < *limit)
            return action::none;
        deadline_ = now + grace_;
        stage_ = stage_ == stage::asked ? stage::terminated : stage::killed;
        return stage_ == stage::terminated ? action::terminate : action::kill;
    }

    /// The task has ended by itself. Whether the worker can still be used.
    bool task_ended() noexcept {
        const bool unharmed = stage_ == stage::asked || stage_ == stage::none;
        if (unharmed)
            stage_ = stage::none;
        return unharmed;
    }

    bool under_way() const noexcept { return stage_ != stage::none; }
    cause why() const noexcept { return why_; }

    /// When time_passed() is to be told, if nothing else happens before.
    std::optional<time_point> deadline() const noexcept {
        if (stage_ == stage::asked || stage_ == stage::terminated)
            return deadline_;
        return std::nullopt;
    }

private:
    enum class stage : std::uint8_t { none, asked, terminated, killed };

    duration grace_;
    time_point deadline_{};
    stage stage_ = stage::none;
    cause why_ = cause::cancelled;
};

} // namespace procpool::machines

#endif
