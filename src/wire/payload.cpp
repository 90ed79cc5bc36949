// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/wire/payload.hpp>

#include <algorithm>
#include <limits>
#include <new>
#include <stdexcept>

namespace procpool::wire {

payload::payload(std::span<const std::byte> bytes) : size_(bytes.size()) {
    if (bytes.size() <= inline_capacity) {
        if (!bytes.empty())
            std::memcpy(storage_.local, bytes.data(), bytes.size());
    } else {
        block* owner = allocate(bytes.size());
        std::memcpy(owner->bytes(), bytes.data(), bytes.size());
        storage_.shared = {owner, owner->bytes()};
        shared_ = true;
    }
}

payload payload::slice(std::size_t offset, std::size_t size) const {
    if (offset > size_ || size > size_ - offset)
        throw std::out_of_range("procpool: a slice of a payload reaches past its end");
    if (!shared_ || size <= inline_capacity)
        return payload(bytes().subspan(offset, size));
    payload part(*this);
    part.storage_.shared.data += offset;
    part.size_ = size;
    return part;
}

payload::block* payload::allocate(std::size_t capacity) {
    if (capacity > std::numeric_limits<std::size_t>::max() - sizeof(block))
        throw std::bad_alloc();
    block* made = new (::operator new(sizeof(block) + capacity)) block;
    made->capacity = capacity;
    return made;
}

void payload::release(block* owner) noexcept {
    if (owner->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        owner->~block();
        ::operator delete(owner);
    }
}

payload payload_builder::finish() {
    if (!block_) {
        payload result(std::span<const std::byte>(local_, size_));
        size_ = 0;
        return result;
    }
    payload result(std::exchange(block_, nullptr), size_);
    data_ = local_;
    size_ = 0;
    capacity_ = payload::inline_capacity;
    return result;
}

void payload_builder::grow(std::size_t size) {
    if (size > std::numeric_limits<std::size_t>::max() / 2 - size_)
        throw std::bad_alloc();
    const std::size_t capacity = std::max({size_ + size, 2 * capacity_, std::size_t{256}});
    payload::block* bigger = payload::allocate(capacity);
    std::memcpy(bigger->bytes(), data_, size_);
    if (block_)
        payload::release(block_);
    block_ = bigger;
    data_ = bigger->bytes();
    capacity_ = capacity;
}

} // namespace procpool::wire
