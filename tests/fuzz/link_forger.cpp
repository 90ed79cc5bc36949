// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// What a hostile worker writes: into its pipe, its socket and the memory that it shares with the pool.

#include <fuzz/link_world.hpp>

#include <wire/enclosure.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

namespace procpool::fuzz::links {

wire::frame_header world::forged_header(input& in, std::size_t size) {
    constexpr std::array kinds{wire::frame_kind::hello,           wire::frame_kind::result,
                               wire::frame_kind::failure,         wire::frame_kind::doorbell,
                               wire::frame_kind::ready,           wire::frame_kind::not_ready,
                               wire::frame_kind::progress,        wire::frame_kind::call,
                               static_cast<wire::frame_kind>(99), wire::frame_kind::has_segment,
                               wire::frame_kind::dropped_segment, wire::frame_kind::segment,
                               wire::frame_kind::forget_segment,  wire::frame_kind::passed_over};
    wire::frame_header header{static_cast<std::uint32_t>(size), kinds[in.choice(kinds.size())], 0, 0, 0};
    if (const auto task = any_task(in); task != core_->tasks.end()) {
        header.id = task->second.sent;
        header.slot = task->second.slot;
    }
    const std::uint8_t lies = in.number();
    if ((lies & 7) == 1)
        header.id = in.number<std::uint64_t>();
    if ((lies & 7) == 2)
        header.slot = in.number<std::uint16_t>();
    if ((lies & 7) == 3)
        header.size = in.number<std::uint32_t>();
    if ((lies & 7) == 4)
        header.flags = in.number();
    return header;
}

std::pair<std::size_t, std::size_t> world::forge_descriptors(input& in) {
    if (!descriptors_)
        return {};
    std::vector<thing> which = make_things(in);
    const std::uint64_t number = in.choice(16) == 15 ? in.number() : sent_ + 1;
    const std::pair<std::size_t, std::size_t> told{which.empty() ? 0 : which.front().size, which.size()};
    if (hand_over(descriptors_.get(), number, which)) {
        ++sent_;
        handed_.add(std::move(which));
    }
    return told;
}

void world::forge_memory(input& in) {
    core_->honest = false;
    const std::uint8_t how = in.number();
    const std::size_t size = (how & 3) != 3 ? forge_descriptors(in).first : in.number<std::uint16_t>();
    const wire::segment_message message{static_cast<std::uint32_t>(in.choice(18)), 0, size};
    const std::size_t long_as = (how & 12) == 12 ? in.choice(sizeof message) : sizeof message;
    write_frame((how & 48) == 48 ? wire::frame_kind::dropped_segment : wire::frame_kind::has_segment, 0, 0,
                std::as_bytes(std::span(&message, 1)).first(long_as));
}

void world::forge_enclosed(input& in) {
    core_->honest = false;
    const std::uint8_t how = in.number();
    wire::enclosure_header enclosure{static_cast<std::uint32_t>(in.choice(18)), 0, 0, 0};
    if ((how & 1) != 0)
        enclosure.attached = static_cast<std::uint32_t>(forge_descriptors(in).second);
    if ((how & 6) == 6)
        enclosure.attached = in.number<std::uint16_t>();
    enclosure.offset = (how & 8) != 0 ? in.number<std::uint16_t>() : 0;
    enclosure.size = (how & 16) != 0 ? in.number<std::uint64_t>() : in.number<std::uint16_t>();
    std::vector<std::byte> said(sizeof enclosure);
    std::memcpy(said.data(), &enclosure, sizeof enclosure);
    for (std::uint64_t at = 0; at != std::min(enclosure.attached, 300U); ++at) {
        const bytes place = std::as_bytes(std::span(&at, 1));
        said.insert(said.end(), place.begin(), place.end());
    }
    const bytes more = in.some((how & 32) != 0 ? in.number() : 0);
    said.insert(said.end(), more.begin(), more.end());
    if (enclosure.segment == 0 && (how & 64) != 0)
        said.resize(said.size() + enclosure.size % 65536);
    const wire::frame_header header = forged_header(in, said.size());
    write_frame(wire::frame_kind::result, header.slot, header.id, said, wire::call_flags::enclosed);
}

void world::forge_frame(input& in) {
    core_->honest = false;
    const bytes payload = in.some(in.number());
    const wire::frame_header header = forged_header(in, payload.size());
    write(std::as_bytes(std::span(&header, 1)));
    write(payload);
}

void world::forge_ring(input& in) {
    core_->honest = false;
    const bytes payload = in.some(in.number());
    ring_->put(forged_header(in, payload.size()), payload);
    if (in.choice(2) == 0)
        ring_bell();
    else
        write_frame(wire::frame_kind::doorbell, 0, 0, {});
}

void world::scribble(input& in) {
    core_->honest = false;
    auto* const memory = reinterpret_cast<std::byte*>(&**memory_);
    std::size_t at = 0;
    switch (in.choice(5)) {
    case 4: // the words for memory that is in use
        at = offsetof(system::shared_memory, results) + in.choice(sizeof(wire::segment_board));
        break;
    case 0: // the ring's counts
        at = offsetof(system::shared_memory, answers) + 64 * in.choice(3);
        break;
    case 1: // what lies in the ring
        at = offsetof(system::shared_memory, answers) + 192 + in.number<std::uint16_t>();
        break;
    case 2: // the run sheet
        at = offsetof(system::shared_memory, running) + in.number();
        break;
    default: // the ledger
        at = in.number<std::uint16_t>() % sizeof(wire::ledger);
    }
    const bytes some = in.some(in.number());
    std::memcpy(memory + at, some.data(), std::min(some.size(), sizeof(system::shared_memory) - at));
}

} // namespace procpool::fuzz::links
