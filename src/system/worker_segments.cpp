// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/worker_segments.hpp>

#include <system/descriptor_channel.hpp>
#include <system/failure.hpp>
#include <system/worker_process.hpp>
#include <wire/frame.hpp>
#include <wire/take_front.hpp>

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <bit>
#include <cstring>

namespace procpool::system {

namespace {

constexpr std::size_t least_size = std::size_t{1} << 20;
constexpr std::size_t greatest_size = std::size_t{2} << 30;

template <class T>
void put(std::vector<std::byte>& to, const T& value) {
    const auto bytes = std::as_bytes(std::span(&value, 1));
    to.insert(to.end(), bytes.begin(), bytes.end());
}

} // namespace

// Calls -------------------------------------------------------------------------------------------------------------

bool worker_segments::announced(std::span<const std::byte> bytes) {
    wire::segment_message message;
    if (!wire::take_front(bytes, message) || !bytes.empty())
        return false;
    std::vector<unique_fd> descriptors;
    const received got = receive_descriptors(socket_.get(), ++received_, 1, descriptors);
    if (got == received::nonsense)
        return false;
    known_[message.number] = got == received::all ? segment::adopt(std::move(descriptors.front())) : nullptr;
    return true;
}

bool worker_segments::forgotten(std::span<const std::byte> bytes) {
    wire::segment_message message;
    if (!wire::take_front(bytes, message) || !bytes.empty())
        return false;
    known_.erase(message.number);
    return true;
}

bool worker_segments::open(std::span<const std::byte> bytes, opened& made) {
    wire::enclosure_header header;
    if (!wire::take_front(bytes, header) || header.attached > wire::most_attached ||
        bytes.size() < header.attached * sizeof(std::uint64_t))
        return false;
    made.attached.clear();
    made.problem = nullptr;
    if (header.attached != 0) {
        std::vector<unique_fd> descriptors;
        const received got = receive_descriptors(socket_.get(), ++received_, header.attached, descriptors);
        if (got == received::nonsense)
            return false;
        if (got == received::shortage || got == received::unread)
            made.problem = failure_of("receiving what is attached to the arguments of a task", EMFILE);
        for (std::uint32_t i = 0; i != header.attached; ++i) {
            std::uint64_t at = 0;
            wire::take_front(bytes, at);
            if (!made.problem)
                made.attached.push_back({at, segment::adopt(std::move(descriptors[i]))});
        }
    }
    if (header.segment == 0) {
        made.bytes = bytes;
        return bytes.size() == header.size;
    }
    const auto found = known_.find(header.segment);
    if (found == known_.end())
        return false;
    if (!found->second) {
        made.problem = failure_of("receiving the memory that the arguments of a task are in", EMFILE);
        return true;
    }
    if (header.offset > found->second->size() || header.size > found->second->size() - header.offset)
        return false;
    try {
        made.bytes = {found->second->data() + header.offset, header.size};
    } catch (const boost::system::system_error&) {
        made.problem = std::current_exception();
    }
    return true;
}

// Results -----------------------------------------------------------------------------------------------------------

wire::payload::block* worker_segments::take(std::size_t capacity) {
    // A copy of this process shares the memory, in which the original is to make its result.
    if (capacity > greatest_size || is_copy_of_worker())
        return nullptr;
    auto block = std::make_unique<result_block>();
    std::size_t best = segments_.size();
    // One that fits and has touched most, else a free place, else the place of one that is too small.
    const auto rank = [&](std::size_t index) -> std::size_t {
        const auto& what = segments_[index].what;
        return !what ? 2 : what->size() < capacity ? 1 : 3 + what->provided();
    };
    for (std::size_t index = 0; index != segments_.size(); ++index)
        if (!in_use(index) && (best == segments_.size() || rank(index) > rank(best)))
            best = index;
    if (best == segments_.size())
        return nullptr; // the pool has yet to read the others; through the pipe it holds this worker back
    result_segment& chosen = segments_[best];
    try {
        if (!chosen.what || chosen.what->size() < capacity) {
            chosen.what = segment::make(std::max(std::bit_ceil(capacity), least_size));
            chosen.announced = false;
            chosen.what->seal();
        }
    } catch (const boost::system::system_error&) {
        chosen.what.reset();
        return nullptr;
    }
    if (!chosen.what->provide(capacity))
        return nullptr;
    chosen.taken = true;
    block->index = best;
    block->capacity = capacity;
    block->memory = chosen.what->writable();
    block->from = this;
    return block.release();
}

void worker_segments::give_back(wire::payload::block* unused) noexcept {
    const std::unique_ptr<result_block> block(static_cast<result_block*>(unused));
    segments_[block->index].taken = false;
}

bool worker_segments::wants(const wire::payload_builder& result) noexcept {
    return !result.attached_so_far().empty() ||
           (result.block() && result.block()->from && result.size() >= wire::storage::threshold);
}

worker_segments::handed_over worker_segments::hand_over(const wire::payload_builder& result, std::size_t offset) {
    handed_over made;
    const auto& with = result.attached_so_far();
    const std::size_t size = result.size() - offset;
    wire::enclosure_header header{0, static_cast<std::uint32_t>(with.size()), 0, size};
    const auto send = [this](std::span<const int> descriptors) {
        if (const int error = send_descriptors(socket_.get(), ++sent_, descriptors); error != 0)
            end_without_pool();
    };
    const bool in_segment = result.block() && result.block()->from == this && size >= wire::storage::threshold;
    if (in_segment) {
        const std::size_t index = static_cast<const result_block*>(result.block())->index;
        result_segment& lies_in = segments_[index];
        header.segment = static_cast<std::uint32_t>(index + 1);
        header.offset = offset;
        const bool missed = board_.uses[index].exchange(wire::segment_board::in_use, std::memory_order_acq_rel) ==
                            wire::segment_board::missed;
        if (!std::exchange(lies_in.announced, true) || missed) {
            const int fd = lies_in.what->fd();
            send({&fd, 1});
            const wire::segment_message message{header.segment, 0, lies_in.what->size()};
            put(made.frames, wire::frame_header{sizeof message, wire::frame_kind::has_segment, 0, 0, 0});
            put(made.frames, message);
        }
    }
    if (!with.empty()) {
        std::vector<int> descriptors;
        for (const wire::attached& one : with)
            descriptors.push_back(static_cast<const segment&>(*one.what).fd());
        send(descriptors);
    }
    made.answer_at = made.frames.size();
    made.bytes_follow = !in_segment;
    put(made.frames, header);
    for (const wire::attached& one : with)
        put(made.frames, std::uint64_t{one.at - offset});
    return made;
}

std::vector<std::byte> worker_segments::trim(std::size_t left) {
    std::vector<std::byte> frames;
    std::size_t kept = 0;
    for (std::size_t index = 0; index != segments_.size(); ++index) {
        result_segment& one = segments_[index];
        if (!one.what || one.taken)
            continue;
        kept += one.what->provided();
        if (kept <= left)
            continue;
        kept -= one.what->provided();
        one.what.reset();
        if (std::exchange(one.announced, false)) {
            const wire::segment_message message{static_cast<std::uint32_t>(index + 1), 0, 0};
            put(frames, wire::frame_header{sizeof message, wire::frame_kind::dropped_segment, 0, 0, 0});
            put(frames, message);
        }
    }
    return frames;
}

void worker_segments::unmap() {
    for (auto& [number, what] : known_)
        if (what)
            what->unmap();
}

} // namespace procpool::system
