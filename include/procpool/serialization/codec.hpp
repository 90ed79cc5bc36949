// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/serialization/codecs.hpp> // Fixes the order, see there.

#ifndef PROCPOOL_SERIALIZATION_CODEC_HPP
#define PROCPOOL_SERIALIZATION_CODEC_HPP

#include <procpool/serialization/bitwise.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace procpool::serialization::detail {

/// Why a type cannot be carried.
enum class refusal : std::uint8_t {
    none,
    raw_pointer,
    reference,
    view,
    callable,
    smart_pointer,
    untracked_shared,
    no_serialize,
};

/// How a kind of type is carried. Each specialization has
/**
 * - `refused(bool pointers)`: why it cannot be carried, `pointers` saying whether raw pointers can be. (They can inside
 *   a class whose serialize asks for it, as Boost's rules have it, and not as arguments or results.)
 * - `fills`: whether `decode` can fill a default-constructed object;
 * - `encode(encoder&, const T&)`, and `decode(decoder&, T&)` if it fills, `construct(decoder&) -> T` if it does not.
 *
 * The general one, for classes, is in codec_class.hpp.
 */
template <class T>
struct codec;

template <class T>
struct truth_value_codec {
    static constexpr bool fills = true;
    static consteval refusal refused(bool) { return refusal::none; }
    static void encode(encoder& to, T value) { to.boolean(static_cast<bool>(value)); }
    static void decode(decoder& from, T& value) { value = static_cast<T>(from.boolean()); }
};

template <class T>
struct bitwise_codec {
    static constexpr bool fills = true;
    static consteval refusal refused(bool) { return refusal::none; }
    static void encode(encoder& to, const T& value) { to.raw(value); }
    static void decode(decoder& from, T& value) { from.raw(value); }
    /// For classes without a default constructor; the bytes are the object.
    static std::conditional_t<std::is_array_v<T>, void, T> construct(decoder& from) {
        alignas(T) std::byte bytes[sizeof(T)];
        from.bytes(bytes, sizeof(T));
        return *std::launder(reinterpret_cast<T*>(bytes));
    }
};

template <class T>
struct select_codec {
    using type = codec<T>;
};
template <class T>
requires is_truth_value<T>
struct select_codec<T> {
    using type = truth_value_codec<T>;
};
template <bitwise T>
struct select_codec<T> {
    using type = bitwise_codec<T>;
};

template <class T>
using codec_of = typename select_codec<std::remove_const_t<T>>::type;

/// Whether an object can be made first and filled afterwards.
template <class T>
inline constexpr bool fills = !std::is_const_v<T> && std::is_default_constructible_v<T> && codec_of<T>::fills;

template <class T>
void encode_value(encoder& to, const T& value) {
    codec_of<T>::encode(to, value);
}

template <class T>
std::remove_const_t<T> construct_value(decoder& from) {
    using value_type = std::remove_const_t<T>;
    if constexpr (fills<value_type>) {
        value_type value = value_type();
        codec_of<value_type>::decode(from, value);
        return value;
    } else {
        return codec_of<value_type>::construct(from);
    }
}

/// Reads into an object that exists. One that cannot be filled is made anew in its place.
template <class T>
void decode_value(decoder& from, T& value) {
    if constexpr (fills<T>) {
        codec_of<T>::decode(from, value);
    } else {
        const std::size_t mark = from.object_mark();
        T fresh = construct_value<T>(from);
        from.objects_gone(mark);
        if constexpr (std::is_move_assignable_v<T>) {
            value = std::move(fresh);
        } else {
            static_assert(std::is_nothrow_move_constructible_v<T>,
                          "procpool: a type that can be neither default-constructed nor assigned can be read only by "
                          "decoder::get");
            std::destroy_at(std::addressof(value));
            std::construct_at(std::addressof(value), std::move(fresh));
        }
    }
}

/// The first of several reasons that is one.
template <class... Reason>
consteval refusal first_refusal(Reason... reasons) {
    refusal first = refusal::none;
    (void)((reasons != refusal::none ? (first = reasons, true) : false) || ...);
    return first;
}

/// The fewest bytes a value takes, as far as it is cheap to say.
template <class T>
inline constexpr std::size_t least_bytes = 1;
template <bitwise T>
inline constexpr std::size_t least_bytes<T> = sizeof(T);

} // namespace procpool::serialization::detail

#endif
