// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/output_queue.hpp>

#include <utility>

namespace procpool::system {

void output_queue::add(std::span<const std::byte> bytes) {
    gathered_.insert(gathered_.end(), bytes.begin(), bytes.end());
}

void output_queue::add(const wire::payload& bytes) {
    if (bytes.size() < large) {
        add(bytes.bytes());
        return;
    }
    close_gathered();
    pieces_.push_back({{}, bytes, {}});
}

void output_queue::add(std::vector<std::shared_ptr<segment>> descriptors) {
    close_gathered();
    pieces_.push_back({{}, {}, std::move(descriptors)});
}

void output_queue::close_gathered() {
    if (gathered_.empty())
        return;
    pieces_.emplace_back(); // first, for should there not be the memory for it, nothing must be lost
    pieces_.back().gathered = std::exchange(gathered_, std::exchange(spare_, {}));
}

const std::vector<boost::asio::const_buffer>& output_queue::next() {
    close_gathered();
    buffers_.clear();
    std::size_t skip = offset_;
    for (const piece& part : pieces_) {
        if (!part.descriptors.empty())
            break;
        const auto bytes = part.bytes().subspan(std::exchange(skip, 0));
        buffers_.emplace_back(bytes.data(), bytes.size());
        if (buffers_.size() == pieces_per_write)
            break;
    }
    return buffers_;
}

void output_queue::written(std::size_t size) {
    offset_ += size;
    while (!pieces_.empty() && !due() && offset_ >= pieces_.front().bytes().size()) {
        offset_ -= pieces_.front().bytes().size();
        if (pieces_.front().gathered.capacity() > spare_.capacity()) {
            spare_ = std::move(pieces_.front().gathered);
            spare_.clear();
        }
        pieces_.pop_front();
    }
}

void output_queue::clear() {
    gathered_.clear();
    pieces_.clear();
    buffers_.clear();
    offset_ = 0;
}

} // namespace procpool::system
