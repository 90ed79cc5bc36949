// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <core/worker.hpp>

#include <core/pool.hpp>

namespace procpool::core {

void worker::vacate() {
    link.reset();
    life.reset();
    tasks.fill(nullptr);
    misdeed.clear();
    lost_how.clear();
    useful = false;
    to_flush = false;
    watched_tasks = 0;
    watched = {};
    eviction.reset();
    evicted = nullptr;
    wear_noted = false;
    distrusted = false;
    initializing = false;
    initializer_error = nullptr;
    last_lines.clear();
    last_lines_size = 0;
    killed_for_memory_before.reset();
    retired_for = nullptr;
}

void worker::begin_turn() {
    owner_.begin_turn();
}

void worker::end_turn() {
    owner_.end_turn();
}

void worker::hello(const wire::hello_message& message) {
    owner_.worker_said_hello(*this, message);
}

void worker::initialized(const wire::payload* error) {
    owner_.worker_initialized(*this, error);
}

void worker::progressed(std::uint64_t id, wire::progress_message&& message) {
    owner_.task_progressed(*this, id, std::move(message));
}

void worker::answered(system::answer&& message) {
    owner_.worker_answered(*this, std::move(message));
}

void worker::misbehaved(const std::string& how) {
    misdeed = how;
    owner_.act(*this, life->misbehaved());
}

void worker::printed(output_stream where, std::vector<std::string>&& lines) {
    owner_.worker_printed(*this, where, std::move(lines));
}

void worker::lost(const std::string& how) {
    if (lost_how.empty())
        lost_how = how;
    owner_.act(*this, life->kill(machines::worker_life::cause::lost));
}

void worker::output_ended() {
    owner_.act(*this, life->output_ended(owner_.now()));
}

void worker::exited(const system::exit_status& status) {
    owner_.worker_exited(*this, status);
}

} // namespace procpool::core
