// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_MACHINES_STAFFING_HPP
#define PROCPOOL_MACHINES_STAFFING_HPP

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>

namespace procpool::machines {

/// Decides when a worker is to be started.
/**
 * A pool starts as many workers as it has to have at once, more when there are more tasks than workers, and replaces the
 * ones that die. When starts fail several times in a row, it is tried
 * again only when there is work to do, one worker at a time, after a pause that doubles with each failure; until one comes
 * up, the pool is `hopeless()` and its operations are to be failed rather than left to wait.
 *
 * The first failures are forgiven, after a short pause each, for somebody may have killed the worker, or the system may have
 * been short of something for a moment; unless it is clear that trying again is of no use. So are workers that became ready and then died without
 * ever having begun a task, and those that were killed before they were ready.
 */
class staffing {
public:
    using time_point = std::chrono::steady_clock::time_point;
    using duration = std::chrono::steady_clock::duration;

    struct pauses {
        duration brief = std::chrono::milliseconds(20); ///< after a failure that is forgiven
        duration first = std::chrono::milliseconds(100);
        duration longest = std::chrono::seconds(10);
    };

    /// As many workers always.
    explicit staffing(std::size_t wanted) : staffing(wanted, pauses{}) {}
    staffing(std::size_t wanted, pauses between) : staffing(wanted, wanted, between) {}

    /// From `least` to `most` workers, as there is work for them.
    staffing(std::size_t least, std::size_t most, pauses between) : least_(least), most_(most), pauses_(between) {}

    // What happened.

    void launched() noexcept { ++starting_; }

    /// One that was launched is to be launched again later, by no fault of its own.
    void put_off() noexcept { --starting_; }

    void became_ready() noexcept;
    void start_failed(time_point now, bool trying_again_may_help) noexcept;

    /// A worker has done something useful: it answered its first task.
    void was_of_use() noexcept { useless_deaths_ = 0; }

    /// Somebody killed a worker before it was ready, which says nothing about the next one.
    void killed_at_start(time_point now) noexcept;

    /// A worker that had been ready is gone.
    void gone(time_point now, bool was_useful) noexcept;

    /// No worker is to be started any more.
    void stop() noexcept { stopped_ = true; }

    // What to do.

    /// How many workers to start now, if there are so many tasks that are not over.
    std::size_t launches(time_point now, std::size_t tasks) const noexcept;

    /// When to ask again, if nothing happens before.
    std::optional<time_point> retry_at(std::size_t tasks) const noexcept;

    /// No worker lives or starts, and the last start failed.
    bool hopeless() const noexcept {
        return starting_ == 0 && ready_ == 0 &&
               (failed_starts_ > failed_starts_forgiven || useless_deaths_ > useless_deaths_until_hopeless);
    }

    std::size_t starting() const noexcept { return starting_; }
    std::size_t ready() const noexcept { return ready_; }

    /// How many failures in a row hold back the next start, those that are forgiven aside.
    std::size_t failures() const noexcept;

    /// Whether the next start may have to wait.
    bool pausing() const noexcept { return failed_starts_ != 0 || failures() != 0; }

private:
    static constexpr std::size_t failed_starts_forgiven = 2;
    static constexpr std::size_t useless_deaths_forgiven = 3;
    static constexpr std::size_t useless_deaths_until_hopeless = 8;

    void pause(time_point now) noexcept;
    std::size_t wanted(std::size_t tasks) const noexcept { return std::clamp(tasks, least_, most_); }

    std::size_t least_;
    std::size_t most_;
    pauses pauses_;
    std::size_t starting_ = 0;
    std::size_t ready_ = 0;
    std::size_t failed_starts_ = 0;  ///< in a row
    std::size_t useless_deaths_ = 0; ///< in a row
    time_point retry_at_{};
    time_point forgiven_at_{}; ///< when the pause after a failure that is forgiven is over
    bool stopped_ = false;
};

} // namespace procpool::machines

#endif
