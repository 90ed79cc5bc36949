// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_WORKER_CURRENT_TASK_HPP
#define PROCPOOL_WORKER_CURRENT_TASK_HPP

#include <wire/run_sheet.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string_view>

namespace procpool::worker {

/// Who passes on what a task reports.
class progress_reporter {
public:
    virtual void report(std::uint64_t task, double fraction, std::string_view text) = 0;

protected:
    ~progress_reporter() = default;
};

/// The task that runs in this worker, as this_task shows it.
class current_task {
public:
    /// The one of this process.
    static current_task& instance() noexcept;

    /// From now on there may be tasks. Both live as long as the process.
    void serve(wire::run_sheet& sheet, progress_reporter& reporter) noexcept;

    void begin(std::uint64_t id, std::uint32_t attempt) noexcept;
    void end() noexcept;

    // For this_task. Any thread.
    std::uint64_t id() const noexcept { return id_.load(std::memory_order_relaxed); }
    unsigned attempt() const noexcept { return attempt_.load(std::memory_order_relaxed); }
    bool stop_requested() noexcept;
    std::stop_token stop_token();
    void report(double fraction, std::string_view text);

private:
    void watch_for_stops();

    wire::run_sheet* sheet_ = nullptr;
    progress_reporter* reporter_ = nullptr;
    std::atomic<std::uint64_t> id_{0};
    std::atomic<std::uint32_t> attempt_{0};
    std::atomic<bool> has_source_{false}; ///< so that most tasks' ends need no lock
    std::mutex mutex_;
    std::optional<std::stop_source> source_; ///< of the task that runs, if it ever wanted one
    bool watching_ = false;
};

} // namespace procpool::worker

#endif
