// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/serialization/codecs.hpp> // Fixes the order, see there.

#ifndef PROCPOOL_SERIALIZATION_ENCODER_HPP
#define PROCPOOL_SERIALIZATION_ENCODER_HPP

#include <procpool/serialization/fwd.hpp>
#include <procpool/wire/payload.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

namespace procpool::serialization {

/// Turns values into bytes.
/**
 * What is written is read by the same build of the same program on the same machine, so nothing is said about types,
 * versions or byte order. Every value writes at least one byte; the decoder's bounds rest on that.
 *
 * One call is one graph of objects: an object that several pointers inside one value share is shared again on the
 * other side, and two calls share nothing. (Otherwise a second value in the memory of an earlier one would pass for
 * the earlier one.) Values that share objects go into one call as a tuple.
 */
class encoder {
public:
    explicit encoder(wire::payload_builder& to) noexcept : to_(to) {}
    encoder(const encoder&) = delete;
    encoder& operator=(const encoder&) = delete;
    ~encoder() {
        if (archive_)
            discard_archive();
    }

    /// Writes a value of a carriable type.
    template <class T>
    void operator()(const T& value);

    // What follows is for the codecs and the archive.

    void bytes(const void* from, std::size_t size) { to_.append(from, size); }

    /// The object representation of a value that may be copied so.
    template <class T>
    void raw(const T& value) {
        std::memcpy(to_.extend(sizeof(T)), std::addressof(value), sizeof(T));
    }

    void byte(std::uint8_t value) { *to_.extend(1) = std::byte{value}; }
    void boolean(bool value) { byte(value ? 1 : 0); }

    /// A number of elements: one byte for the small ones, which most are.
    void count(std::size_t value) {
        if (value < 255) {
            byte(static_cast<std::uint8_t>(value));
        } else {
            std::byte* at = to_.extend(1 + sizeof(value));
            at[0] = std::byte{255};
            std::memcpy(at + 1, &value, sizeof(value));
        }
    }

    /// Attaches something to the byte that is written next.
    void attach(std::shared_ptr<wire::attachment> what) { to_.attach(std::move(what)); }

    std::size_t written() const noexcept { return to_.size(); }

    /// The Boost archive that class types are written through, made when it is first needed.
    output_archive& archive() { return archive_ ? *archive_ : make_archive(); }

private:
    output_archive& make_archive();
    void discard_archive() noexcept;
    void end_graph();

    wire::payload_builder& to_;
    output_archive* archive_ = nullptr;
};

} // namespace procpool::serialization

#endif
