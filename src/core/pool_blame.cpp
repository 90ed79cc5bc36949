// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <core/pool.hpp>

#include <procpool/error.hpp>
#include <procpool/worker/call.hpp>

#include <system/process.hpp>

#include <new>
#include <string>
#include <utility>
#include <vector>

#include <signal.h>

// What becomes of a task that a worker had begun when it ended.

namespace procpool::core {

using machines::worker_life;

namespace {

/// The answer that a worker would have given for the first items of a chunk.
wire::payload answer_for(std::uint32_t items, const wire::payload& results) {
    const procpool::worker::chunk_report report{items, 0, 0};
    wire::payload_builder whole;
    whole.append(&report, sizeof report);
    whole.append(results.data(), results.size());
    return whole.finish();
}

} // namespace

post_mortem examine(const worker& dead, const system::exit_status& status) {
    post_mortem details;
    details.pid = dead.link->pid();
    details.worker = dead.index;
    details.exit_code = status.exit_code;
    details.signal = status.signal;
    details.usage = status.usage;
    if (status.signal == SIGKILL && dead.life->why() == worker_life::cause::died && dead.killed_for_memory_before)
        details.out_of_memory_likely =
            system::processes_killed_for_memory().value_or(0) > *dead.killed_for_memory_before;
    if (dead.life->why() == worker_life::cause::lost)
        details.reason = dead.lost_how;
    for (const std::string& line : dead.last_lines)
        details.standard_error_tail += line + '\n';
    return details;
}

/// The same of a worker that had begun this task.
post_mortem pool::examine_with(const worker& dead, const task& ran, const system::exit_status& status) const {
    post_mortem details = examine(dead, status);
    details.attempt = ran.attempt;
    details.phase =
        dead.link->look(ran.slot, ran.id) == wire::ledger_state::nonsense ? task_phase::unknown : dead.link->phase();
    return details;
}

/// Of a chunk, the items that were done count, the one that ran is to blame, and those behind it go elsewhere.
machines::scheduler::fate pool::judge(worker& dead, task& ran, const system::exit_status& status) {
    using fate = machines::scheduler::fate;
    try {
        // It has not begun in any way that the program could notice. But if it happens again, it is the arguments' doing.
        if (dead.link->phase() == task_phase::reading && !std::exchange(ran.read_in_vain, true))
            return fate::again;
        forget_begin_by(ran);
        wire::run_sheet::progress found{1, 0, {}};
        if (ran.chunk && !ran.joint_result)
            found = dead.link->progress(ran.id, ran.items).value_or(found);
        // A chunk that was begun has begun its first item: what comes before it, decoding the function, is part of that.
        const bool in_item = found.begun > found.done || found.done == 0;
        const bool once_more = in_item && may_run_again(dead, ran);
        const std::uint32_t behind = ran.joint_result ? ran.items : found.done + (in_item ? 1 : 0);
        if (behind < ran.items)
            put_back_part(ran, behind, 1);
        if (once_more)
            ran.terms->attempts.push_back(examine_with(dead, ran, status));
        if (once_more && found.done == 0) {
            ++ran.attempt;
            return fate::again;
        }
        if (once_more)
            put_back_part(ran, found.done, ran.attempt + 1);
        if (ran.chunk && !ran.joint_result) {
            ran.bytes = answer_for(found.done, found.results);
            ran.answered = true;
            ran.answered_by = 0;
        }
        over(ran, in_item && !once_more ? verdict(dead, ran, status) : nullptr);
    } catch (const std::bad_alloc&) {
        over(ran, std::current_exception());
    }
    return fate::over;
}

// Also if the worker died by itself while its task was asked to stop.
bool pool::timed_out(const worker& dead, const task& ran) const noexcept {
    return dead.evicted == &ran && dead.eviction->why() == machines::eviction::cause::timed_out;
}

bool pool::may_run_again(const worker& dead, const task& ran) const noexcept {
    return !timed_out(dead, ran) && ran.terms && ran.attempt <= ran.terms->retries && !ran.cancelled;
}

// The items of a chunk from this one on become a task of their own, which is next.
void pool::put_back_part(task& chunk, std::uint32_t first, std::uint32_t attempt) {
    task* const part = chunk.divide(first);
    if (!part)
        return;
    adopt(*part, chunk);
    part->attempt = attempt;
    if (chunk.cancelled)
        call_off(*part);
    else
        scheduler_.add_in_front(*part);
}

std::exception_ptr pool::verdict(const worker& dead, const task& ran, const system::exit_status& status) const {
    if (timed_out(dead, ran))
        return std::make_exception_ptr(
            pool_error(errc::timed_out, "it ran longer than " + std::to_string(time_limit(ran).count()) +
                                            " ms, and the worker with process id " + std::to_string(dead.link->pid()) +
                                            " was ended for that"));
    return blame(dead, ran, status);
}

std::exception_ptr pool::blame(const worker& dead, const task& ran, const system::exit_status& status) const {
    if (dead.life->why() == worker_life::cause::protocol_error)
        return std::make_exception_ptr(
            pool_error(errc::protocol_error, "the worker with process id " + std::to_string(dead.link->pid()) +
                                                 " was ended while it had this task, since " +
                                                 (dead.misdeed.empty() ? "it spoke out of turn" : dead.misdeed)));
    std::vector<post_mortem> attempts;
    if (ran.terms)
        attempts = ran.terms->attempts;
    attempts.push_back(examine_with(dead, ran, status));
    return std::make_exception_ptr(worker_died(std::move(attempts)));
}

} // namespace procpool::core
