// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/serialization/codecs.hpp> // Fixes the order, see there.

#ifndef PROCPOOL_SERIALIZATION_CODEC_STANDARD_HPP
#define PROCPOOL_SERIALIZATION_CODEC_STANDARD_HPP

// The standard's types of a known number of parts: pair, tuple, array, C array, optional, variant, monostate.

#include <array>
#include <optional>
#include <tuple>
#include <utility>
#include <variant>

namespace procpool::serialization::detail {

/// For types with nothing to say, which write one byte all the same: a count of values must mean as many bytes.
template <class T>
struct empty_codec {
    static constexpr bool fills = true;
    static consteval refusal refused(bool) { return refusal::none; }
    static void encode(encoder& to, const T&) { to.byte(0); }
    static void decode(decoder& from, T&) { from.filler(); }
};

template <>
struct codec<std::monostate> : empty_codec<std::monostate> {};
template <>
struct codec<std::tuple<>> : empty_codec<std::tuple<>> {};
template <class T>
struct codec<std::array<T, 0>> : empty_codec<std::array<T, 0>> {};

template <class First, class Second>
struct codec<std::pair<First, Second>> {
    static constexpr bool fills = detail::fills<First> && detail::fills<Second>;
    static consteval refusal refused(bool pointers) {
        return first_refusal(codec_of<First>::refused(pointers), codec_of<Second>::refused(pointers));
    }
    static void encode(encoder& to, const std::pair<First, Second>& value) {
        encode_value(to, value.first);
        encode_value(to, value.second);
    }
    static void decode(decoder& from, std::pair<First, Second>& value) {
        decode_value(from, value.first);
        decode_value(from, value.second);
    }
    static std::pair<First, Second> construct(decoder& from) {
        const std::size_t mark = from.object_mark();
        auto first = construct_value<First>(from);
        auto second = construct_value<Second>(from);
        from.objects_gone(mark);
        return {std::move(first), std::move(second)};
    }
};

template <class... Parts>
struct codec<std::tuple<Parts...>> {
    static constexpr bool fills = (detail::fills<Parts> && ...);
    static consteval refusal refused(bool pointers) { return first_refusal(codec_of<Parts>::refused(pointers)...); }
    static void encode(encoder& to, const std::tuple<Parts...>& value) {
        std::apply([&to](const Parts&... parts) { (encode_value(to, parts), ...); }, value);
    }
    static void decode(decoder& from, std::tuple<Parts...>& value) {
        std::apply([&from](Parts&... parts) { (decode_value(from, parts), ...); }, value);
    }
    static std::tuple<Parts...> construct(decoder& from) {
        const std::size_t mark = from.object_mark();
        // Braces, because they fix the order.
        std::tuple<Parts...> made{construct_value<Parts>(from)...};
        from.objects_gone(mark);
        return made;
    }
};

template <class T, std::size_t N>
struct codec<std::array<T, N>> {
    static constexpr bool fills = detail::fills<T>;
    static consteval refusal refused(bool pointers) { return codec_of<T>::refused(pointers); }
    static void encode(encoder& to, const std::array<T, N>& value) {
        for (const T& element : value)
            encode_value(to, element);
    }
    static void decode(decoder& from, std::array<T, N>& value) {
        for (T& element : value)
            decode_value(from, element);
    }
    static std::array<T, N> construct(decoder& from) {
        const std::size_t mark = from.object_mark();
        std::array<T, N> made = [&from]<std::size_t... I>(std::index_sequence<I...>)->std::array<T, N> {
            return {((void)I, construct_value<T>(from))...};
        }
        (std::make_index_sequence<N>());
        from.objects_gone(mark);
        return made;
    }
};

template <class T, std::size_t N>
struct codec<T[N]> {
    static constexpr bool fills = detail::fills<T>;
    static consteval refusal refused(bool pointers) { return codec_of<T>::refused(pointers); }
    static void encode(encoder& to, const T (&value)[N]) {
        for (const T& element : value)
            encode_value(to, element);
    }
    static void decode(decoder& from, T (&value)[N]) {
        for (T& element : value)
            decode_value(from, element);
    }
};

template <class T>
struct codec<std::optional<T>> {
    static constexpr bool fills = true;
    static consteval refusal refused(bool pointers) { return codec_of<T>::refused(pointers); }
    static void encode(encoder& to, const std::optional<T>& value) {
        to.boolean(value.has_value());
        if (value)
            encode_value(to, *value);
    }
    static void decode(decoder& from, std::optional<T>& value) {
        if (!from.boolean()) {
            value.reset();
        } else if constexpr (detail::fills<T>) {
            decode_value(from, value.emplace());
        } else {
            const std::size_t mark = from.object_mark();
            value.emplace(construct_value<T>(from));
            from.objects_gone(mark);
        }
    }
};

template <class... Alternatives>
struct codec<std::variant<Alternatives...>> {
    using variant = std::variant<Alternatives...>;
    static constexpr bool fills = true;
    static consteval refusal refused(bool pointers) {
        return first_refusal(codec_of<Alternatives>::refused(pointers)...);
    }

    static void encode(encoder& to, const variant& value) {
        if (value.valueless_by_exception())
            fail("procpool: a variant without a value cannot be carried to another process");
        to.count(value.index());
        std::visit([&to](const auto& held) { encode_value(to, held); }, value);
    }

    static void decode(decoder& from, variant& value) {
        const std::size_t index = from.number();
        if (index >= sizeof...(Alternatives)) [[unlikely]]
            fail("procpool: a message names an alternative that its variant does not have");
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (void)((index == I ? (hold<I>(from, value), true) : false) || ...);
        }
        (std::index_sequence_for<Alternatives...>());
    }

    static variant construct(decoder& from) {
        const std::size_t mark = from.object_mark();
        const std::size_t index = from.number();
        if (index >= sizeof...(Alternatives)) [[unlikely]]
            fail("procpool: a message names an alternative that its variant does not have");
        std::optional<variant> made;
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (void)((index == I ? (made.emplace(std::in_place_index<I>, construct_value<Alternatives>(from)), true)
                               : false) ||
                   ...);
        }
        (std::index_sequence_for<Alternatives...>());
        from.objects_gone(mark);
        return std::move(*made);
    }

private:
    template <std::size_t I>
    static void hold(decoder& from, variant& value) {
        using held = std::variant_alternative_t<I, variant>;
        if constexpr (detail::fills<held>) {
            decode_value(from, value.template emplace<I>());
        } else {
            const std::size_t mark = from.object_mark();
            value.template emplace<I>(construct_value<held>(from));
            from.objects_gone(mark);
        }
    }
};

} // namespace procpool::serialization::detail

#endif
