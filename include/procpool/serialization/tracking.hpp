// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SERIALIZATION_TRACKING_HPP
#define PROCPOOL_SERIALIZATION_TRACKING_HPP

#include <boost/serialization/tracking.hpp>

#include <cstdint>
#include <memory>
#include <type_traits>

namespace boost {
template <class T>
class shared_ptr;
template <class T>
class scoped_ptr;
} // namespace boost

namespace procpool::serialization::detail {

/// Who deletes an object that a pointer read from a message points to.
enum class ownership : std::uint8_t {
    none,         ///< A raw pointer: it may own the object or only know it.
    exclusive,    ///< A std::unique_ptr or boost::scoped_ptr.
    std_shared,   ///< std::shared_ptr, and std::weak_ptr, which is read through one.
    boost_shared, ///< The same of Boost.
};

template <class T>
struct smart_pointer {
    static constexpr bool value = false;
    static constexpr ownership owner = ownership::none;
};

template <class T, ownership Owner>
struct smart_pointer_to {
    using pointee = T;
    static constexpr bool value = true;
    static constexpr ownership owner = Owner;
};

template <class T, class Deleter>
struct smart_pointer<std::unique_ptr<T, Deleter>> : smart_pointer_to<T, ownership::exclusive> {};
template <class T>
struct smart_pointer<boost::scoped_ptr<T>> : smart_pointer_to<T, ownership::exclusive> {};
template <class T>
struct smart_pointer<std::shared_ptr<T>> : smart_pointer_to<T, ownership::std_shared> {};
template <class T>
struct smart_pointer<std::weak_ptr<T>> : smart_pointer_to<T, ownership::std_shared> {};
template <class T>
struct smart_pointer<boost::shared_ptr<T>> : smart_pointer_to<T, ownership::boost_shared> {};

/// Whether this program carries pointers to T anywhere, and so whether values of T are worth tracking.
/**
 * It is the rule of Boost.Serialization: under track_selectively, which is the default for classes, objects carried by
 * value are tracked if some pointer to their type is carried somewhere, because it might point to one of them. Boost
 * learns it from a registry that is filled for each class before main; this does the same for one flag.
 */
template <class T>
struct pointer_use {
    inline static bool seen = false;

    /// Named by whatever carries a pointer to T; its initialiser runs before main.
    inline static const bool marker = (seen = true);
};

enum class tracking : std::uint8_t { never, if_pointed_to, always };

template <class T>
inline constexpr tracking tracking_of = [] {
    constexpr int level = boost::serialization::tracking_level<T>::value;
    if (level == boost::serialization::track_never)
        return tracking::never;
    return level == boost::serialization::track_always ? tracking::always : tracking::if_pointed_to;
}();

} // namespace procpool::serialization::detail

#endif
