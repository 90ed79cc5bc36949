// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <worker/current_task.hpp>

#include <procpool/this_task.hpp>

#include <system/process.hpp>
#include <system/word_wait.hpp>

#include <thread>

namespace procpool {

namespace worker {

current_task& current_task::instance() noexcept {
    // Never destroyed: the thread that watches for stops does not end before the process.
    static current_task& the_one = *new current_task;
    return the_one;
}

void current_task::serve(wire::run_sheet& sheet, progress_reporter& reporter) noexcept {
    sheet_ = &sheet;
    reporter_ = &reporter;
}

void current_task::begin(std::uint64_t id, std::uint32_t attempt) noexcept {
    attempt_.store(attempt, std::memory_order_relaxed);
    id_.store(id, std::memory_order_relaxed);
}

void current_task::end() noexcept {
    id_.store(0, std::memory_order_relaxed);
    attempt_.store(0, std::memory_order_relaxed);
    if (has_source_.load(std::memory_order_relaxed)) {
        const std::lock_guard lock(mutex_);
        source_.reset();
        has_source_.store(false, std::memory_order_relaxed);
    }
}

bool current_task::stop_requested() noexcept {
    const std::uint64_t task = id();
    if (task == 0)
        return false;
    if (!sheet_->listens(task))
        sheet_->listen(task);
    return sheet_->stop_asked(task);
}

std::stop_token current_task::stop_token() {
    const std::lock_guard lock(mutex_);
    if (id() == 0)
        return {};
    if (!watching_) {
        const system::all_signals_blocked blocked;
        std::thread([this] { watch_for_stops(); }).detach();
        watching_ = true;
    }
    if (!source_) {
        source_.emplace();
        has_source_.store(true, std::memory_order_relaxed);
    }
    if (stop_requested()) // which also says that somebody listens
        source_->request_stop();
    return source_->get_token();
}

void current_task::watch_for_stops() {
    system::name_thread("procpool-stop");
    for (;;) {
        const std::uint32_t seen = sheet_->stops().load(std::memory_order_acquire);
        std::optional<std::stop_source> asked;
        {
            const std::lock_guard lock(mutex_);
            if (source_ && id() != 0 && sheet_->stop_asked(id()))
                asked = source_;
        }
        // Outside the lock: the task's own callbacks run here.
        if (asked)
            asked->request_stop();
        system::wait_while_equal(sheet_->stops(), seen);
    }
}

void current_task::report(double fraction, std::string_view text) {
    if (const std::uint64_t task = id(); task != 0)
        reporter_->report(task, fraction, text);
}

} // namespace worker

std::uint64_t this_task::id() noexcept {
    return worker::current_task::instance().id();
}

unsigned this_task::attempt() noexcept {
    return worker::current_task::instance().attempt();
}

bool this_task::stop_requested() noexcept {
    return worker::current_task::instance().stop_requested();
}

std::stop_token this_task::stop_token() {
    return worker::current_task::instance().stop_token();
}

void this_task::report_progress(double fraction, std::string_view message) {
    worker::current_task::instance().report(fraction, message);
}

} // namespace procpool
