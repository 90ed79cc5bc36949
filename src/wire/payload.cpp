// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/wire/payload.hpp>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <new>
#include <stdexcept>
#include <type_traits>

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
    void* const memory = std::malloc(sizeof(block) + capacity);
    if (!memory)
        throw std::bad_alloc();
    block* const made = ::new (memory) block;
    made->capacity = capacity;
    return made;
}

void payload::release(block* owner) noexcept {
    if (owner->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        owner->~block();
        std::free(owner);
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
    if (block_) {
        // Nobody else has the block yet. A large one is not copied: the system moves its pages.
        static_assert(std::is_standard_layout_v<payload::block>);
        void* const bigger = std::realloc(static_cast<void*>(block_), sizeof(payload::block) + capacity);
        if (!bigger)
            throw std::bad_alloc();
        block_ = static_cast<payload::block*>(bigger);
        block_->capacity = capacity;
    } else {
        block_ = payload::allocate(capacity);
        std::memcpy(block_->bytes(), data_, size_);
    }
    data_ = block_->bytes();
    capacity_ = capacity;
}

} // namespace procpool::wire
