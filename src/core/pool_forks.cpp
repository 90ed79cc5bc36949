// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <core/pool.hpp>

#include <procpool/error.hpp>

#include <system/channel.hpp>
#include <system/child.hpp>
#include <system/process.hpp>

#include <chrono>
#include <exception>
#include <new>
#include <string>
#include <utility>

// What differs if workers are forked by a server (start_method::forkserver). At most one worker is on its way at a time, so what
// happens to the server fails one start and not many.

namespace procpool::core {

using machines::worker_life;

namespace {

constexpr std::chrono::seconds longest_fork{5};
constexpr std::chrono::seconds longest_reaping_of_lost{1};

// Why a fork server ended: "it ...".
std::string describe_failure(const fork_server& dead, const system::exit_status& status) {
    switch (dead.life->why()) {
    case worker_life::cause::start_timed_out:
        return "it did not report in time; does its main call procpool::init(argc, argv) as its first statement?";
    case worker_life::cause::wrong_hello:
        return "it is another build of the program than this one";
    case worker_life::cause::protocol_error:
        return dead.misdeed.empty() ? "it spoke out of turn" : dead.misdeed;
    case worker_life::cause::lost:
        return dead.lost_how;
    case worker_life::cause::initializer_timed_out:
        return "the preload ran longer than pool_options::task_timeout";
    default:
        break;
    }
    post_mortem how;
    how.exit_code = status.exit_code;
    how.signal = status.signal;
    const std::string end = "it " + describe_end(how);
    if (dead.preparing)
        return end + " while it ran the preload";
    if (dead.life->was_ready())
        return end;
    if (status.exit_code == system::worker_lacks_something)
        return end + " before it reported: the system did not let it have a descriptor or memory, and on its standard "
                     "error it "
                     "said which";
    return end + " before it reported; does its main call procpool::init(argc, argv) as its first statement?";
}

/// Why nothing could be forked, from what the fork server answered in place of being ready.
std::exception_ptr explain(const std::exception_ptr& thrown) {
    const auto around = [](const std::string& explanation) {
        try {
            std::throw_with_nested(pool_error(errc::initializer_failed, explanation));
        } catch (...) {
            return std::current_exception();
        }
    };
    try {
        std::rethrow_exception(thrown);
    } catch (const pool_error& error) {
        if (error.code() == errc::worker_start_failed) // which is how it says that it cannot fork
            return std::current_exception();
        return around(std::string("the preload threw: ") + error.what());
    } catch (const std::exception& error) {
        return around(std::string("the preload threw: ") + error.what());
    } catch (...) {
        return around("the preload threw something that is not a std::exception");
    }
}

std::string text_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& thrown) {
        return thrown.what();
    } catch (...) {
        return "something that is not a std::exception";
    }
}

} // namespace

// Its start counts as one of a worker for as long as it takes.
void pool::open_fork_server() {
    staffing_.launched();
    forks_->opening = true;
    try {
        const std::shared_ptr<system::fork_customer> customer(shared_from_this(), forks_.get());
        forks_->orders = std::make_shared<system::fork_orders>(executor_, customer);
        system::worker_command command = command_for_workers();
        command.orders = forks_->orders->servers_end();
        forks_->link = system::local_link::launch(executor_, command, own_process_.get());
        forks_->orders->close_servers_end();
        worker_life::limits limits;
        limits.has_initializer = true; // it says whether it can fork, even if there is nothing to run
        if (options_.task_timeout.count() != 0 && options_.preload)
            limits.initializer = options_.task_timeout;
        forks_->life.emplace(now(), limits);
        forks_->link->listen(std::shared_ptr<system::link_holder>(shared_from_this(), forks_.get()));
        forks_->link->set_up({options_.workers, 0, 0});
    } catch (const std::exception& error) {
        close_fork_server(std::chrono::seconds(10));
        ++counted_.workers_started;
        start_failed(free_place(), std::string("it could not be launched: starting its fork server: ") + error.what(),
                     true);
    }
}

void pool::act_on_fork_server(worker_life::action action) {
    switch (action) {
    case worker_life::action::initialize: {
        const core::encoded_call& call = options_.preload.encoded();
        forks_->preparing = true;
        try {
            forks_->link->initialize({0, 0, {call.entry, call.function, 1, 1}, call.arguments});
        } catch (const std::bad_alloc&) {
            act_on_fork_server(forks_->life->kill(worker_life::cause::terminated));
        }
        break;
    }
    case worker_life::action::use:
        forks_->preparing = false;
        forks_->opening = false;
        staffing_.put_off();
        break;
    case worker_life::action::close_input:
        forks_->link->close_input();
        break;
    case worker_life::action::kill:
        forks_->link->kill();
        break;
    case worker_life::action::bury: // only on exited(), which does it
    case worker_life::action::none:
        break;
    }
}

void pool::order(worker& place, const system::worker_command& command) {
    forks_->orders->order(system::prepare_worker(command, own_process_.get()), forks_->link->pid());
    forks_->ordered_for = &place;
    forks_->answer_by = now() + longest_fork;
}

void pool::worker_forked(std::shared_ptr<system::local_link> link) {
    worker& place = *std::exchange(forks_->ordered_for, nullptr);
    try {
        settle_in(place, std::move(link));
        if (terminated_)
            act(place, place.life->kill(worker_life::cause::terminated));
    } catch (const std::exception& error) {
        launch_failed(place, error.what());
    }
}

void pool::worker_not_forked(const std::string& why) {
    launch_failed(*std::exchange(forks_->ordered_for, nullptr), why);
}

void pool::fork_server_printed(output_stream where, std::vector<std::string>&& lines) {
    if (!options_.on_output || lines.empty()) {
        forks_->link->go_on_reading(where);
        return;
    }
    notice what;
    what.from = forks_->link;
    what.where = where;
    for (std::string& line : lines)
        what.lines.push_back({options_.workers, forks_->link->pid(), where, std::move(line)});
    note(std::move(what));
}

void pool::look_after_fork_server(time_point time) {
    if (!forks_ || !forks_->there())
        return;
    if (forks_->ordered_for && forks_->answer_by <= time && forks_->ready()) {
        forks_->lost_how = "it did not fork a worker within " + std::to_string(longest_fork.count()) + " seconds";
        act_on_fork_server(forks_->life->kill(worker_life::cause::lost));
    }
    act_on_fork_server(forks_->life->time_passed(time));
}

// Whoever waited for something of it is told why there will be none, and the next start begins with another server.
void pool::fork_server_exited(const system::exit_status& status) {
    const bool opening = forks_->opening;
    worker* const ordered_for = forks_->ordered_for;
    const auto why = forks_->life->why();
    const bool wanted = forks_->life->was_wanted();
    std::string reason = "the fork server, process " + std::to_string(forks_->link->pid()) + ", is of no use: ";
    std::exception_ptr explained;
    if (forks_->preload_error) {
        explained = explain(forks_->preload_error);
        reason += text_of(explained);
    } else {
        reason += describe_failure(*forks_, status);
        if (forks_->preparing && options_.preload && why != worker_life::cause::lost)
            explained = std::make_exception_ptr(pool_error(errc::initializer_failed, reason));
    }
    close_fork_server(longest_reaping_of_lost);
    if (!opening && !ordered_for)
        return;
    if (wanted) {
        staffing_.put_off();
        return;
    }
    const bool may_help = !opening || why == worker_life::cause::died || why == worker_life::cause::lost;
    counted_.workers_started += opening ? 1 : 0;
    start_failed(ordered_for ? *ordered_for : free_place(), std::move(reason), may_help);
    if (explained)
        start_failure_ = explained;
}

/// Ends it if it has not ended, and whatever it forked of which the pool has not heard.
void pool::close_fork_server(std::chrono::milliseconds bound) {
    forks_->opening = false;
    if (forks_->orders)
        forks_->orders->close();
    if (forks_->link) {
        forks_->link->destroy(bound);
        system::reap_group(forks_->link->pid(), bound);
    }
    forks_->vacate();
}

/// Whether nothing is left of it; if something is, it is told to end.
bool pool::fork_server_gone() {
    if (!forks_ || !forks_->there())
        return true;
    if (!forks_->ordered_for)
        act_on_fork_server(forks_->life->retire(now()));
    return false;
}

} // namespace procpool::core
