// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <fuzz/link_world.hpp>

#include <system/prepared_worker.hpp>
#include <system/segment_cache.hpp>
#include <system/spawn_launcher.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>

namespace procpool::fuzz::links {

namespace {

system::unique_fd copy_of(int fd) {
    system::unique_fd made(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
    require(static_cast<bool>(made), "the worker's end of the link cannot be copied");
    return made;
}

/// The same of a pipe that does not wait.
system::unique_fd not_waiting(system::unique_fd pipe) {
    system::set_non_blocking(pipe.get());
    return pipe;
}

} // namespace

world::world() {
    system::worker_command command;
    command.program = "/bin/sh";
    // Stopped, it does nothing until it is killed; should this process go first, the system ends it.
    command.arguments = {"sh", "-c", "kill -STOP $$"};
    command.standard_output = output::capture;
    const system::unique_fd own_process = system::open_own_process();
    system::prepared_worker prepared = system::prepare_worker(command, own_process.get());
    system::spawn_launcher launcher(prepared.descriptors);
    auto process = launcher(context_.get_executor(), command.program, command.arguments);
    system::started_process started{process.id(), launcher.take_pidfd(), 0};
    process.detach();
    // The worker's ends, which are this side's now.
    core_->pidfd = copy_of(started.pidfd.get());
    calls_ = not_waiting(std::move(prepared.calls.read));
    answers_ = not_waiting(std::move(prepared.answers.write));
    standard_output_ = not_waiting(std::move(prepared.printed.write));
    memory_.emplace(system::shared_mapping::open(copy_of(prepared.shared.fd())));
    ring_.emplace((*memory_)->answers);
    descriptors_ = std::move(prepared.descriptor_channel.worker);
    segments_.emplace(copy_of(descriptors_.get()), (*memory_)->results);
    core_->link = system::local_link::take_over(context_.get_executor(), std::move(prepared), std::move(started));
    core_->link->listen(core_);
    core_->in_turn([&] { core_->link->set_up({0, 0}); });
}

void world::step(input& in) {
    switch (in.choice(32)) {
    case 0:
    case 1:
        send(in);
        break;
    case 2:
    case 3:
        answer(in);
        break;
    case 4: // more than one answer before anybody looks
        for (std::size_t more = 2 + in.choice(6); more != 0; --more)
            answer(in);
        break;
    case 5:
        say_hello(in);
        break;
    case 6:
        write_frame(wire::frame_kind::progress, 0, next_id_,
                    wire::encode(wire::progress_message{0.5, std::string(in.number(), 'p')}).bytes());
        break;
    case 7:
        withdraw(in);
        break;
    case 8:
        look(in);
        break;
    case 9:
        read_calls();
        break;
    case 10:
        core_act(in);
        break;
    case 11: // any bytes
        core_->honest = false;
        write(in.some(in.number()));
        break;
    case 12:
    case 13:
        forge_frame(in);
        break;
    case 14:
        forge_ring(in);
        break;
    case 15:
    case 16:
        scribble(in);
        break;
    case 17: // the worker ends, with what it has left behind
        die();
        break;
    case 18:
        print(in.some(in.number()));
        break;
    case 21:
    case 22:
        send_enclosed(in);
        break;
    case 23:
    case 24:
    case 25:
        answer_enclosed(in);
        break;
    case 26:
        core_->read_answer();
        break;
    case 27: // the worker gives up memory
        if (segments_)
            write(segments_->trim(in.choice(4) * wire::storage::threshold));
        break;
    case 28:
        core_->honest = false;
        forge_descriptors(in);
        break;
    case 29:
        forge_memory(in);
        break;
    case 30:
    case 31:
        forge_enclosed(in);
        break;
    default:
        settle();
    }
    check();
}

void world::end() {
    if (!core_->link)
        return;
    core_->in_turn([&] { core_->link->destroy(std::chrono::seconds(20)); });
    core_->destroyed = true;
    core_->link.reset();
    run();
    while (!core_->kept.empty()) // answers outlive the link
        core_->read_answer();
    handed_.check();
}

void world::check() const {
    if (!core_->wrong.empty())
        throw violation(core_->wrong);
}

void world::settle() {
    run();
    check();
    require_all_printed();
    if (!core_->killed) {
        require(!core_->honest || core_->due.empty(), "an honest worker's answer does not arrive");
        return;
    }
    require(core_->has_exited, "the end of a worker is not told");
    for (const auto& [id, answer] : core_->due)
        require(!core_->honest || core_->doubtful.contains(id), "what a worker said before its end is lost");
}

void world::run() {
    do
        context_.restart();
    while (context_.poll() != 0);
}

void world::send(input& in) {
    if (core_->tasks.size() == 100 || core_->leaving || core_->has_exited)
        return;
    const std::uint64_t id = ++next_id_;
    const std::uint32_t items = 1 + static_cast<std::uint32_t>(in.choice(20));
    const std::vector<std::byte> arguments(in.number() * std::size_t{8});
    core_->in_turn([&] {
        const std::uint16_t slot = core_->link->admit(id);
        for (const auto& [other, task] : core_->tasks)
            require(task.slot != slot, "two tasks have the same slot");
        core_->tasks[id] = {slot, wire::sending::of(id, taken_back_[slot]), items};
        const std::uint8_t flags = items == 1 ? 0 : wire::call_flags::chunk;
        core_->link->send(slot, {id, flags, {1, 2, items, 1}, wire::payload(arguments)});
        core_->link->flush();
    });
}

void world::send_enclosed(input& in) {
    if (core_->tasks.size() == 100 || core_->leaving || core_->has_exited)
        return;
    const std::uint64_t id = ++next_id_;
    const std::uint8_t how = in.number();
    const std::vector<std::byte> arguments((how & 3) == 3 ? wire::storage::threshold : 8);
    wire::payload_builder builder(&system::segment_cache::instance());
    fill(builder, (how >> 2) % 4, arguments);
    core_->in_turn([&] {
        const std::uint16_t slot = core_->link->admit(id);
        core_->tasks[id] = {slot, wire::sending::of(id, taken_back_[slot]), 1};
        core_->link->send(slot, {id, 0, {1, 2, 1, 1}, builder.finish()});
        core_->link->flush();
    });
}

std::map<std::uint64_t, holder::task>::iterator world::any_task(input& in) {
    auto found = core_->tasks.begin();
    std::advance(found, core_->tasks.empty() ? 0 : in.choice(core_->tasks.size()));
    return found;
}

void world::withdraw(input& in) {
    const auto task = any_task(in);
    if (task == core_->tasks.end() || core_->has_exited)
        return;
    const auto [id, what] = *task;
    bool withdrawn = false;
    core_->in_turn([&] {
        const bool begun = core_->link->look(what.slot, id) != wire::ledger_state::waiting;
        withdrawn = core_->link->withdraw(what.slot, id) == system::worker_link::withdrawal::withdrawn;
        require(withdrawn != begun, "a task is withdrawn that was begun, or not although it waits");
        if (withdrawn) {
            core_->tasks.erase(id);
            ++taken_back_[what.slot];
        }
    });
    if (withdrawn) // of which the worker reads now, when its slot may be another's
        write_frame(wire::frame_kind::passed_over, what.slot, what.sent, {});
}

void world::look(input& in) {
    const auto task = any_task(in);
    if (task == core_->tasks.end())
        return;
    const auto& [id, what] = *task;
    core_->in_turn([&] {
        const system::worker_link& link = *core_->link;
        (void)link.phase();
        (void)link.began_at(id);
        (void)link.worn_out();
        (void)link.listens(id);
        core_->link->ask_to_stop(id);
        if (const auto found = link.progress(id, what.items))
            require(found->done <= found->begun && found->begun <= what.items,
                    "a chunk's progress is such as cannot be");
        if (const auto first = core_->link->split(id, what.items)) {
            require(*first != 0 && *first < what.items, "a chunk is split where it cannot be");
            core_->tasks[id].items = *first;
        }
    });
}

void world::core_act(input& in) {
    core_->in_turn([&] {
        switch (in.choice(4)) {
        case 0:
            core_->retire();
            break;
        case 1:
            core_->kill();
            break;
        case 2:
            core_->time_passes();
            break;
        default:
            core_->link->flush();
        }
    });
}

} // namespace procpool::fuzz::links
