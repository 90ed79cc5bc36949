// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SERIALIZATION_EXCEPTION_REGISTRY_HPP
#define PROCPOOL_SERIALIZATION_EXCEPTION_REGISTRY_HPP

#include <procpool/serialization/codecs.hpp>
#include <procpool/serialization/exceptions.hpp>

#include <boost/throw_exception.hpp>

#include <exception>
#include <optional>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace procpool::serialization {

/// How exceptions of one type are carried.
struct exception_codec {
    void (*encode)(const std::exception_ptr&, encoder&);
    std::exception_ptr (*decode)(decoder&);
};

/// Tells the registry of a type, and of the type that boost::throw_exception makes of it, if that is not null.
void register_exception(const std::type_info& type, const std::type_info* thrown_by_boost, exception_codec codec);
void unregister_exception(const std::type_info& type, const std::type_info* thrown_by_boost) noexcept;

/// What is known of a type by which an exception was thrown.
struct known_exception {
    std::string name; ///< Names the type on both sides: this is one build of one program.
    exception_codec codec;
};

std::optional<known_exception> find_exception(const std::type_info& thrown);
std::optional<exception_codec> find_exception(const std::string& name);

namespace detail {

/// At most `what_limit` bytes, cut between two characters.
std::string bounded_text(const char* text);

/// Reads what `bounded_text` made.
std::string decode_text(decoder& from);

template <class T>
consteval bool carries_exception_whole() {
    if constexpr (std::is_default_constructible_v<T>)
        return carriable<T>;
    else
        return false;
}

template <class T>
consteval bool carries_exception_text() {
    if constexpr (requires(const T& exception) { bounded_text(exception.what()); })
        return std::is_constructible_v<T, const std::string&> || std::is_constructible_v<T, const char*>;
    else
        return false;
}

template <class T>
struct exception_codec_for {
    static void encode(const std::exception_ptr& exception, encoder& to) {
        try {
            std::rethrow_exception(exception);
        } catch (const T& thrown) {
            if constexpr (carries_exception_whole<T>())
                to(thrown);
            else
                to(bounded_text(thrown.what()));
        }
    }

    static std::exception_ptr decode(decoder& from) {
        if constexpr (carries_exception_whole<T>()) {
            return make_decoded(from.get<T>());
        } else {
            const std::string text = decode_text(from);
            if constexpr (std::is_constructible_v<T, const std::string&>)
                return make_decoded(T(text));
            else
                return make_decoded(T(text.c_str()));
        }
    }
};

template <class T>
const std::type_info* type_thrown_by_boost() {
    if constexpr (std::is_class_v<T> && std::is_polymorphic_v<T> && !std::is_final_v<T> &&
                  std::is_base_of_v<std::exception, T>)
        return &typeid(boost::wrapexcept<T>);
    else
        return nullptr;
}

} // namespace detail

/// Keeps a type registered as long as the module that it belongs to is loaded.
template <class T>
class exception_registration {
    static_assert(std::is_same_v<T, std::decay_t<T>> && std::is_copy_constructible_v<T>,
                  "procpool: PROCPOOL_EXCEPTION needs a type that can be thrown, so one that can be copied");
    static constexpr bool carriable_at_all =
        detail::carries_exception_whole<T>() || detail::carries_exception_text<T>();
    static_assert(carriable_at_all,
                  "procpool: PROCPOOL_EXCEPTION needs a type with a default constructor and a serialize function for "
                  "Boost.Serialization, or with what() and a constructor from std::string or const char*");

public:
    exception_registration() {
        if constexpr (carriable_at_all) {
            using codec = detail::exception_codec_for<T>;
            register_exception(typeid(T), detail::type_thrown_by_boost<T>(), {&codec::encode, &codec::decode});
        }
    }
    exception_registration(const exception_registration&) = delete;
    exception_registration& operator=(const exception_registration&) = delete;
    ~exception_registration() { unregister_exception(typeid(T), detail::type_thrown_by_boost<T>()); }
};

} // namespace procpool::serialization

#endif
