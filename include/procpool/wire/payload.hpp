// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_WIRE_PAYLOAD_HPP
#define PROCPOOL_WIRE_PAYLOAD_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace procpool::wire {

/// Something that crosses beside the bytes of a message. What it is, and how it crosses, the link knows.
class attachment {
public:
    virtual ~attachment() = default;

protected:
    attachment() = default;
    attachment(const attachment&) = default;
    attachment& operator=(const attachment&) = default;
};

/// A place among a message's bytes, and what belongs there.
struct attached {
    std::size_t at;
    std::shared_ptr<attachment> what;
};

/// What is attached to some bytes, in order of place.
struct attachments {
    std::span<const attached> all;
    std::size_t shift = 0; ///< where the bytes begin, in terms of the places

    /// What belongs at this place among the bytes; null if nothing does.
    std::shared_ptr<attachment> find(std::size_t at) const noexcept;
};

class storage;

/// The bytes of one message: the arguments of a task, or its result.
/**
 * A few bytes live inside the object; more live in a block that copies share. A payload never changes once it is
 * made, so copies may be read by several threads.
 */
class payload {
public:
    /// So many bytes need no memory of their own.
    static constexpr std::size_t inline_capacity = 32;

    /// Memory that several payloads may share. The bytes follow the header, unless it comes from a storage.
    struct block {
        std::atomic<std::uint32_t> owners{1};
        std::size_t capacity = 0;
        std::byte* memory = nullptr;
        storage* from = nullptr; ///< which gets it back; null if there is none
        std::vector<attached>* attachments = nullptr;
        std::byte* bytes() noexcept { return memory; }
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

    /// Part of this payload, sharing its memory. What is attached to that part comes with it.
    payload slice(std::size_t offset, std::size_t size) const;

    /// What is attached to these bytes.
    wire::attachments attachments() const noexcept {
        return shared_ && storage_.shared.owner->attachments ? find_attachments() : wire::attachments{};
    }

    /// The block that it lies in, or null if it has none.
    const block* owner() const noexcept { return shared_ ? storage_.shared.owner : nullptr; }

    /// A block with room for `capacity` bytes and one owner.
    static block* allocate(std::size_t capacity);

    /// Gives up one ownership; the last one frees the block.
    static void release(block* owner) noexcept;

private:
    wire::attachments find_attachments() const noexcept;

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

/// Where the memory of large payloads comes from, and goes back to.
/**
 * Any thread may call it.
 */
class storage {
public:
    /// What is at least as large as this should come from here.
    static constexpr std::size_t threshold = std::size_t{128} << 10;

    /// A block with room for so many bytes and one owner; null if none is to be had.
    virtual payload::block* take(std::size_t capacity) = 0;

    /// The last owner has given it up.
    virtual void give_back(payload::block* unused) noexcept = 0;

protected:
    ~storage() = default;
};

/// Collects bytes and becomes a payload without copying them again.
class payload_builder {
public:
    /// @param large where to take the memory from once it is much; null: from the heap. It outlives the payload.
    explicit payload_builder(storage* large = nullptr) noexcept : large_(large) {}
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
        if (size >= storage::threshold) [[unlikely]]
            append_much(bytes, size);
        else if (size != 0)
            std::memcpy(extend(size), bytes, size);
    }

    /// The same with what is attached to them.
    void append(const payload& other);

    /// Attaches something to the byte that comes next. At most one thing to each.
    void attach(std::shared_ptr<attachment> what) { attached_.push_back({size_, std::move(what)}); }
    const std::vector<attached>& attached_so_far() const noexcept { return attached_; }

    /// Gives back the last bytes of what was extended, and what is attached to them.
    void truncate(std::size_t size) noexcept {
        if (size < size_)
            size_ = size;
        if (!attached_.empty()) [[unlikely]]
            detach();
    }

    /// The block that holds the bytes, or null if there is none.
    const payload::block* block() const noexcept { return block_; }

    std::size_t size() const noexcept { return size_; }
    std::size_t capacity() const noexcept { return capacity_; }
    std::byte* data() noexcept { return data_; }

    /// The bytes collected; the builder is empty afterwards.
    payload finish();

private:
    void append_much(const void* bytes, std::size_t size);
    void grow(std::size_t size);
    bool grow_in_storage(std::size_t size);
    void take_over(payload::block* bigger) noexcept;
    void detach() noexcept;

    std::byte local_[payload::inline_capacity];
    payload::block* block_ = nullptr;
    std::byte* data_ = local_;
    std::size_t size_ = 0;
    std::size_t capacity_ = payload::inline_capacity;
    storage* large_;
    std::vector<attached> attached_;
};

} // namespace procpool::wire

#endif
