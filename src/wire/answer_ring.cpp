// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <wire/answer_ring.hpp>

#include <algorithm>
#include <cstring>

namespace procpool::wire {

bool ring_writer::put(const frame_header& header, std::span<const std::byte> payload) noexcept {
    if (payload.size() > answer_ring::longest)
        return false;
    const std::uint64_t size = answer_ring::taken_by(payload.size());
    if (answer_ring::capacity - (written_ - read_) < size) {
        read_ = ring_.read_.load(std::memory_order_acquire);
        if (answer_ring::capacity - (written_ - read_) < size)
            return false;
    }
    // The capacity is a multiple of the alignment, so a header never goes around the end; its payload may.
    std::size_t at = written_ % answer_ring::capacity;
    std::memcpy(ring_.bytes_ + at, &header, sizeof header);
    at = (at + sizeof header) % answer_ring::capacity;
    const std::size_t before_end = std::min(payload.size(), answer_ring::capacity - at);
    if (!payload.empty()) {
        std::memcpy(ring_.bytes_ + at, payload.data(), before_end);
        std::memcpy(ring_.bytes_, payload.data() + before_end, payload.size() - before_end);
    }
    written_ += size;
    ring_.written_.store(written_, std::memory_order_release);
    return true;
}

bool ring_writer::must_wake() noexcept {
    // The publishing above must not be delayed past the look below. An exchange on the writer's own cache line is a full
    // fence, and one that ThreadSanitizer understands.
    ring_.written_.exchange(written_, std::memory_order_seq_cst);
    return ring_.reader_sleeps_.load(std::memory_order_seq_cst) != 0 &&
           ring_.reader_sleeps_.exchange(0, std::memory_order_seq_cst) != 0;
}

ring_reader::found ring_reader::take(frame_header& header, payload& bytes) {
    const std::uint64_t held = ring_.written_.load(std::memory_order_seq_cst) - read_;
    if (held == 0)
        return found::nothing;
    if (held > answer_ring::capacity || held < sizeof header)
        return found::nonsense;
    std::size_t at = read_ % answer_ring::capacity;
    std::memcpy(&header, ring_.bytes_ + at, sizeof header);
    if (header.size > answer_ring::longest || answer_ring::taken_by(header.size) > held)
        return found::nonsense;
    at = (at + sizeof header) % answer_ring::capacity;
    const std::size_t before_end = std::min<std::size_t>(header.size, answer_ring::capacity - at);
    if (before_end == header.size) {
        bytes = payload({ring_.bytes_ + at, header.size});
    } else {
        payload_builder pieces;
        pieces.append(ring_.bytes_ + at, before_end);
        pieces.append(ring_.bytes_, header.size - before_end);
        bytes = pieces.finish();
    }
    read_ += answer_ring::taken_by(header.size);
    ring_.read_.store(read_, std::memory_order_release);
    return found::answer;
}

bool ring_reader::sleep() noexcept {
    if (ring_.reader_sleeps_.exchange(1, std::memory_order_seq_cst) == 0)
        ++rings_due_;
    if (ring_.written_.load(std::memory_order_seq_cst) == read_)
        return true;
    wake();
    return false;
}

// The wish to be woken is taken back, unless the worker has made use of it meanwhile.
void ring_reader::wake() noexcept {
    if (ring_.reader_sleeps_.exchange(0, std::memory_order_seq_cst) != 0 && rings_due_ != 0)
        --rings_due_;
}

bool ring_reader::may_hold_something() const noexcept {
    return ring_.written_.load(std::memory_order_relaxed) != ring_.read_.load(std::memory_order_relaxed);
}

bool ring_reader::rang() noexcept {
    if (rings_due_ == 0)
        return false;
    --rings_due_;
    return true;
}

} // namespace procpool::wire
