// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SERIALIZATION_BITWISE_HPP
#define PROCPOOL_SERIALIZATION_BITWISE_HPP

#include <procpool/serialization/type_name.hpp>

#include <boost/serialization/is_bitwise_serializable.hpp>
#include <boost/serialization/level.hpp>

#include <array>
#include <cstddef>
#include <type_traits>

namespace procpool::serialization::detail {

/// bool, and enums over bool: only the bytes 0 and 1 may be read into these.
template <class T>
inline constexpr bool is_truth_value = std::is_same_v<T, bool>;

template <class T>
requires std::is_enum_v<T>
inline constexpr bool is_truth_value<T> = std::is_same_v<std::underlying_type_t<T>, bool>;

/// std::complex over the built-in floating-point types, which the standard lays out as an array of two.
template <class T>
concept complex_number = named_in_std<T> && std::is_floating_point_v<typename T::value_type> &&
                             sizeof(T) == 2 * sizeof(typename T::value_type) &&
                         requires(const T& number) {
    number.real();
    number.imag();
};

/// A class whose author says that copying its bytes copies the object.
/**
 * Boost says it in two ways: is_bitwise_serializable, and the implementation level primitive_type, which its binary
 * archives take to mean the same. Either is believed of classes that are nothing but their bytes. The second of the
 * conditions is for BOOST_STRONG_TYPEDEF and its like, which write out the copy constructor that they need not have.
 */
template <class T>
consteval bool is_bitwise_class() {
    if constexpr (std::is_class_v<T> || std::is_union_v<T>) {
        if constexpr (!std::is_empty_v<T> && (std::is_trivially_copyable_v<T> ||
                                              (std::is_standard_layout_v<T> && std::is_trivially_destructible_v<T> &&
                                               std::is_copy_constructible_v<T>)))
            return boost::serialization::is_bitwise_serializable<T>::value || complex_number<T> ||
                   int(boost::serialization::implementation_level<T>::value) ==
                       int(boost::serialization::primitive_type);
        else
            return false;
    } else {
        return false;
    }
}

/// Types that are carried as their bytes, without any archive. Never pointers.
template <class T>
inline constexpr bool
    is_bitwise = (!is_truth_value<T> && (std::is_arithmetic_v<T> || std::is_enum_v<T>)) || is_bitwise_class<T>();

// Arrays of them are one copy too, and so are containers of arrays of them.
template <class T, std::size_t N>
inline constexpr bool is_bitwise<T[N]> = is_bitwise<std::remove_const_t<T>>;

template <class T, std::size_t N>
inline constexpr bool is_bitwise<std::array<T, N>> = N != 0 && is_bitwise<std::remove_const_t<T>>;

template <class T>
concept bitwise = is_bitwise<T>;

} // namespace procpool::serialization::detail

#endif
