// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/serialization/codecs.hpp> // Fixes the order, see there.

#ifndef PROCPOOL_SERIALIZATION_CODEC_CONTAINER_HPP
#define PROCPOOL_SERIALIZATION_CODEC_CONTAINER_HPP

// The standard's containers. string and vector are named; the others are known by their members, so that their
// headers need not be included here.
//
// A count that was read is compared with the bytes that remain, and even so nothing is reserved for it beyond a few
// kilobytes: containers grow as their elements arrive. Nested containers could each reserve for all the bytes otherwise.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

namespace procpool::serialization::detail {

/// Elements that are one block of memory, in a string or vector.
/**
 * The bytes are there already, so the memory for all of them may be reserved. It is filled in steps because resize
 * writes zeros first: within a step they are still in the cache when the bytes arrive.
 */
template <class Container>
void decode_block(decoder& from, Container& container) {
    using element = typename Container::value_type;
    constexpr std::size_t step = std::max<std::size_t>(1, 32768 / sizeof(element));
    const std::size_t count = from.count(sizeof(element));
    container.clear();
    container.reserve(count);
    if (count >= worth_large_pages / sizeof(element)) [[unlikely]]
        expect_filling(container.data(), count * sizeof(element));
    if constexpr (sizeof(element) == 1 && (std::is_integral_v<element> || std::is_same_v<element, std::byte>)) {
        const auto* const first = reinterpret_cast<const element*>(from.take(count));
        // Fresh large pages are still in the cache when they are filled in steps like this.
        constexpr std::size_t bytes_at_once = std::size_t{256} << 10;
        for (std::size_t done = 0; done < count; done += bytes_at_once)
            container.insert(container.end(), first + done, first + std::min(done + bytes_at_once, count));
        return;
    }
    for (std::size_t done = 0; done < count;) {
        const std::size_t more = std::min(step, count - done);
        container.resize(done + more);
        from.bytes(container.data() + done, more * sizeof(element));
        done += more;
    }
}

template <class Container>
void encode_block(encoder& to, const Container& container) {
    to.count(container.size());
    to.bytes(container.data(), container.size() * sizeof(typename Container::value_type));
}

template <class Char, class Traits, class Allocator>
struct codec<std::basic_string<Char, Traits, Allocator>> {
    using string = std::basic_string<Char, Traits, Allocator>;
    static constexpr bool fills = true;
    static consteval refusal refused(bool) { return is_bitwise<Char> ? refusal::none : refusal::no_serialize; }
    static void encode(encoder& to, const string& value) { encode_block(to, value); }
    static void decode(decoder& from, string& value) {
        if constexpr (sizeof(Char) == 1) {
            const std::size_t size = from.count();
            if (size >= worth_large_pages) [[unlikely]] {
                value.reserve(size);
                expect_filling(value.data(), size);
            }
            value.assign(reinterpret_cast<const Char*>(from.take(size)), size);
        } else {
            decode_block(from, value);
        }
    }
};

/// Appends an element read from the bytes to a sequence whose elements stay where they are.
template <class Sequence>
void append_element(decoder& from, Sequence& sequence) {
    using element = typename Sequence::value_type;
    if constexpr (detail::fills<element>) {
        decode_value(from, sequence.emplace_back());
    } else {
        const std::size_t mark = from.object_mark();
        sequence.push_back(construct_value<element>(from));
        from.objects_gone(mark);
    }
}

template <class T, class Allocator>
struct codec<std::vector<T, Allocator>> {
    using vector = std::vector<T, Allocator>;
    static constexpr bool fills = true;
    static consteval refusal refused(bool pointers) { return codec_of<T>::refused(pointers); }

    static void encode(encoder& to, const vector& value) {
        if constexpr (bitwise<T>) {
            encode_block(to, value);
        } else {
            to.count(value.size());
            for (const T& element : value)
                encode_value(to, element);
        }
    }

    static void decode(decoder& from, vector& value) {
        if constexpr (bitwise<T> && std::is_default_constructible_v<T>) {
            decode_block(from, value);
        } else {
            const std::size_t count = from.count(least_bytes<T>);
            const std::size_t mark = from.object_mark();
            value.clear();
            value.reserve(std::min(count, std::max<std::size_t>(1, 1024 / sizeof(T))));
            for (std::size_t i = 0; i != count; ++i) {
                if (i == value.capacity())
                    grow(from, value, mark);
                append_element(from, value);
            }
        }
    }

private:
    /// Growing moves the elements, and pointers further on may refer to them.
    static void grow(decoder& from, vector& value, std::size_t mark) {
        const T* before = value.data();
        const std::size_t size = value.size() * sizeof(T);
        value.reserve(2 * value.capacity());
        from.objects_moved(mark, before, size, value.data());
    }
};

/// Bits, eight to a byte.
template <class Bits>
void encode_bits(encoder& to, const Bits& bits) {
    const std::size_t size = bits.size();
    for (std::size_t i = 0; i < size; i += 8) {
        unsigned packed = 0;
        for (std::size_t j = i; j != std::min(i + 8, size); ++j)
            packed |= static_cast<unsigned>(static_cast<bool>(bits[j])) << (j - i);
        to.byte(static_cast<std::uint8_t>(packed));
    }
}

template <class Bits>
void decode_bits(decoder& from, Bits& bits) {
    const std::size_t size = bits.size();
    for (std::size_t i = 0; i < size; i += 8) {
        const unsigned packed = from.byte();
        for (std::size_t j = i; j != std::min(i + 8, size); ++j)
            bits[j] = ((packed >> (j - i)) & 1u) != 0;
    }
}

template <class Allocator>
struct codec<std::vector<bool, Allocator>> {
    using vector = std::vector<bool, Allocator>;
    static constexpr bool fills = true;
    static consteval refusal refused(bool) { return refusal::none; }
    static void encode(encoder& to, const vector& value) {
        to.count(value.size());
        encode_bits(to, value);
    }
    static void decode(decoder& from, vector& value) {
        const std::size_t count = from.number();
        if (count / 8 > from.remaining() || (count + 7) / 8 > from.remaining()) [[unlikely]]
            fail("procpool: a message claims more elements than it has bytes for");
        value.clear();
        value.resize(count);
        decode_bits(from, value);
    }
};

/// std::deque and std::list.
template <class T>
concept stable_sequence = named_in_std<T> && requires(T& sequence) {
    typename T::value_type;
    typename T::allocator_type;
    sequence.emplace_back();
    sequence.emplace_front();
    sequence.size();
    sequence.begin();
};

template <stable_sequence T>
struct codec<T> {
    static constexpr bool fills = true;
    static consteval refusal refused(bool pointers) { return codec_of<typename T::value_type>::refused(pointers); }
    static void encode(encoder& to, const T& value) {
        to.count(value.size());
        for (const auto& element : value)
            encode_value(to, element);
    }
    static void decode(decoder& from, T& value) {
        const std::size_t count = from.count(least_bytes<typename T::value_type>);
        value.clear();
        for (std::size_t i = 0; i != count; ++i)
            append_element(from, value);
    }
};

/// std::forward_list.
template <class T>
concept forward_sequence = named_in_std<T> && requires(T& sequence) {
    typename T::value_type;
    typename T::allocator_type;
    sequence.before_begin();
    sequence.emplace_after(sequence.before_begin());
};

template <forward_sequence T>
struct codec<T> {
    static constexpr bool fills = true;
    static consteval refusal refused(bool pointers) { return codec_of<typename T::value_type>::refused(pointers); }
    static void encode(encoder& to, const T& value) {
        std::size_t count = 0;
        for (auto at = value.begin(); at != value.end(); ++at)
            ++count;
        to.count(count);
        for (const auto& element : value)
            encode_value(to, element);
    }
    static void decode(decoder& from, T& value) {
        using element = typename T::value_type;
        const std::size_t count = from.count(least_bytes<element>);
        value.clear();
        auto last = value.before_begin();
        for (std::size_t i = 0; i != count; ++i) {
            if constexpr (detail::fills<element>) {
                last = value.emplace_after(last);
                decode_value(from, *last);
            } else {
                const std::size_t mark = from.object_mark();
                last = value.insert_after(last, construct_value<element>(from));
                from.objects_gone(mark);
            }
        }
    }
};

} // namespace procpool::serialization::detail

#endif
