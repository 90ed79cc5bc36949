// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// What the worker writes and reads, and how it answers as it should.

#include <fuzz/link_world.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace procpool::fuzz::links {

bool world::write(bytes some) {
    bool at_once = true;
    int in_vain = 0;
    while (!some.empty()) {
        const ssize_t written = ::write(answers_.get(), some.data(), some.size());
        if (written > 0) {
            some = some.subspan(static_cast<std::size_t>(written));
            in_vain = 0;
            continue;
        }
        // The pipe is full, unless nobody reads from it any more. That something happened does not mean that it was read: the
        // kernel tells of every attempt to write.
        const bool full = errno == EAGAIN;
        at_once = false;
        context_.restart();
        if (full && context_.poll() != 0 && ++in_vain != 1000)
            continue;
        require(!core_->honest || core_->killed || core_->has_exited, "an honest worker is not listened to");
        break;
    }
    return at_once;
}

bool world::write_frame(wire::frame_kind kind, std::uint16_t slot, std::uint64_t sent, bytes payload,
                        std::uint8_t flags) {
    const wire::frame_header header{static_cast<std::uint32_t>(payload.size()), kind, flags, slot, sent};
    const bool at_once = write(std::as_bytes(std::span(&header, 1)));
    return write(payload) && at_once;
}

void world::die() {
    ::syscall(SYS_pidfd_send_signal, core_->pidfd.get(), SIGKILL, nullptr, 0);
    core_->killed = true;
    wait_for_end(core_->pidfd.get());
    // It does not take any more of what it was sent.
    segments_.reset();
    descriptors_ = {};
}

void world::say_hello(input& in) {
    const bool right = in.choice(4) != 0;
    write_frame(wire::frame_kind::hello, 0, 0,
                wire::encode(wire::hello_message{wire::protocol_version, right ? "b" : "c"}).bytes());
}

void world::print(bytes some) {
    if (core_->has_exited)
        return;
    const ssize_t written = ::write(standard_output_.get(), some.data(), some.size());
    if (written > 0)
        text_.append(reinterpret_cast<const char*>(some.data()), static_cast<std::size_t>(written));
}

void world::require_all_printed() const {
    std::string told;
    for (const std::string& line : core_->lines)
        told += line + '\n';
    std::string whole = text_;
    if (!core_->has_exited)
        whole.resize(whole.rfind('\n') + 1);
    else if (!whole.empty() && whole.back() != '\n')
        whole += '\n';
    require(told == whole, "what a worker prints arrives otherwise");
}

void world::answer(input& in) {
    const auto task = any_task(in);
    if (task == core_->tasks.end() || core_->due.contains(task->first) || core_->has_exited)
        return;
    const auto [id, what] = *task;
    auto& ledger = (*memory_)->ledger;
    if (!ledger.claim(what.slot, what.sent))
        return;
    const std::uint8_t how = in.number();
    std::vector<std::byte> result((how & 1) != 0 ? in.number<std::uint16_t>() * std::size_t{4} : in.number());
    if (!result.empty())
        result.front() = static_cast<std::byte>(id);
    const wire::frame_kind kind = (how & 2) != 0 ? wire::frame_kind::failure : wire::frame_kind::result;
    const wire::frame_header header{static_cast<std::uint32_t>(result.size()), kind, 0, what.slot, what.sent};
    core_->due[id] = result;
    bool at_once = true;
    if ((how & 4) == 0 && ring_->put(header, result)) {
        if ((how & 24) == 24) // it ends before it can ring
            die();
        else
            at_once = ring_bell();
    } else {
        at_once = write_frame(kind, what.slot, what.sent, result);
    }
    ledger.finish(what.slot, what.sent);
    if (!at_once && core_->killed) // while it wrote, maybe
        core_->doubtful.insert(id);
}

bool world::can_hand_over() {
    if (!segments_)
        return false;
    pollfd socket{descriptors_.get(), POLLOUT, 0};
    if (::poll(&socket, 1, 0) == 1)
        return true;
    run();
    return segments_ && ::poll(&socket, 1, 0) == 1;
}

void world::answer_enclosed(input& in) {
    const auto task = any_task(in);
    if (task == core_->tasks.end() || core_->due.contains(task->first) || core_->has_exited || !can_hand_over())
        return;
    const auto found = core_->tasks.find(task->first);
    if (found == core_->tasks.end()) // in the meantime it was answered
        return;
    const auto [id, what] = *found;
    auto& ledger = (*memory_)->ledger;
    if (!ledger.claim(what.slot, what.sent))
        return;
    const std::uint8_t how = in.number();
    const std::size_t size = ((how & 1) != 0 ? wire::storage::threshold : 4) + in.number();
    const std::vector<std::byte> result(size, static_cast<std::byte>(id));
    const std::size_t things = (how >> 1) % 4;
    const std::size_t offset = (how >> 3) % 4;
    std::optional<wire::payload_builder> made(std::in_place, &*segments_);
    wire::payload_builder& builder = *made;
    builder.append(result.data(), offset);
    fill(builder, things, result);
    core_->due[id] = result;
    if (things != 0)
        core_->attached[id] = things;
    bool at_once = true;
    if (system::worker_segments::wants(builder)) {
        auto [frames, answer_at, bytes_follow] = segments_->hand_over(builder, offset);
        sent_ += (answer_at != 0 ? 1U : 0U) + (things != 0 ? 1U : 0U);
        if (bytes_follow)
            frames.insert(frames.end(), result.begin(), result.end());
        const bytes all(frames);
        at_once = write(all.first(answer_at));
        at_once = write_frame((how & 64) != 0 ? wire::frame_kind::failure : wire::frame_kind::result, what.slot,
                              what.sent, all.subspan(answer_at), wire::call_flags::enclosed) &&
                  at_once;
    } else {
        at_once = write_frame(wire::frame_kind::result, what.slot, what.sent, result);
    }
    ledger.finish(what.slot, what.sent);
    made.reset();           // it uses the worker's memory
    if ((how & 160) == 160) // and that was all
        die();
    if (!at_once && core_->killed)
        core_->doubtful.insert(id);
}

void world::read_calls() {
    std::array<std::byte, 4096> some;
    while (::read(calls_.get(), some.data(), some.size()) > 0) {
    }
    while (descriptors_ && ::recv(descriptors_.get(), some.data(), some.size(), MSG_DONTWAIT) > 0) {
    }
}

} // namespace procpool::fuzz::links
