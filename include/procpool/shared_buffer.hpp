// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SHARED_BUFFER_HPP
#define PROCPOOL_SHARED_BUFFER_HPP

#include <procpool/error.hpp>
#include <procpool/serialization/serialization.hpp>

#include <cstddef>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace procpool {

class mutable_shared_buffer;

namespace system {
class segment;
}

/// Bytes that other processes can see without their being copied: a handle to memory that the program and its workers share.
/**
 * It can be an argument, a result, or part of either, as of a container or of a class with a serialize function. What crosses
 * is a descriptor, whatever the size: the other side maps the memory when it first looks at it. Copies of a handle share the
 * memory. It is freed with its last owner, on whichever side; that takes the system a while for a large one (0.1 s for 1 GiB).
 *
 *     auto space = procpool::shared_buffer::allocate(size);
 *     fill(space.span());
 *     co_await pool.submit(look_at, std::move(space).seal());
 *
 * The memory has no name, so nobody else can open it. Once it is sealed, no process can write to it, cut it short or make
 * it grow, except that the one that made it still could write through a pointer from before. So a buffer of a worker's is as
 * trustworthy as the worker: should that be hostile, it may change the bytes while they are read. What has to stay as it was
 * when it was checked is to be copied first.
 *
 * Each takes one descriptor in every process that has it (RLIMIT_NOFILE, see ulimit -n). The arguments of one call, or
 * one result, can hold up to 250 of them; with more, or with an empty handle, a call fails with errc::not_serializable, and so
 * does writing a handle into any other archive than procpool's own. An exception that holds one arrives as a remote_exception.
 *
 * Several threads may use one handle as long as none changes it.
 */
class shared_buffer {
public:
    /// An empty handle: there is no memory. What was moved from is empty too.
    shared_buffer() noexcept = default;

    /// New memory, of zeros, to be filled and then sealed. Throws boost::system::system_error if the system has none to give.
    /**
     * @param size in bytes; it may be 0
     */
    static mutable_shared_buffer allocate(std::size_t size);

    /// A buffer with a copy of these bytes. Throws as allocate() does.
    static shared_buffer copy_of(std::span<const std::byte> bytes);

    shared_buffer(const shared_buffer&) noexcept = default;
    shared_buffer& operator=(const shared_buffer&) noexcept = default;
    shared_buffer(shared_buffer&& other) noexcept
        : memory_(std::move(other.memory_)), size_(std::exchange(other.size_, 0)) {}
    shared_buffer& operator=(shared_buffer&& other) noexcept {
        memory_ = std::move(other.memory_);
        size_ = std::exchange(other.size_, 0);
        return *this;
    }
    ~shared_buffer() = default;

    /// Whether there is memory, that is, whether the handle is not empty.
    explicit operator bool() const noexcept { return memory_ != nullptr; }

    std::size_t size() const noexcept { return size_; }

    /// Where the bytes are in this process; the address is a multiple of the system's page size, and valid as long as any handle to
    /// the memory. Throws std::logic_error if the handle is empty, boost::system::system_error if the memory cannot be mapped.
    const std::byte* data() const;

    std::span<const std::byte> span() const { return {data(), size()}; }

    /// For other archives than procpool's own: throws pool_error(errc::not_serializable).
    template <class Archive>
    void serialize(Archive&, unsigned int) {
        throw pool_error(errc::not_serializable, "a shared buffer can be written only to a message between a pool and "
                                                 "its workers");
    }

private:
    friend class mutable_shared_buffer;
    friend struct serialization::detail::codec<shared_buffer>;

    shared_buffer(std::shared_ptr<system::segment> memory, std::size_t size) noexcept
        : memory_(std::move(memory)), size_(size) {}

    std::shared_ptr<system::segment> memory_;
    std::size_t size_ = 0;
};

/// Memory that is to become a shared_buffer: as yet this process alone has it, and can write to it.
/**
 * It can be moved and not copied. One that is not sealed frees its memory. To be used by one thread at a time.
 */
class mutable_shared_buffer {
public:
    mutable_shared_buffer() noexcept = default; ///< empty
    mutable_shared_buffer(mutable_shared_buffer&& other) noexcept
        : memory_(std::move(other.memory_)), data_(std::exchange(other.data_, nullptr)),
          size_(std::exchange(other.size_, 0)) {}
    mutable_shared_buffer& operator=(mutable_shared_buffer&& other) noexcept {
        memory_ = std::move(other.memory_);
        data_ = std::exchange(other.data_, nullptr);
        size_ = std::exchange(other.size_, 0);
        return *this;
    }
    ~mutable_shared_buffer() = default;

    std::size_t size() const noexcept { return size_; }
    std::byte* data() noexcept { return data_; }
    std::span<std::byte> span() noexcept { return {data_, size_}; }

    /// Ends the writing: from now on it can be shared. The pointers to it stay valid, for reading.
    /**
     * It takes microseconds, whatever the size; only memory that was never touched has to be provided here. Throws
     * std::logic_error if this is empty, and boost::system::system_error if the system refuses it.
     */
    shared_buffer seal() &&;

private:
    friend class shared_buffer;

    std::shared_ptr<system::segment> memory_;
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
};

template <class T>
class mutable_shared_vector;

/// The same for elements of one type, which have to be such that copying their bytes copies them.
/**
 * A pointer or a reference inside of them would mean nothing in another process. What comes from a worker can hold any
 * bytes, so elements should be of types that may have any.
 */
template <class T>
class shared_vector {
    static_assert(
        std::is_trivially_copyable_v<T> && !std::is_pointer_v<T> && !std::is_same_v<T, bool>,
        "procpool: the elements of a shared_vector are seen by another process as the bytes that they are: they "
        "must be trivially copyable, and neither pointers nor bool");

public:
    using value_type = T;
    using const_iterator = const T*;
    using iterator = const_iterator;

    shared_vector() noexcept = default; ///< an empty handle

    /// Room for so many elements, all of whose bytes are 0, to be filled and then sealed. Throws as
    /// shared_buffer::allocate() does, and std::bad_array_new_length if they are too many.
    static mutable_shared_vector<T> allocate(std::size_t count) { return mutable_shared_vector<T>(count); }

    /// A vector with copies of these elements.
    static shared_vector copy_of(std::span<const T> elements) {
        return shared_vector(shared_buffer::copy_of(std::as_bytes(elements)));
    }

    explicit operator bool() const noexcept { return static_cast<bool>(buffer_); }
    std::size_t size() const noexcept { return buffer_.size() / sizeof(T); }
    bool empty() const noexcept { return size() == 0; }

    // These throw as shared_buffer::data() does.

    const T* data() const { return reinterpret_cast<const T*>(buffer_.data()); }
    std::span<const T> span() const { return {data(), size()}; }
    const T* begin() const { return data(); }
    const T* end() const { return data() + size(); }
    const T& operator[](std::size_t index) const { return data()[index]; }

    /// The bytes of it.
    const shared_buffer& buffer() const noexcept { return buffer_; }

    /// For other archives than procpool's own: throws pool_error(errc::not_serializable).
    template <class Archive>
    void serialize(Archive& archive, unsigned int version) {
        buffer_.serialize(archive, version);
    }

private:
    friend class mutable_shared_vector<T>;
    friend struct serialization::detail::codec<shared_vector<T>>;

    explicit shared_vector(shared_buffer buffer) noexcept : buffer_(std::move(buffer)) {}

    shared_buffer buffer_;
};

/// Elements that are to become a shared_vector; see mutable_shared_buffer.
template <class T>
class mutable_shared_vector {
public:
    /// See shared_vector::allocate().
    explicit mutable_shared_vector(std::size_t count)
        : buffer_(shared_buffer::allocate(count <= std::numeric_limits<std::ptrdiff_t>::max() / sizeof(T)
                                              ? count * sizeof(T)
                                              : throw std::bad_array_new_length())) {}

    std::size_t size() const noexcept { return buffer_.size() / sizeof(T); }
    T* data() noexcept { return reinterpret_cast<T*>(buffer_.data()); }
    std::span<T> span() noexcept { return {data(), size()}; }
    T* begin() noexcept { return data(); }
    T* end() noexcept { return data() + size(); }
    T& operator[](std::size_t index) noexcept { return data()[index]; }

    /// See mutable_shared_buffer::seal().
    shared_vector<T> seal() && { return shared_vector<T>(std::move(buffer_).seal()); }

private:
    mutable_shared_buffer buffer_;
};

} // namespace procpool

namespace procpool::serialization::detail {

template <>
struct codec<shared_buffer> {
    static constexpr bool fills = true;
    static consteval refusal refused(bool) { return refusal::none; }
    static void encode(encoder& to, const shared_buffer& value);
    static void decode(decoder& from, shared_buffer& value);
};

template <class T>
struct codec<shared_vector<T>> {
    static constexpr bool fills = true;
    static consteval refusal refused(bool) { return refusal::none; }
    static void encode(encoder& to, const shared_vector<T>& value) { codec<shared_buffer>::encode(to, value.buffer_); }
    static void decode(decoder& from, shared_vector<T>& value) {
        shared_buffer buffer;
        codec<shared_buffer>::decode(from, buffer);
        if (buffer.size() % sizeof(T) != 0)
            fail("procpool: a message holds a shared vector with a part of an element");
        value = shared_vector<T>(std::move(buffer));
    }
};

} // namespace procpool::serialization::detail

#endif
