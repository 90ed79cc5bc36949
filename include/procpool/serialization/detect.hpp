// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/serialization/codecs.hpp> // Fixes the order, see there.

#ifndef PROCPOOL_SERIALIZATION_DETECT_HPP
#define PROCPOOL_SERIALIZATION_DETECT_HPP

#include <procpool/serialization/type_name.hpp>

#include <boost/serialization/serialization.hpp>

#include <type_traits>
#include <utility>

// Finding out whether a class has a serialize function, a question Boost does not answer: its own
// boost::serialization::serialize takes anything, and fails inside.

namespace procpool::serialization::probe {

/// Passed as the version. It brings both Boost's namespace and this one into the search for `serialize`.
struct version : boost::serialization::version_type {
    version();
};

/// As general as Boost's own: a call that has nothing better to choose cannot choose between the two.
template <class Archive, class T>
void serialize(Archive&, T&, const unsigned int);

/// The same for making an object without a default constructor.
template <class Archive, class T>
void load_construct_data(Archive&, T*, const unsigned int);

template <class T, class Archive>
concept has_free_serialize = requires(Archive& archive, T& object, const version& number) {
    serialize(archive, object, number);
};

template <class T>
concept has_load_construct_data = requires(input_archive& archive, T* object, const version& number) {
    load_construct_data(archive, object, number);
};

} // namespace procpool::serialization::probe

namespace procpool::serialization::detail {

template <class T, class Archive>
concept has_public_serialize = requires(Archive& archive, T& object) {
    object.serialize(archive, 0u);
};

/// A member that can be named from here. A function template cannot be without its arguments, anything else can.
template <class T>
concept has_plain_public_serialize = requires {
    &T::serialize;
};

struct serialize_namesake {
    int serialize;
};

template <class T>
struct with_namesake : T, serialize_namesake {};

template <class T>
concept namesake_is_found = requires {
    &with_namesake<T>::serialize;
};

/// Whether a class has a private serialize, for the use of its friend boost::serialization::access.
/**
 * From outside one sees only that the name is taken: in a class that inherits it from two sides it is ambiguous.
 *
 * Nothing can inherit from a final class, so there it is a guess: yes if the class has something to hide (it is no
 * aggregate) and is not the standard library's. The guess the other way would refuse classes that Boost can carry;
 * this one lets a final class without any serialize through, to fail with Boost's own message, "no member named
 * serialize".
 */
template <class T>
consteval bool has_hidden_serialize() {
    if constexpr (!std::is_class_v<T>)
        return false;
    else if constexpr (std::is_final_v<T>)
        return !has_plain_public_serialize<T> && !std::is_aggregate_v<T> && !named_in_std<T>;
    else
        return !has_plain_public_serialize<T> && !namesake_is_found<T>;
}

/// Whether Boost.Serialization has a way to carry objects of this class.
template <class T>
consteval bool has_serialize() {
    if constexpr (!std::is_class_v<T> && !std::is_union_v<T>)
        return false;
    else if constexpr (has_public_serialize<T, output_archive> && has_public_serialize<T, input_archive>)
        return true;
    else if constexpr (probe::has_free_serialize<T, output_archive> && probe::has_free_serialize<T, input_archive>)
        return true;
    else
        return has_hidden_serialize<T>();
}

} // namespace procpool::serialization::detail

#endif
