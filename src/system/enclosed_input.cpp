// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/enclosed_input.hpp>

#include <system/descriptor_channel.hpp>
#include <system/failure.hpp>
#include <wire/frame.hpp>
#include <wire/take_front.hpp>

#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

namespace procpool::system {

namespace {

/// A payload's block in a segment of a worker's.
struct result_block : wire::payload::block {
    std::shared_ptr<segment> lies_in;
    std::shared_ptr<shared_memory> shared;
    std::uint32_t number = 0;
};

class result_storage final : public wire::storage {
public:
    static result_storage& instance() noexcept {
        alignas(result_storage) static std::byte place[sizeof(result_storage)]; // not on the heap, which may be full
        static result_storage& the_one = *::new (static_cast<void*>(place)) result_storage;
        return the_one;
    }
    wire::payload::block* take(std::size_t) override { return nullptr; }
    void give_back(wire::payload::block* unused) noexcept override {
        const std::unique_ptr<result_block> block(static_cast<result_block*>(unused));
        block->shared->results.uses[block->number].store(wire::segment_board::free, std::memory_order_release);
    }
};

} // namespace

enclosed_input::outcome enclosed_input::take(int socket, std::size_t count,
                                             std::vector<std::shared_ptr<segment>>& which) {
    std::vector<unique_fd> descriptors;
    const received got = receive_descriptors(socket, ++received_, count, descriptors);
    bool good = got == received::all;
    for (unique_fd& one : descriptors) {
        auto adopted = segment::adopt(std::move(one));
        good = good && adopted && adopted->holds(adopted->size());
        which.push_back(std::move(adopted));
    }
    if (got == received::shortage)
        return outcome::shortage;
    if (got == received::unread)
        return outcome::lost;
    return good ? outcome::good
                : wrong("the descriptors that it announced did not come, or are not what they were said to be");
}

enclosed_input::outcome enclosed_input::has_segment(std::span<const std::byte> bytes, int socket) {
    wire::segment_message message;
    if (!wire::take_front(bytes, message) || !bytes.empty() || message.number == 0 || message.number > segments_.size())
        return wrong("it announced memory in a way that makes no sense");
    std::vector<unique_fd> descriptors;
    const received got = receive_descriptors(socket, ++received_, 1, descriptors);
    if (got == received::shortage) {
        segments_[message.number - 1].reset();
        missing_[message.number - 1] = true;
        return outcome::good; // until there is an answer in it
    }
    if (got == received::unread)
        return outcome::lost;
    std::shared_ptr<segment> adopted;
    if (!descriptors.empty())
        adopted = segment::adopt(std::move(descriptors.front()));
    if (got != received::all || !adopted || adopted->size() != message.size ||
        adopted->size() > 4 * wire::max_payload_size)
        return wrong("the memory that it announced is not what it was said to be");
    segments_[message.number - 1] = std::move(adopted);
    missing_[message.number - 1] = false;
    return outcome::good;
}

enclosed_input::outcome enclosed_input::dropped_segment(std::span<const std::byte> bytes) {
    wire::segment_message message;
    if (!wire::take_front(bytes, message) || !bytes.empty() || message.number == 0 || message.number > segments_.size())
        return wrong("it dropped memory that it never had");
    segments_[message.number - 1].reset();
    missing_[message.number - 1] = false;
    return outcome::good;
}

/// The worker can use the memory again, but not without sending it again.
enclosed_input::outcome enclosed_input::missed(std::exception_ptr why, std::uint32_t segment) noexcept {
    problem_ = std::move(why);
    if (segment != 0 && segment <= segments_.size())
        shared_->results.uses[segment - 1].store(wire::segment_board::missed, std::memory_order_release);
    return outcome::shortage;
}

enclosed_input::outcome enclosed_input::open(std::span<const std::byte> bytes, int socket, wire::payload& answer) {
    wire::enclosure_header header;
    if (!wire::take_front(bytes, header) || header.attached > wire::most_attached ||
        header.size > wire::max_payload_size || bytes.size() < header.attached * sizeof(std::uint64_t))
        return wrong("it gave an answer that makes no sense");
    std::vector<wire::attached> with;
    std::vector<std::shared_ptr<segment>> things;
    if (header.attached != 0) {
        with.reserve(header.attached);
        things.reserve(header.attached);
        const outcome got = take(socket, header.attached, things);
        if (got == outcome::shortage)
            return missed(failure_of("receiving what is attached to the result of a task", EMFILE), header.segment);
        if (got != outcome::good)
            return got;
        for (std::uint32_t i = 0; i != header.attached; ++i) {
            std::uint64_t at = 0;
            wire::take_front(bytes, at);
            if (at >= header.size || (i != 0 && at <= with.back().at))
                return wrong("it attached something where nothing can be");
            with.push_back({at, std::move(things[i])});
        }
    }
    wire::payload::block* block = nullptr;
    if (header.segment == 0) {
        if (bytes.size() != header.size)
            return wrong("it gave an answer that is not as long as it says");
        block = wire::payload::allocate(bytes.size());
        if (!bytes.empty())
            std::memcpy(block->bytes(), bytes.data(), bytes.size());
    } else {
        const auto index = header.segment - 1;
        if (!bytes.empty() || index >= segments_.size() || !(segments_[index] || missing_[index]))
            return wrong("it gave an answer in memory that it does not share");
        if (missing_[index])
            return missed(failure_of("receiving the memory that the result of a task is in", EMFILE), header.segment);
        segment& lies_in = *segments_[index];
        if (header.offset > lies_in.size() || header.size > lies_in.size() - header.offset ||
            !lies_in.holds(header.offset + header.size))
            return wrong("it gave an answer that reaches beyond the memory that it shares");
        auto made = std::make_unique<result_block>();
        made->capacity = header.size;
        try {
            // Never written to: a payload's bytes are not.
            made->memory = const_cast<std::byte*>(lies_in.data()) + header.offset;
        } catch (const boost::system::system_error&) { // there is no room for one more mapping
            return missed(std::current_exception(), header.segment);
        }
        made->from = &result_storage::instance();
        made->lies_in = segments_[index];
        made->shared = shared_;
        made->number = index;
        block = made.release();
    }
    answer = wire::payload(block, header.size);
    if (!with.empty())
        block->attachments = new std::vector<wire::attached>(std::move(with));
    return outcome::good;
}

} // namespace procpool::system
