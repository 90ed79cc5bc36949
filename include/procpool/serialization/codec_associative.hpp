// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/serialization/codecs.hpp> // Fixes the order, see there.

#ifndef PROCPOOL_SERIALIZATION_CODEC_ASSOCIATIVE_HPP
#define PROCPOOL_SERIALIZATION_CODEC_ASSOCIATIVE_HPP

// Sets and maps, ordered and unordered, with equal keys and without, known by their members.

#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace procpool::serialization::detail {

template <class T>
concept associative = named_in_std<T> && requires(T& container) {
    typename T::key_type;
    typename T::value_type;
    typename T::allocator_type;
    container.size();
    container.clear();
    container.begin();
};

template <class T>
concept maps_keys = requires {
    typename T::mapped_type;
};

template <class T>
concept hashes_keys = requires {
    typename T::hasher;
};

/// Whether equal keys are let in: then inserting always succeeds, and says so by returning just the place.
template <class T>
concept has_unique_keys = requires(T& container, typename T::value_type&& value) {
    container.insert(std::move(value)).second;
};

/// Keeps a message from being a hang: keys can be chosen so that all of them hash to the same bucket.
/**
 * Each insertion then walks the whole bucket, and a few megabytes of keys would take hours. So the decoder allows a
 * message only so many steps, which is enough for a poor hash function, and for thousands of keys with the same hash.
 */
template <class T>
class collision_budget {
public:
    template <class Iterator>
    void inserted(decoder& from, const T& container, Iterator at) {
        const auto& key = key_of(*at);
        if constexpr (!has_unique_keys<T>) {
            // Equal keys arrive together, and with the one before as the hint, adding another does not walk the bucket.
            const bool same = last_ && container.key_eq()(*last_, key);
            last_ = std::addressof(key);
            if (same)
                return;
        }
        from.allow_steps(container.bucket_size(container.bucket(key)));
    }

private:
    static const auto& key_of(const typename T::value_type& value) {
        if constexpr (maps_keys<T>)
            return value.first;
        else
            return value;
    }

    const typename T::key_type* last_ = nullptr;
};

/// A value that lies where it was read until it is moved on, so that pointers to it can be set right.
/**
 * A function's result does not have to: that it is made in the caller's place is not guaranteed, and g++ 12 does not see
 * to it in construct_value().
 */
template <class T>
struct read_in_place {
    T value;
    explicit read_in_place(decoder& from) requires fills<T> : value() { codec_of<T>::decode(from, value); }
    explicit read_in_place(decoder& from) requires(!fills<T>) : value(construct_value<T>(from)) {}
};

struct no_budget {
    template <class T, class Iterator>
    void inserted(decoder&, const T&, Iterator) {}
};

template <associative T>
struct codec<T> {
    using key_type = typename T::key_type;

    static constexpr bool fills = true;

    static consteval refusal refused(bool pointers) {
        if constexpr (maps_keys<T>)
            return first_refusal(codec_of<key_type>::refused(pointers),
                                 codec_of<typename T::mapped_type>::refused(pointers));
        else
            return codec_of<key_type>::refused(pointers);
    }

    static void encode(encoder& to, const T& value) {
        to.count(value.size());
        for (const auto& element : value) {
            if constexpr (maps_keys<T>) {
                encode_value(to, element.first);
                encode_value(to, element.second);
            } else {
                encode_value(to, element);
            }
        }
    }

    static void decode(decoder& from, T& value) {
        const std::size_t count = from.count(least_bytes<key_type>);
        value.clear();
        std::conditional_t<hashes_keys<T>, collision_budget<T>, no_budget> budget;
        // Where the next element most likely goes: after the one before it among equal keys, at the end in order.
        auto hint = value.end();
        for (std::size_t i = 0; i != count; ++i) {
            const std::size_t mark = from.object_mark();
            read_in_place<key_type> key(from);
            if constexpr (maps_keys<T>) {
                read_in_place<std::remove_const_t<typename T::mapped_type>> mapped(from);
                const auto at = value.emplace_hint(hint, std::move(key.value), std::move(mapped.value));
                settle(from, value, i, mark);
                from.objects_moved(mark, std::addressof(key), sizeof(key), std::addressof(at->first));
                from.objects_moved(mark, std::addressof(mapped), sizeof(mapped), std::addressof(at->second));
                budget.inserted(from, value, at);
                hint = hashes_keys<T> ? at : value.end();
            } else {
                const auto at = value.emplace_hint(hint, std::move(key.value));
                settle(from, value, i, mark);
                from.objects_moved(mark, std::addressof(key), sizeof(key), std::addressof(*at));
                budget.inserted(from, value, at);
                hint = hashes_keys<T> ? at : value.end();
            }
        }
    }

private:
    /// A key that was there already: nobody who wrote a set or map would write it twice.
    static void settle(decoder& from, const T& value, std::size_t before, std::size_t mark) {
        if (value.size() != before + 1) [[unlikely]] {
            from.objects_gone(mark);
            fail("procpool: a message holds the same key twice in a container that keeps each key once");
        }
    }
};

} // namespace procpool::serialization::detail

#endif
