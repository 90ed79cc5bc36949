// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SERIALIZATION_TYPE_NAME_HPP
#define PROCPOOL_SERIALIZATION_TYPE_NAME_HPP

#include <string_view>

namespace procpool::serialization::detail {

/// A type's name as the compiler prints it. For telling types apart at compile time, never sent anywhere.
template <class T>
consteval std::string_view type_name() {
    // "... [with T = name]" by g++, "... [T = name]" by clang; g++ may go on after a semicolon.
    std::string_view text = __PRETTY_FUNCTION__;
    text.remove_prefix(text.find("T = ") + 4);
    const auto semicolon = text.find("; std::string_view =");
    return text.substr(0, semicolon == text.npos ? text.size() - 1 : semicolon);
}

/// Whether a class is the standard library's own.
/**
 * The containers are recognised by their members, so that their headers need not be included here. But a program's
 * class that derives from a container has those members too, and more to carry than the container does. The name of
 * the namespace tells them apart.
 */
template <class T>
inline constexpr bool named_in_std = type_name<T>().starts_with("std::");

} // namespace procpool::serialization::detail

#endif
