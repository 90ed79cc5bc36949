// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <core/pool.hpp>

#include <procpool/error.hpp>
#include <procpool/serialization/decoder.hpp>
#include <procpool/serialization/exceptions.hpp>

#include <system/channel.hpp>
#include <system/modules.hpp>
#include <system/process.hpp>
#include <wire/frame.hpp>

#include <algorithm>
#include <exception>
#include <limits>
#include <new>
#include <string>
#include <vector>

#include <signal.h>

namespace procpool::core {

using machines::worker_life;

namespace {

// Larger pipes than usual mean fewer switches between processes: a fifth less processor time for a batch of small items. But
// what a user's pipes may take in all is limited, by default to 64 MiB, and others need some.
constexpr std::size_t memory_for_pipes = std::size_t{16} << 20;
constexpr std::size_t largest_pipe = std::size_t{1} << 20;
constexpr std::size_t least_pipe = std::size_t{64} << 10;

// Why a worker ended: "it ...".
std::string describe_failure(const worker& dead, const system::exit_status& status, bool useful) {
    const std::string ask_for_init = "; does its main call procpool::init(argc, argv) as its first statement?";
    switch (dead.life->why()) {
    case worker_life::cause::start_timed_out:
        return "it did not report in time" + ask_for_init;
    case worker_life::cause::wrong_hello:
        return "it is another build of the program than this one";
    case worker_life::cause::protocol_error:
        return dead.misdeed.empty() ? "it spoke out of turn" : dead.misdeed;
    case worker_life::cause::lost:
        return dead.lost_how;
    case worker_life::cause::initializer_timed_out:
        return "the initializer ran longer than pool_options::task_timeout";
    default:
        break;
    }
    const std::string end = "it " + describe_end(examine(dead, status));
    if (dead.initializing)
        return end + " while it ran the initializer";
    if (!dead.life->was_ready() && status.exit_code == system::worker_lacks_something)
        return end +
               " before it reported: the system did not let it have a thread, a descriptor or memory (RLIMIT_NPROC, "
               "RLIMIT_NOFILE, the control group's limits; see ulimit -a), and on its standard error it said which";
    if (useful)
        return end;
    return dead.life->was_ready() ? end + " before it had begun a task" : end + " before it reported" + ask_for_init;
}

/// In a handler: an error with the exception that is handled nested in it.
std::exception_ptr around_current(const std::string& explanation) {
    try {
        std::throw_with_nested(pool_error(errc::initializer_failed, explanation));
    } catch (...) {
        return std::current_exception();
    }
}

} // namespace

// Starting ----------------------------------------------------------------------------------------------------------

// One worker per turn: starting a process takes about a millisecond. And one at a time of a fork server.
void pool::employ() {
    const auto wanted = [this] { return staffing_.launches(now(), tasks_to_do()) != 0; };
    if (!wanted())
        return;
    if (forks_) {
        if (!forks_->there())
            open_fork_server();
        else if (forks_->ready() && !forks_->ordered_for)
            launch(free_place());
        return;
    }
    launch(free_place());
    if (wanted())
        more_to_do_ = true;
}

worker& pool::free_place() {
    return **std::find_if(workers_.begin(), workers_.end(), [](const auto& place) { return !place->occupied(); });
}

system::worker_command pool::command_for_workers() const {
    system::worker_command command;
    command.program = options_.worker_program.empty() ? "/proc/self/exe" : options_.worker_program;
    command.arguments.push_back(options_.worker_program.empty() ? system::program_name()
                                                                : options_.worker_program.string());
    command.arguments.insert(command.arguments.end(), options_.worker_args.begin(), options_.worker_args.end());

    command.pipe_size =
        static_cast<int>(std::clamp(memory_for_pipes / (2 * options_.workers), least_pipe, largest_pipe));

    command.standard_output = options_.standard_output;
    command.standard_error = options_.standard_error;
    return command;
}

void pool::launch(worker& place) {
    const system::worker_command command = command_for_workers();
    place.killed_for_memory_before = system::processes_killed_for_memory();
    staffing_.launched();
    ++counted_.workers_started;
    try {
        if (forks_)
            order(place, command);
        else
            settle_in(place, system::local_link::launch(executor_, command, own_process_.get()));
    } catch (const std::exception& error) {
        launch_failed(place, error.what());
    }
}

void pool::settle_in(worker& place, std::shared_ptr<system::local_link> link) {
    place.link = link;
    place.number = ++last_worker_;
    worker_life::limits limits;
    limits.has_initializer = static_cast<bool>(options_.initializer);
    if (options_.task_timeout.count() != 0)
        limits.initializer = options_.task_timeout;
    place.life.emplace(now(), limits);
    ++occupied_;
    link->listen(std::shared_ptr<system::link_holder>(shared_from_this(), &place));
    link->set_up({place.index, options_.max_memory_per_worker,
                  static_cast<std::uint64_t>(std::chrono::nanoseconds(options_.spin).count())});
    note_launch(place);
}

// A failed launch leaves nothing behind, but what could be made of the place is undone here.
void pool::launch_failed(worker& place, const std::string& why) {
    if (place.occupied()) {
        place.link->destroy(std::chrono::seconds(10));
        place.vacate();
        --occupied_;
    }
    start_failed(place, "it could not be launched: " + why, true);
}

void pool::start_failed(worker& place, std::string reason, bool trying_again_may_help) {
    ++counted_.workers_died;
    staffing_.start_failed(now(), trying_again_may_help);
    note_start_failure(reason);
    note_failed_launch(place, std::move(reason));
}

void pool::initialize(worker& place) {
    const core::encoded_call& call = options_.initializer.encoded();
    place.initializing = true;
    try {
        place.link->initialize({0, 0, {call.entry, call.function, 1, 1}, call.arguments});
    } catch (const std::bad_alloc&) {
        act(place, place.life->kill(worker_life::cause::terminated));
    }
}

void pool::note_start_failure(const std::string& reason) {
    const std::string program =
        options_.worker_program.empty() ? "this program" : "the program '" + options_.worker_program.string() + "'";
    start_failure_ = std::make_exception_ptr(
        pool_error(errc::worker_start_failed, program + " did not come up as a worker: " + reason));
}

// The exception of the initializer, if it threw one, is nested in the pool's.
void pool::note_initializer_failure(const worker& failed, const std::string& reason) {
    if (!failed.initializer_error) {
        start_failure_ = std::make_exception_ptr(pool_error(errc::initializer_failed, reason));
        return;
    }
    try {
        std::rethrow_exception(failed.initializer_error);
    } catch (const std::exception& thrown) {
        start_failure_ = around_current(std::string("the initializer threw: ") + thrown.what());
    } catch (...) {
        start_failure_ = around_current("the initializer threw something that is not a std::exception");
    }
}

// Living ------------------------------------------------------------------------------------------------------------

void pool::worker_said_hello(worker& from, const wire::hello_message& message) {
    const bool same = message.version == wire::protocol_version && message.build_id == system::main_build_id();
    act(from, from.life->hello(now(), same));
}

void pool::worker_initialized(worker& from, const wire::payload* error) {
    if (error) {
        serialization::decoder in(*error);
        std::exception_ptr thrown = serialization::decode_exception(in, in.remaining());
        if (in.unreadable()) {
            from.misdeed = "what its initializer threw could not be read";
            act(from, from.life->misbehaved());
            return;
        }
        from.initializer_error = std::move(thrown);
    }
    act(from, from.life->initialized(!error));
}

void pool::worker_answered(worker& from, system::answer&& message) {
    task& done = *std::exchange(from.tasks[message.slot], nullptr);
    taken_from(from, done);
    scheduler_.finished(done);
    if (!std::exchange(from.useful, true))
        staffing_.was_of_use();
    done.bytes = std::move(message.bytes);
    done.failed = message.failed;
    done.answered = !message.problem;
    done.answered_by = from.number;
    done.error = message.problem;
    if (from.evicted == &done)
        eviction_over(from, done);
    ++(message.failed || done.error ? counted_.tasks_failed : counted_.tasks_completed);
    over(done);

    if (options_.max_memory_per_worker != 0 && !from.wear_noted && from.link->worn_out())
        wind_down(from);
    if (scheduler_.tasks_of(from.index).empty()) {
        if (options_.min_workers < options_.workers)
            from.idle_since = now();
        if (from.distrusted)
            end_if_distrusted(from);
        else if (from.wear_noted)
            retire(from, "it took more memory than pool_options::max_memory_per_worker allows");
        else if (options_.max_tasks_per_worker != 0 && scheduler_.used_up(from.index))
            retire(from, "it had run as many tasks as pool_options::max_tasks_per_worker allows");
    }
}

void pool::act(worker& on, worker_life::action action) {
    switch (action) {
    case worker_life::action::initialize:
        initialize(on);
        break;
    case worker_life::action::use:
        on.initializing = false;
        note_event(worker_event::kind::ready, on, "it has reported, and takes tasks");
        staffing_.became_ready();
        scheduler_.worker_ready(on.index, allowance());
        if (options_.min_workers < options_.workers)
            on.idle_since = now();
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

void pool::ask_back_all(worker& from, const task* except) {
    std::vector<task*> others;
    for (machines::schedulable* other = scheduler_.tasks_of(from.index).back(); other; other = other->previous)
        if (other != except)
            others.push_back(static_cast<task*>(other));
    for (task* const other : others)
        if (scheduler_.ask_back(*other))
            recall(*other);
}

std::uint64_t pool::allowance() const noexcept {
    return options_.max_tasks_per_worker == 0 ? machines::scheduler::no_limit : options_.max_tasks_per_worker;
}

// Leaving -----------------------------------------------------------------------------------------------------------

void pool::retire(worker& place, const char* why) {
    if (!place.retired_for)
        place.retired_for = why;
    act(place, place.life->retire(now()));
}

// It ends when what it has begun is over.
void pool::wind_down(worker& place) {
    place.wear_noted = true;
    ask_back_all(place, nullptr);
    scheduler_.worker_held(place.index);
}

void pool::distrust(const task& answered) noexcept {
    if (in_a_copy())
        return;
    try {
        const std::lock_guard lock(mutex_);
        for (const auto& place : workers_)
            if (place->occupied() && place->number == answered.answered_by && !place->distrusted) {
                place->distrusted = true;
                distrust_noted_ = true;
                post_turn();
            }
    } catch (...) {
        // No turn of its own could be posted: then the next one sees to it.
    }
}

// Each gives back what it has not begun, and is ended when the rest is over: at once if there is none.
void pool::end_distrusted() {
    if (!distrust_noted_)
        return;
    for (const auto& place : workers_) {
        if (!place->occupied() || !place->distrusted)
            continue;
        if (place->life->now_in() == worker_life::phase::ready)
            wind_down(*place);
        for (machines::schedulable* one = scheduler_.tasks_of(place->index).front(); one; one = one->next)
            take_rest(static_cast<task&>(*one));
        end_if_distrusted(*place);
    }
    distrust_noted_ = false;
}

void pool::end_if_distrusted(worker& place) {
    if (!place.distrusted || !scheduler_.tasks_of(place.index).empty())
        return;
    act(place, place.life->misbehaved());
    if (place.misdeed.empty())
        place.misdeed = "its answer to a task could not be read";
}

void pool::retire_idle(time_point time) {
    if (options_.min_workers >= options_.workers || closed_)
        return;
    std::size_t spare = spare_workers();
    for (const auto& place : workers_) {
        if (spare == 0)
            return;
        if (is_idle(*place) && place->idle_since + options_.idle_timeout <= time) {
            retire(*place, "it was idle for as long as pool_options::idle_timeout allows");
            --spare;
        }
    }
}

/// How many workers there are above the least number, those aside that are about to end.
std::size_t pool::spare_workers() const {
    const auto stays = [](const auto& place) {
        return place->occupied() && place->life->now_in() < worker_life::phase::retiring;
    };
    const auto staying = static_cast<std::size_t>(std::count_if(workers_.begin(), workers_.end(), stays));
    return staying - std::min(staying, options_.min_workers);
}

bool pool::is_idle(const worker& place) const {
    return place.occupied() && place.life->now_in() == worker_life::phase::ready &&
           scheduler_.tasks_of(place.index).empty();
}

std::optional<pool::time_point> pool::next_idle_end() const {
    if (options_.min_workers >= options_.workers || closed_ || scheduler_.idle_workers() == 0 || spare_workers() == 0)
        return std::nullopt;
    std::optional<time_point> next;
    for (const auto& place : workers_)
        if (is_idle(*place))
            next = std::min(next.value_or(time_point::max()), place->idle_since + options_.idle_timeout);
    return next;
}

// Ending ------------------------------------------------------------------------------------------------------------

void pool::worker_exited(worker& from, const system::exit_status& status) {
    if (from.life->exited() == worker_life::action::bury)
        bury(from, status);
}

void pool::bury(worker& dead, const system::exit_status& status) {
    dead.life->exited();
    const auto why = dead.life->why();
    const bool wanted = dead.life->was_wanted();
    bool useful = dead.useful || wanted;
    using fate = machines::scheduler::fate;
    scheduler_.worker_gone(dead.index, [&](machines::schedulable& lost) {
        auto& had = static_cast<task&>(lost);
        const auto state = dead.link->look(had.slot, had.id);
        const bool begun = state != wire::ledger_state::waiting && state != wire::ledger_state::withdrawn;
        useful = useful || begun;
        taken_from(dead, had);
        if (terminated_)
            over(had, std::make_exception_ptr(pool_error(errc::pool_terminated)));
        else if (had.cancelled && (!begun || why == worker_life::cause::task_cancelled))
            call_off(had);
        else
            return begun ? judge(dead, had, status) : fate::again;
        return fate::over;
    });

    if (!wanted)
        ++counted_.workers_died;
    try {
        tell_of_end(dead, status, useful);
    } catch (const std::bad_alloc&) {
        // The reason is lost, and nothing else.
    }
    if (dead.life->was_ready())
        staffing_.gone(now(), useful);
    else if (why == worker_life::cause::died && status.signal == SIGKILL)
        staffing_.killed_at_start(now());
    else
        staffing_.start_failed(now(), why == worker_life::cause::died || why == worker_life::cause::lost);
    dead.link->destroy(std::chrono::milliseconds(0));
    dead.vacate();
    --occupied_;
}

void pool::tell_of_end(worker& dead, const system::exit_status& status, bool useful) {
    std::string reason = describe_failure(dead, status, useful);
    if (dead.initializing)
        note_initializer_failure(dead, reason);
    else if (!useful)
        note_start_failure(reason);
    note_end(dead, status, std::move(reason));
}

} // namespace procpool::core
