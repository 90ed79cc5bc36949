// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_CORE_WORKER_HPP
#define PROCPOOL_CORE_WORKER_HPP

#include <procpool/core/task.hpp>

#include <machines/worker_life.hpp>
#include <system/worker_link.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

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

    const std::uint32_t index;
    std::shared_ptr<system::worker_link> link; ///< null while the place is free
    std::optional<machines::worker_life> life;
    std::array<task*, wire::ledger::slots> tasks{}; ///< by their slots in the link
    std::string misdeed;                            ///< what it did that no worker does
    bool useful = false;                            ///< it has answered a task
    bool to_flush = false;                          ///< the link holds frames of this turn

private:
    void begin_turn() override;
    void end_turn() override;
    void hello(const wire::hello_message& message) override;
    void answered(system::answer&& message) override;
    void misbehaved(const std::string& how) override;
    void output_ended() override;
    void exited(const system::exit_status& status) override;

    pool& owner_;
};

} // namespace procpool::core

#endif
