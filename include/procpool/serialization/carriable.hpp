// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/serialization/codecs.hpp> // Fixes the order, see there.

#ifndef PROCPOOL_SERIALIZATION_CARRIABLE_HPP
#define PROCPOOL_SERIALIZATION_CARRIABLE_HPP

#include <type_traits>

namespace procpool::serialization {

/// Whether values of a type can be carried to another process.
/**
 * True for arithmetic types and enums, for the standard's vocabulary types and containers of carriable types, for
 * classes with a serialize function for Boost.Serialization, and for smart pointers to such if Boost's header for the
 * smart pointer is included. What a class's serialize does with its members is looked at when it is called, not here.
 */
template <class T>
concept carriable = (detail::codec_of<T>::refused(false) == detail::refusal::none);

namespace detail {

/// Stops the compilation with one sentence if a type cannot be carried.
template <class T, bool Pointers>
constexpr bool check_refusal() {
    constexpr refusal why = codec_of<T>::refused(Pointers);
    static_assert(why != refusal::raw_pointer,
                  "procpool: a raw pointer cannot be carried to another process, where it would point nowhere; pass "
                  "what it points to by value");
    static_assert(why != refusal::reference,
                  "procpool: a reference cannot be carried to another process; pass the value");
    static_assert(why != refusal::view,
                  "procpool: a view into memory of this process (such as std::string_view or std::span) cannot be "
                  "carried to another; pass a container that owns its elements");
    static_assert(why != refusal::callable,
                  "procpool: a lambda or std::function cannot be carried to another process: captures do not cross a "
                  "process boundary; pass them as arguments");
    static_assert(why != refusal::smart_pointer,
                  "procpool: this smart pointer cannot be carried to another process; for std::unique_ptr include "
                  "<boost/serialization/unique_ptr.hpp>, for std::shared_ptr <boost/serialization/shared_ptr.hpp>");
    static_assert(why != refusal::untracked_shared,
                  "procpool: a shared pointer to a type that Boost.Serialization does not track (such as int) cannot "
                  "be carried to another process; make it a pointer to a class");
    static_assert(why != refusal::no_serialize,
                  "procpool: this type cannot be carried to another process; give it a serialize function for "
                  "Boost.Serialization, as in template <class Archive> void serialize(Archive& archive, unsigned int) "
                  "{ archive & first & second; }");
    return why == refusal::none;
}

} // namespace detail

/// Stops the compilation with one sentence if values of a type cannot be carried to another process.
/**
 * Returns whether they can, so that `if constexpr (check_carriable<T>())` around the rest keeps further errors away.
 */
template <class T>
constexpr bool check_carriable() {
    return detail::check_refusal<T, false>();
}

} // namespace procpool::serialization

#endif
