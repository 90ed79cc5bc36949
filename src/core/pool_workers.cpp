// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <core/pool.hpp>

#include <procpool/error.hpp>

#include <system/modules.hpp>
#include <system/process.hpp>
#include <wire/frame.hpp>

#include <boost/asio/error.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace procpool::core {

using machines::worker_life;

namespace {

post_mortem examine(const worker& dead, const system::exit_status& status) {
    post_mortem details;
    details.pid = dead.link->pid();
    details.worker = dead.index;
    details.exit_code = status.exit_code;
    details.signal = status.signal;
    return details;
}

// Why a worker that never did anything useful ended: "it ...".
std::string describe_failure(const worker& dead, const system::exit_status& status) {
    const std::string ask_for_init = "; does its main call procpool::init(argc, argv) as its first statement?";
    switch (dead.life->why()) {
    case worker_life::cause::start_timed_out:
        return "it did not report in time" + ask_for_init;
    case worker_life::cause::wrong_hello:
        return "it is another build of the program than this one";
    case worker_life::cause::protocol_error:
        return dead.misdeed;
    default:
        break;
    }
    const std::string end = "it " + describe_end(examine(dead, status));
    return dead.life->was_ready() ? end + " before it had begun a task" : end + " before it reported" + ask_for_init;
}

} // namespace

// Starting ----------------------------------------------------------------------------------------------------------

// One worker per turn: starting a process takes about a millisecond.
void pool::employ() {
    const auto wanted = [this] { return staffing_.launches(now(), !scheduler_.empty()) != 0; };
    if (!wanted())
        return;
    const auto free =
        std::find_if(workers_.begin(), workers_.end(), [](const auto& place) { return !place->occupied(); });
    launch(**free);
    if (wanted())
        more_to_do_ = true;
}

void pool::launch(worker& place) {
    system::worker_command command;
    command.program = options_.worker_program.empty() ? "/proc/self/exe" : options_.worker_program;
    command.arguments.push_back(options_.worker_program.empty() ? system::program_name()
                                                                : options_.worker_program.string());
    command.arguments.insert(command.arguments.end(), options_.worker_args.begin(), options_.worker_args.end());

    staffing_.launched();
    ++counted_.workers_started;
    try {
        auto link = system::local_link::launch(executor_, command, own_process_.get());
        place.link = link;
        place.life.emplace(now());
        ++occupied_;
        link->listen(std::shared_ptr<system::link_holder>(shared_from_this(), &place));
        link->set_up({place.index});
    } catch (const std::exception& error) {
        // A failed launch leaves nothing behind, but what could be made of the place is undone here.
        if (place.occupied()) {
            place.link->destroy(std::chrono::seconds(10));
            place.vacate();
            --occupied_;
        }
        ++counted_.workers_died;
        staffing_.start_failed(now(), true);
        note_start_failure(std::string("it could not be launched: ") + error.what());
    }
}

void pool::note_start_failure(const std::string& reason) {
    const std::string program =
        options_.worker_program.empty() ? "this program" : "the program '" + options_.worker_program.string() + "'";
    start_failure_ = program + " did not come up as a worker: " + reason;
}

std::exception_ptr pool::start_failure() const {
    return std::make_exception_ptr(pool_error(errc::worker_start_failed, start_failure_));
}

// Living ------------------------------------------------------------------------------------------------------------

void pool::worker_said_hello(worker& from, const wire::hello_message& message) {
    const bool same = message.version == wire::protocol_version && message.build_id == system::main_build_id();
    act(from, from.life->hello(same));
}

void pool::worker_answered(worker& from, system::answer&& message) {
    task& done = *std::exchange(from.tasks[message.slot], nullptr);
    scheduler_.finished(done);
    if (!std::exchange(from.useful, true))
        staffing_.was_of_use();
    done.bytes = std::move(message.bytes);
    done.failed = message.failed;
    ++(message.failed ? counted_.tasks_failed : counted_.tasks_completed);
    over(done);
}

void pool::act(worker& on, worker_life::action action) {
    switch (action) {
    case worker_life::action::use:
        staffing_.became_ready();
        scheduler_.worker_ready(on.index);
        break;
    case worker_life::action::close_input:
        scheduler_.worker_leaving(on.index);
        on.link->close_input();
        break;
    case worker_life::action::kill:
        scheduler_.worker_leaving(on.index);
        on.link->kill();
        break;
    case worker_life::action::bury: // only on exited(), which does it
    case worker_life::action::none:
        break;
    }
}

// A running task is called off by killing its worker. But the worker must not have gone on to another task by the time
// that it dies, for that one would die with it. So all others are asked back first; if after that the task still runs,
// then there is nothing that the worker could go on to.
void pool::kill_for(task& cancelled) {
    worker& on = *workers_[cancelled.worker];
    std::vector<task*> others;
    for (machines::schedulable* other = scheduler_.tasks_of(on.index).back(); other; other = other->previous)
        if (other != &cancelled)
            others.push_back(static_cast<task*>(other));
    for (task* const other : others)
        if (scheduler_.ask_back(*other))
            recall(*other);
    // The ledger of a worker that is out of its mind may say anything; once it has no other task, killing it harms nobody.
    if (on.link->look(cancelled.slot, cancelled.id) == wire::ledger_state::running ||
        scheduler_.tasks_of(on.index).size() == 1)
        act(on, on.life->kill(worker_life::cause::task_cancelled));
}

// Ending ------------------------------------------------------------------------------------------------------------

void pool::worker_exited(worker& from, const system::exit_status& status) {
    if (from.life->exited() == worker_life::action::bury)
        bury(from, status);
}

void pool::bury(worker& dead, const system::exit_status& status) {
    dead.life->exited();
    const auto why = dead.life->why();
    const bool wanted = why == worker_life::cause::retired || why == worker_life::cause::terminated ||
                        why == worker_life::cause::task_cancelled;
    bool useful = dead.useful || wanted;
    scheduler_.worker_gone(dead.index, [&](machines::schedulable& lost) {
        auto& had = static_cast<task&>(lost);
        const auto state = dead.link->look(had.slot, had.id);
        const bool begun = state != wire::ledger_state::waiting && state != wire::ledger_state::withdrawn;
        useful = useful || begun;
        if (terminated_)
            over(had, std::make_exception_ptr(pool_error(errc::pool_terminated)));
        else if (had.cancelled && (!begun || why == worker_life::cause::task_cancelled))
            call_off(had);
        else if (begun)
            over(had, blame(dead, had, status));
        else
            return machines::scheduler::fate::again;
        return machines::scheduler::fate::over;
    });

    if (!wanted)
        ++counted_.workers_died;
    if (!useful)
        note_start_failure(describe_failure(dead, status));
    if (dead.life->was_ready())
        staffing_.gone(now(), useful);
    else
        staffing_.start_failed(now(), why == worker_life::cause::died);
    dead.link->destroy(std::chrono::milliseconds(0));
    dead.vacate();
    --occupied_;
}

std::exception_ptr pool::blame(const worker& dead, const task& ran, const system::exit_status& status) const {
    post_mortem details = examine(dead, status);
    if (dead.life->why() == worker_life::cause::protocol_error)
        return std::make_exception_ptr(
            pool_error(errc::protocol_error, "the worker with process id " + std::to_string(details.pid) +
                                                 " was ended while it had this task, since " + dead.misdeed));
    details.attempt = ran.attempt;
    details.phase =
        dead.link->look(ran.slot, ran.id) == wire::ledger_state::nonsense ? task_phase::unknown : dead.link->phase();
    return std::make_exception_ptr(worker_died(details));
}

} // namespace procpool::core
