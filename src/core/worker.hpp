// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_CORE_WORKER_HPP
#define PROCPOOL_CORE_WORKER_HPP

#include <procpool/core/task.hpp>

#include <machines/eviction.hpp>
#include <machines/worker_life.hpp>
#include <system/worker_link.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace procpool::core {

class pool;

/// One of the pool's places for a worker, and the worker that has it at the moment. It passes on what the link tells.
class worker final : public system::link_holder {
public:
    worker(pool& owner, std::uint32_t place) : index(place), owner_(owner) {}
    worker(const worker&) = delete;
    worker& operator=(const worker&) = delete;

    bool occupied() const noexcept { return link != nullptr; }

    /// The place becomes free.
    void vacate();

    using time_point = std::chrono::steady_clock::time_point;

    /// What is known of the task in front, as long as it has to be looked after: because its time is limited, or because
    /// it is a chunk, of which an idle worker may take a part.
    struct watch {
        std::uint64_t task = 0;               ///< its id; 0 if none is
        time_point look_again{};              ///< when to look after it
        std::optional<time_point> seen_since; ///< when it began, as far as the worker can be believed
        std::optional<time_point> done_since; ///< when it was first seen to be done
        std::uint32_t items = 1;              ///< how many it had at first
    };

    const std::uint32_t index;
    std::shared_ptr<system::worker_link> link; ///< null while the place is free
    std::uint64_t number = 0;                  ///< unique among the pool's workers
    std::optional<machines::worker_life> life;
    std::array<task*, wire::ledger::slots> tasks{}; ///< by their slots in the link
    std::string misdeed;                            ///< what it did that no worker does
    std::string lost_how;                           ///< why nothing is heard of it any more
    bool useful = false;                            ///< it has answered a task
    bool to_flush = false;                          ///< the link holds frames of this turn
    std::size_t watched_tasks = 0;                  ///< how many of its tasks are to be looked after when they run
    watch watched;
    std::optional<machines::eviction> eviction; ///< of the task in front
    task* evicted = nullptr;
    time_point idle_since{};
    bool wear_noted = false;   ///< it is to end when its tasks are over
    bool distrusted = false;   ///< the same, for an answer of its that could not be read
    bool initializing = false; ///< it was told to run the initializer, and has not come out of it
    std::exception_ptr initializer_error;
    std::deque<std::string> last_lines;                    ///< of its standard error, if that is captured
    std::size_t last_lines_size = 0;                       ///< their bytes
    std::optional<std::uint64_t> killed_for_memory_before; ///< how many processes, when it was started
    const char* retired_for = nullptr;                     ///< why it was told to end

    // Of the place, whoever has it.
    std::string replaces; ///< what to say of the worker that had it before; empty if there was none

private:
    void begin_turn() override;
    void end_turn() override;
    void hello(const wire::hello_message& message) override;
    void initialized(const wire::payload* error) override;
    void progressed(std::uint64_t id, wire::progress_message&& message) override;
    void answered(system::answer&& message) override;
    void misbehaved(const std::string& how) override;
    void printed(output_stream where, std::vector<std::string>&& lines) override;
    void lost(const std::string& how) override;
    void output_ended() override;
    void exited(const system::exit_status& status) override;

    pool& owner_;
};

/// What can be told of a worker's end from outside.
post_mortem examine(const worker& dead, const system::exit_status& status);

} // namespace procpool::core

#endif
