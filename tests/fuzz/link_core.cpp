// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <fuzz/link_core.hpp>

#include <system/segment.hpp>

#include <cerrno>
#include <chrono>
#include <cstring>

#include <poll.h>

namespace procpool::fuzz::links {

namespace {

/// Something to be attached to a message, which says where.
std::shared_ptr<system::segment> attachable(std::size_t at) {
    auto made = system::segment::make(1);
    made->provide(1);
    *made->writable() = static_cast<std::byte>(at);
    made->seal();
    return made;
}

/// Not one by one, of which libFuzzer would make much.
bool same(bytes left, bytes right) {
    return left.size() == right.size() && (left.empty() || std::memcmp(left.data(), right.data(), left.size()) == 0);
}

} // namespace

wire::payload_builder& fill(wire::payload_builder& builder, std::size_t things, bytes some) {
    for (std::size_t at = 0; at != things; ++at) {
        builder.attach(attachable(at));
        builder.append(some.data() + at, 1);
    }
    builder.append(some.data() + things, some.size() - things);
    return builder;
}

bool well_filled(const wire::payload& message, std::size_t things) {
    const wire::attachments with = message.attachments();
    bool good = with.all.size() == things;
    for (std::size_t i = 0; i != with.all.size(); ++i) {
        const auto& memory = static_cast<const system::segment&>(*with.all[i].what);
        const volatile std::byte* const all = memory.data();
        for (std::size_t at = 0; at < memory.size(); at += 4096)
            (void)all[at];
        good = good && with.all[i].at - with.shift == i && memory.size() == 1 && all[0] == static_cast<std::byte>(i);
    }
    return good;
}

void wait_for_end(int pidfd) {
    pollfd ended{pidfd, POLLIN, 0};
    while (::poll(&ended, 1, -1) < 0 && errno == EINTR) {
    }
}

void holder::begin_turn() {
    expect(!in_turn_, "a turn begins within another");
    in_turn_ = true;
}

void holder::end_turn() {
    expect(in_turn_, "a turn ends that did not begin");
    in_turn_ = false;
}

void holder::hello(const wire::hello_message& message) {
    heard();
    act(life_.hello(now_, message.version == wire::protocol_version && message.build_id == "b"));
}

void holder::initialized(const wire::payload* error) {
    heard();
    act(life_.initialized(!error));
}

void holder::answered(system::answer&& message) {
    heard();
    const auto had = tasks.find(message.id);
    if (!expect(had != tasks.end(), "a task is answered that the worker does not have"))
        return;
    expect(had->second.slot == message.slot, "a task is answered in another slot");
    tasks.erase(had);
    if (const auto answer = due.find(message.id); answer != due.end()) {
        expect(!honest || same(message.bytes.bytes(), answer->second), "an answer has other bytes");
        const auto with = attached.extract(message.id);
        const bool filled = well_filled(message.bytes, with ? with.mapped() : 0);
        expect(!honest || filled, "other things are attached to an answer");
        if (message.bytes.size() >= wire::storage::threshold || with)
            kept.emplace_back(std::move(message.bytes), std::move(answer->second));
        due.erase(answer);
        doubtful.erase(message.id);
    } else {
        expect(!honest, "a task is answered that the worker did not answer");
        well_filled(message.bytes, 0);
        const std::vector<std::byte> read(message.bytes.bytes().begin(), message.bytes.bytes().end());
        kept.emplace_back(std::move(message.bytes), read);
    }
}

void holder::read_answer() {
    if (kept.empty())
        return;
    const auto& [message, said] = kept.front();
    const bool unchanged = same(message.bytes(), said);
    expect(!honest || unchanged, "an answer changes after it was told");
    kept.pop_front();
}

void holder::misbehaved(const std::string& how) {
    heard();
    misbehaves = true;
    if (honest)
        expect(false, "an honest worker is said to misbehave: " + how);
    act(life_.misbehaved());
}

void holder::lost(const std::string& how) {
    heard_end();
    expect(false, "the worker is lost: " + how); // for here the system does not fail
}

void holder::printed(output_stream where, std::vector<std::string>&& some) {
    heard_end();
    for (std::string& line : some)
        lines.push_back(std::move(line));
    link->go_on_reading(where);
}

void holder::output_ended() {
    heard_end();
    act(life_.output_ended(now_));
}

void holder::exited(const system::exit_status&) {
    heard_end();
    has_exited = true;
    expect(life_.exited() == worker_life::action::bury, "a worker is buried twice");
}

void holder::time_passes() {
    now_ += std::chrono::seconds(31);
    act(life_.time_passed(now_));
}

bool holder::expect(bool holds, const std::string& otherwise) {
    if (!holds && wrong.empty())
        wrong = otherwise;
    return holds;
}

void holder::heard_end() {
    expect(in_turn_, "something is told outside of a turn");
    expect(!has_exited, "something is told after the worker's end");
    expect(!destroyed, "something is told after the link was given up");
}

void holder::heard() {
    heard_end();
    expect(!misbehaves, "something is told of what came after the worker misbehaved");
}

void holder::act(worker_life::action action) {
    leaving = leaving || action == worker_life::action::close_input || action == worker_life::action::kill;
    if (action == worker_life::action::close_input)
        link->close_input();
    if (action == worker_life::action::kill) {
        link->kill();
        killed = true;
        wait_for_end(pidfd.get());
    }
}

} // namespace procpool::fuzz::links
