// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <core/fork_server.hpp>

#include <procpool/serialization/decoder.hpp>
#include <procpool/serialization/exceptions.hpp>

#include <core/pool.hpp>
#include <system/modules.hpp>

#include <algorithm>

namespace procpool::core {

using machines::worker_life;

std::optional<fork_server::time_point> fork_server::deadline() const noexcept {
    const auto of_life = life ? life->deadline() : std::nullopt;
    if (!ordered_for || (life && life->now_in() > worker_life::phase::ready))
        return of_life;
    return std::min(of_life.value_or(answer_by), answer_by);
}

void fork_server::vacate() {
    link.reset();
    orders.reset();
    life.reset();
    misdeed.clear();
    lost_how.clear();
    opening = false;
    preparing = false;
    preload_error = nullptr;
    ordered_for = nullptr;
}

void fork_server::begin_turn() {
    owner_.begin_turn();
}

void fork_server::end_turn() {
    owner_.end_turn();
}

void fork_server::hello(const wire::hello_message& message) {
    const bool same = message.version == wire::protocol_version && message.build_id == system::main_build_id();
    owner_.act_on_fork_server(life->hello(owner_.now(), same));
}

void fork_server::initialized(const wire::payload* error) {
    if (error) {
        serialization::decoder in(*error);
        std::exception_ptr thrown = serialization::decode_exception(in, in.remaining());
        if (in.unreadable())
            return misbehaved("what its preload threw could not be read");
        preload_error = std::move(thrown);
    }
    owner_.act_on_fork_server(life->initialized(!error));
}

void fork_server::progressed(std::uint64_t, wire::progress_message&&) {
    // A preload is no task, so nobody is told how far it is.
}

void fork_server::answered(system::answer&&) {
    // It is given no tasks, and the link passes on no answers to others.
}

void fork_server::misbehaved(const std::string& how) {
    misdeed = how;
    owner_.act_on_fork_server(life->misbehaved());
}

void fork_server::lost(const std::string& how) {
    if (lost_how.empty())
        lost_how = how;
    owner_.act_on_fork_server(life->kill(worker_life::cause::lost));
}

void fork_server::printed(output_stream where, std::vector<std::string>&& lines) {
    owner_.fork_server_printed(where, std::move(lines));
}

void fork_server::output_ended() {
    owner_.act_on_fork_server(life->output_ended(owner_.now()));
}

void fork_server::exited(const system::exit_status& status) {
    life->exited();
    owner_.fork_server_exited(status);
}

void fork_server::forked(std::shared_ptr<system::local_link> worker) {
    owner_.worker_forked(std::move(worker));
}

void fork_server::not_forked(const std::string& why) {
    owner_.worker_not_forked(why);
}

void fork_server::orders_misunderstood(const std::string& how) {
    misbehaved(how);
}

void fork_server::orders_ended() {
    output_ended();
}

} // namespace procpool::core
