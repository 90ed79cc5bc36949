// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/enclosed_output.hpp>

#include <system/segment_cache.hpp>

#include <algorithm>
#include <span>
#include <utility>

namespace procpool::system {

namespace {

std::span<const std::byte> bytes_of(const auto& object) {
    return std::as_bytes(std::span(&object, 1));
}

} // namespace

bool enclosed_output::carries(const wire::payload& bytes) noexcept {
    return segment_cache::segment_of(bytes) || !bytes.attachments().all.empty();
}

void enclosed_output::add(wire::frame_header header, const outgoing_call& call) {
    const wire::payload& bytes = call.arguments;
    const std::shared_ptr<segment>* const lies_in = segment_cache::segment_of(bytes);
    const wire::attachments with = bytes.attachments();
    wire::enclosure_header enclosure{0, static_cast<std::uint32_t>(with.all.size()), 0, bytes.size()};
    if (lies_in && bytes.size() >= least_in_segment) {
        enclosure.segment = announce(*lies_in);
        enclosure.offset = static_cast<std::uint64_t>(bytes.data() - (*lies_in)->data());
    }
    if (!with.all.empty()) {
        std::vector<std::shared_ptr<segment>> descriptors;
        descriptors.reserve(with.all.size());
        for (const wire::attached& one : with.all)
            descriptors.push_back(std::static_pointer_cast<segment>(one.what));
        to_.add(std::move(descriptors));
    }
    const std::size_t follows = enclosure.segment == 0 ? bytes.size() : 0;
    header.flags |= wire::call_flags::enclosed;
    header.size = static_cast<std::uint32_t>(sizeof call.header + sizeof enclosure +
                                             with.all.size() * sizeof(std::uint64_t) + follows);
    to_.add(bytes_of(header));
    to_.add(bytes_of(call.header));
    to_.add(bytes_of(enclosure));
    for (const wire::attached& one : with.all)
        to_.add(bytes_of(std::uint64_t{one.at - with.shift}));
    if (follows != 0)
        to_.add(bytes);
}

std::uint32_t enclosed_output::announce(const std::shared_ptr<segment>& lies_in) {
    const auto same = [&](const known_segment& one) {
        return !one.what.owner_before(lies_in) && !lies_in.owner_before(one.what);
    };
    forget_gone();
    if (const auto found = std::ranges::find_if(known_, same); found != known_.end()) {
        std::rotate(found, found + 1, known_.end());
        return known_.back().number;
    }
    if (known_.size() == most_segments) {
        forget(known_.front());
        known_.erase(known_.begin());
    }
    const std::uint32_t number = ++last_number_;
    known_.push_back({lies_in, number});
    to_.add(std::vector{lies_in});
    const wire::segment_message message{number, 0, lies_in->size()};
    to_.add(bytes_of(wire::frame_header{sizeof message, wire::frame_kind::segment, 0, 0, 0}));
    to_.add(bytes_of(message));
    return number;
}

void enclosed_output::forget(const known_segment& gone) {
    const wire::segment_message message{gone.number, 0, 0};
    to_.add(bytes_of(wire::frame_header{sizeof message, wire::frame_kind::forget_segment, 0, 0, 0}));
    to_.add(bytes_of(message));
}

bool enclosed_output::forget_gone() {
    const std::uint64_t now = segment_cache::instance().generation();
    if (known_.empty() || std::exchange(seen_generation_, now) == now)
        return false;
    return std::erase_if(known_, [this](const known_segment& one) {
               if (!one.what.expired())
                   return false;
               forget(one);
               return true;
           }) != 0;
}

} // namespace procpool::system
