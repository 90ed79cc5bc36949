// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/serialization/codecs.hpp> // Fixes the order, see there.

#ifndef PROCPOOL_SERIALIZATION_CODEC_MISC_HPP
#define PROCPOOL_SERIALIZATION_CODEC_MISC_HPP

// Durations and points in time, paths and bitsets, known by their members so that their headers need not be here.
// (std::complex is bitwise, see bitwise.hpp.)

#include <cstddef>
#include <utility>

namespace procpool::serialization::detail {

template <class T>
concept time_span = named_in_std<T> && requires(const T& span) {
    typename T::rep;
    typename T::period;
    span.count();
};

template <time_span T>
struct codec<T> {
    static constexpr bool fills = true;
    static consteval refusal refused(bool pointers) { return codec_of<typename T::rep>::refused(pointers); }
    static void encode(encoder& to, const T& value) { encode_value(to, value.count()); }
    static void decode(decoder& from, T& value) { value = T(construct_value<typename T::rep>(from)); }
};

template <class T>
concept point_in_time = named_in_std<T> && requires(const T& point) {
    typename T::clock;
    typename T::duration;
    point.time_since_epoch();
};

template <point_in_time T>
struct codec<T> {
    static constexpr bool fills = true;
    static consteval refusal refused(bool pointers) { return codec_of<typename T::duration>::refused(pointers); }
    static void encode(encoder& to, const T& value) { encode_value(to, value.time_since_epoch()); }
    static void decode(decoder& from, T& value) { value = T(construct_value<typename T::duration>(from)); }
};

/// std::filesystem::path.
template <class T>
concept file_path = named_in_std<T> && requires(const T& path) {
    typename T::string_type;
    T::preferred_separator;
    path.native();
    path.lexically_normal();
};

template <file_path T>
struct codec<T> {
    static constexpr bool fills = true;
    static consteval refusal refused(bool) { return refusal::none; }
    static void encode(encoder& to, const T& value) { encode_value(to, value.native()); }
    static void decode(decoder& from, T& value) { value = T(construct_value<typename T::string_type>(from)); }
};

/// std::bitset. Its size is part of its type and is not written.
template <class T>
concept bit_set = named_in_std<T> && requires(T& bits) {
    typename T::reference;
    bits.flip();
    bits.to_ullong();
};

template <bit_set T>
struct codec<T> {
    static constexpr bool fills = true;
    static consteval refusal refused(bool) { return refusal::none; }
    static void encode(encoder& to, const T& value) {
        if constexpr (T().size() == 0)
            to.byte(0);
        else
            encode_bits(to, value);
    }
    static void decode(decoder& from, T& value) {
        if constexpr (T().size() == 0)
            from.filler();
        else
            decode_bits(from, value);
    }
};

} // namespace procpool::serialization::detail

#endif
