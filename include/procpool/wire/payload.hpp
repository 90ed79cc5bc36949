// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_WIRE_PAYLOAD_HPP
#define PROCPOOL_WIRE_PAYLOAD_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

namespace procpool::wire {

/// The bytes of one message: the arguments of a task, or its result.
/**
 * A few bytes live inside the object; more live in a block that copies share. A payload never changes once it is
 * made, so copies may be read by several threads.
 */
class payload {
public:
    /// So many bytes need no memory of their own.
    static constexpr std::size_t inline_capacity = 32;

    /// Memory that several payloads may share. The bytes follow the header.
    struct block {
        std::atomic<std::uint32_t> owners{1};
        std::size_t capacity = 0;
        std::byte* bytes() noexcept { return reinterpret_cast<std::byte*>(this + 1); }
    };

    payload() noexcept = default;

    /// A copy of these bytes.
    explicit payload(std::span<const std::byte> bytes);

    /// The first `size` bytes of a block, of which it takes over one ownership.
    payload(block* owner, std::size_t size) noexcept : size_(size) {
        storage_.shared = {owner, owner->bytes()};
        shared_ = true;
    }

    payload(const payload& other) noexcept : storage_(other.storage_), size_(other.size_), shared_(other.shared_) {
        if (shared_)
            storage_.shared.owner->owners.fetch_add(1, std::memory_order_relaxed);
    }

    payload(payload&& other) noexcept
        : storage_(other.storage_), size_(std::exchange(other.size_, 0)), shared_(std::exchange(other.shared_, false)) {
    }

    payload& operator=(payload other) noexcept {
        std::swap(storage_, other.storage_);
        std::swap(size_, other.size_);
        std::swap(shared_, other.shared_);
        return *this;
    }

    ~payload() {
        if (shared_)
            release(storage_.shared.owner);
    }

    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    const std::byte* data() const noexcept { return shared_ ? storage_.shared.data : storage_.local; }
    std::span<const std::byte> bytes() const noexcept { return {data(), size_}; }

    /// Part of this payload, sharing its memory.
    payload slice(std::size_t offset, std::size_t size) const;

    /// A block with room for `capacity` bytes and one owner.
    static block* allocate(std::size_t capacity);

    /// Gives up one ownership; the last one frees the block.
    static void release(block* owner) noexcept;

private:
    struct shared_bytes {
        block* owner;
        const std::byte* data;
    };
    union storage {
        storage() noexcept : local() {}
        std::byte local[inline_capacity];
        shared_bytes shared;
    } storage_;
    std::size_t size_ = 0;
    bool shared_ = false;
};

/// Collects bytes and becomes a payload without copying them again.
class payload_builder {
public:
    payload_builder() noexcept = default;
    payload_builder(const payload_builder&) = delete;
    payload_builder& operator=(const payload_builder&) = delete;
    ~payload_builder() {
        if (block_)
            payload::release(block_);
    }

    /// Makes room for `size` more bytes and says where they are; valid until the next call.
    std::byte* extend(std::size_t size) {
        if (capacity_ - size_ < size)
            grow(size);
        std::byte* at = data_ + size_;
        size_ += size;
        return at;
    }

    void append(const void* bytes, std::size_t size) {
        if (size != 0)
            std::memcpy(extend(size), bytes, size);
    }

    /// Gives back the last bytes of what was extended.
    void truncate(std::size_t size) noexcept {
        if (size < size_)
            size_ = size;
    }

    std::size_t size() const noexcept { return size_; }
    std::size_t capacity() const noexcept { return capacity_; }
    std::byte* data() noexcept { return data_; }

    /// The bytes collected; the builder is empty afterwards.
    payload finish();

private:
    void grow(std::size_t size);

    std::byte local_[payload::inline_capacity];
    payload::block* block_ = nullptr;
    std::byte* data_ = local_;
    std::size_t size_ = 0;
    std::size_t capacity_ = payload::inline_capacity;
};

} // namespace procpool::wire

#endif
