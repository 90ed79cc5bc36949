// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/serialization/codecs.hpp> // Fixes the order, see there.

#ifndef PROCPOOL_SERIALIZATION_DECODER_HPP
#define PROCPOOL_SERIALIZATION_DECODER_HPP

#include <procpool/serialization/fwd.hpp>
#include <procpool/wire/payload.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <span>
#include <type_traits>

namespace procpool::serialization {

/// Turns bytes into values. The bytes are not trusted: a compromised worker may have written them.
/**
 * Whatever the bytes are, nothing outside them is read; memory is taken only in proportion to the bytes that remain;
 * the stack and the time spent are bounded; and each value made is one its type allows. (An enum may hold any value of
 * its underlying type, and a type that says of itself that it is bitwise serializable is taken at its word.)
 * Bytes that do not say a value throw pool_error(errc::not_serializable); after that the decoder is of no further use,
 * except for go_on().
 */
class decoder {
public:
    /// @param attached what is attached to the bytes
    explicit decoder(std::span<const std::byte> bytes, wire::attachments attached = {}) noexcept
        : at_(bytes.data()), end_(at_ + bytes.size()), begin_(at_), attached_(attached) {}
    explicit decoder(const wire::payload& message) noexcept : decoder(message.bytes(), message.attachments()) {}
    decoder(const decoder&) = delete;
    decoder& operator=(const decoder&) = delete;
    ~decoder() {
        if (archive_)
            discard_archive();
    }

    /// Reads a value of a carriable type into an object that exists.
    template <class T>
    void operator()(T& value);

    /// Reads a value of a carriable type, also of one without a default constructor.
    template <class T>
    std::remove_const_t<T> get();

    /// How many bytes have not been read.
    std::size_t remaining() const noexcept { return static_cast<std::size_t>(end_ - at_); }

    /// Throws if bytes are left over.
    void finish() const {
        if (at_ != end_) [[unlikely]]
            fail("procpool: a value is not as long as its message says");
    }

    /// From here on nothing behind the next so many bytes is read, as if the message ended there. Answers what brings it back.
    /**
     * Of several values, each may then fail for itself: none reads what belongs to the others, which together would take
     * far more time and memory than the message is long.
     */
    std::size_t narrow(std::size_t size) {
        if (size > remaining()) [[unlikely]]
            fail_truncated();
        const std::size_t behind = remaining() - size;
        end_ -= behind;
        return behind;
    }

    /// What is behind those bytes can be read again.
    void widen(std::size_t behind) noexcept { end_ += behind; }

    /// The same, and goes on there, wherever among those bytes a failure left it.
    void go_on(std::size_t behind) noexcept {
        if (archive_)
            discard_archive();
        at_ = end_;
        widen(behind);
    }

    /// In a handler: what to tell of a worker's answer whose reading has failed. If it says no value, that is noted.
    std::exception_ptr failure() noexcept;

    /// Whether something in the message said no value. What a class's own serialize throws is none of it, unless it is one of
    /// Boost.Serialization's exceptions.
    bool unreadable() const noexcept { return unreadable_; }
    void note_unreadable() noexcept { unreadable_ = true; }

    // What follows is for the codecs and the archive.
    //
    // The bytes may lie in memory that a worker shares and can change at any time. So each is looked at once: what is checked
    // is a copy, and the compiler is kept from fetching it again afterwards.

    /// What is attached to the next byte; null if nothing is.
    std::shared_ptr<wire::attachment> attachment() const noexcept {
        return attached_.find(static_cast<std::size_t>(at_ - begin_));
    }

    /// The next bytes, which are then read; valid as long as the message is. To be copied, and looked at only then.
    const std::byte* take(std::size_t size) {
        if (remaining() < size) [[unlikely]]
            fail_truncated();
        const std::byte* from = at_;
        at_ += size;
        return from;
    }

    void bytes(void* to, std::size_t size) {
        const std::byte* from = take(size);
        if (size != 0)
            std::memcpy(to, from, size);
    }

    template <class T>
    void raw(T& value) {
        std::memcpy(static_cast<void*>(std::addressof(value)), take(sizeof(T)), sizeof(T));
        fetched(value);
    }

    std::uint8_t byte() {
        auto value = std::to_integer<std::uint8_t>(*take(1));
        fetched(value);
        return value;
    }

    bool boolean() {
        const std::uint8_t value = byte();
        if (value > 1) [[unlikely]]
            fail("procpool: a message holds a truth value that is neither true nor false");
        return value == 1;
    }

    /// The byte that stands for a value that has nothing to say.
    void filler() {
        if (byte() != 0) [[unlikely]]
            fail("procpool: a message holds something where an empty value should be");
    }

    /// A number as `encoder::count` writes it, not yet compared with anything.
    std::size_t number() {
        std::size_t value = byte();
        if (value == 255)
            raw(value);
        return value;
    }

    /// A number of elements that the remaining bytes can hold if each takes at least `least_bytes`.
    std::size_t count(std::size_t least_bytes = 1) {
        const std::size_t value = number();
        if (value > remaining() / least_bytes) [[unlikely]]
            fail("procpool: a message claims more elements than it has bytes for");
        return value;
    }

    /// Accounts for the steps that inserting one key into a hash table took.
    void allow_steps(std::uint64_t steps) {
        steps_left_ += 256;
        if (steps > steps_left_) [[unlikely]]
            fail("procpool: a message holds containers too many of whose keys have the same hash");
        steps_left_ -= steps;
    }

    /// The Boost archive that class types are read through, made when it is first needed.
    input_archive& archive() { return archive_ ? *archive_ : make_archive(); }

    // An object that was read by value may be moved to its final place only afterwards, and a pointer further on may
    // refer to it. So whoever moves one says so. All of it costs one comparison when no objects are tracked.

    /// How many objects are tracked now: those read from here on have numbers from this one up.
    std::size_t object_mark() const noexcept { return archive_ ? tracked_objects() : 0; }

    /// Objects tracked since `mark` that lie in `size` bytes at `from` have moved to `to`.
    void objects_moved(std::size_t mark, const void* from, std::size_t size, const void* to) noexcept {
        if (archive_)
            move_objects(mark, from, size, to);
    }

    /// Objects tracked since `mark` and not made through pointers have gone where no pointer may refer to them.
    void objects_gone(std::size_t mark) noexcept {
        if (archive_)
            forget_objects(mark);
    }

private:
    /// From here on the compiler does not know any more that the value is what stands in the message.
    template <class T>
    static void fetched(T& value) noexcept {
        if constexpr (std::is_integral_v<T> && sizeof(T) <= sizeof(std::uint64_t))
            asm("" : "+r"(value));
        else if constexpr (std::is_class_v<T> && sizeof(T) <= 64)
            asm("" : "+m"(value));
    }

    input_archive& make_archive();
    void discard_archive() noexcept;
    void end_graph();
    std::size_t tracked_objects() const noexcept;
    void move_objects(std::size_t mark, const void* from, std::size_t size, const void* to) noexcept;
    void forget_objects(std::size_t mark) noexcept;

    const std::byte* at_;
    const std::byte* end_;
    const std::byte* begin_;
    wire::attachments attached_;
    input_archive* archive_ = nullptr;
    std::uint64_t steps_left_ = std::uint64_t{1} << 24;
    bool unreadable_ = false;
};

} // namespace procpool::serialization

#endif
