// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <wire/frame_reader.hpp>

#include <algorithm>
#include <cstring>

namespace procpool::wire {

namespace {
// So large that a frame which does not fit is never kept inside a payload object, where moving it would move its bytes.
constexpr std::size_t smallest_buffer = 256;
static_assert(smallest_buffer > payload::inline_capacity + sizeof(frame_header));
} // namespace

frame_reader::frame_reader(std::size_t buffer_size)
    : buffer_(std::make_unique_for_overwrite<std::byte[]>(std::max(buffer_size, smallest_buffer))),
      capacity_(std::max(buffer_size, smallest_buffer)) {
}

std::span<std::byte> frame_reader::writable() {
    if (expecting_large_) {
        // Ask for as much again as has come already: a few large reads, and never more memory than twice what came.
        const std::size_t missing = large_header_.size - large_.size();
        offered_ = std::min(missing, std::max(capacity_, large_.size()));
        return {large_.extend(offered_), offered_};
    }
    if (begin_ == end_) {
        begin_ = end_ = 0;
    } else if (begin_ != 0) {
        std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    return {buffer_.get() + end_, capacity_ - end_};
}

void frame_reader::received(std::size_t size) {
    if (expecting_large_)
        large_.truncate(large_.size() - offered_ + std::min(size, offered_));
    else
        end_ += std::min(size, capacity_ - end_);
    offered_ = 0;
}

std::optional<frame> frame_reader::next() {
    if (broken_)
        return std::nullopt;
    if (expecting_large_) {
        if (large_.size() < large_header_.size)
            return std::nullopt;
        expecting_large_ = false;
        frame whole{large_header_, {}, large_.finish()};
        whole.bytes = whole.large.bytes();
        return whole;
    }
    if (end_ - begin_ < sizeof(frame_header))
        return std::nullopt;
    frame_header header;
    std::memcpy(&header, buffer_.get() + begin_, sizeof header);
    if (header.size > max_payload_size) {
        broken_ = true;
        return std::nullopt;
    }
    const std::size_t held = end_ - begin_ - sizeof header;
    const std::byte* bytes = buffer_.get() + begin_ + sizeof header;
    if (header.size <= held) {
        begin_ += sizeof header + header.size;
        return frame{header, {bytes, header.size}, {}};
    }
    if (header.size > capacity_ - sizeof header) {
        large_.append(bytes, held);
        large_header_ = header;
        expecting_large_ = true;
        begin_ = end_ = 0;
    }
    return std::nullopt;
}

} // namespace procpool::wire
