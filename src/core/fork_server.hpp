// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_CORE_FORK_SERVER_HPP
#define PROCPOOL_CORE_FORK_SERVER_HPP

#include <machines/worker_life.hpp>
#include <system/fork_orders.hpp>
#include <system/worker_link.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace procpool::core {

class pool;
class worker;

/// A pool's fork server, if there is one at the moment. To its pool it is a worker that never gets a task; its initializer is
/// the preload. It passes on what its link, and the socket for orders, tell.
class fork_server final : public system::link_holder, public system::fork_customer {
public:
    using time_point = std::chrono::steady_clock::time_point;

    explicit fork_server(pool& owner) : owner_(owner) {}
    fork_server(const fork_server&) = delete;
    fork_server& operator=(const fork_server&) = delete;

    bool there() const noexcept { return link != nullptr; }
    bool ready() const noexcept { return life && life->now_in() == machines::worker_life::phase::ready; }

    /// When something has to have happened.
    std::optional<time_point> deadline() const noexcept;

    /// There is none any more.
    void vacate();

    std::shared_ptr<system::local_link> link;
    std::shared_ptr<system::fork_orders> orders;
    std::optional<machines::worker_life> life;
    std::string misdeed;              ///< what it did that no fork server does
    std::string lost_how;             ///< why nothing is heard of it any more
    bool opening = false;             ///< its start is under way, as a part of a worker's
    bool preparing = false;           ///< it was told to run the preload, and has not come out of it
    std::exception_ptr preload_error; ///< or why it cannot fork

    worker* ordered_for = nullptr; ///< the place for which a worker is on its way
    time_point answer_by{};        ///< when it has to be there

private:
    void begin_turn() override;
    void end_turn() override;
    void hello(const wire::hello_message& message) override;
    void initialized(const wire::payload* error) override;
    void progressed(std::uint64_t id, wire::progress_message&& message) override;
    void answered(system::answer&& message) override;
    void misbehaved(const std::string& how) override;
    void lost(const std::string& how) override;
    void printed(output_stream where, std::vector<std::string>&& lines) override;
    void output_ended() override;
    void exited(const system::exit_status& status) override;

    void forked(std::shared_ptr<system::local_link> worker) override;
    void not_forked(const std::string& why) override;
    void orders_misunderstood(const std::string& how) override;
    void orders_ended() override;

    pool& owner_;
};

} // namespace procpool::core

#endif
