// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/serialization/codecs.hpp> // Fixes the order, see there.

#ifndef PROCPOOL_SERIALIZATION_CODEC_CLASS_HPP
#define PROCPOOL_SERIALIZATION_CODEC_CLASS_HPP

// Classes with a serialize function, pointers inside them, and what cannot be carried.

#include <procpool/serialization/tracking.hpp>

#include <boost/archive/archive_exception.hpp>
#include <boost/serialization/version.hpp>

#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

namespace procpool::serialization::detail {

consteval bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != text.npos;
}

/// What to say of a class that has no serialize. Only the wording hangs on it.
template <class T>
consteval refusal refusal_of_class() {
    constexpr std::string_view name = type_name<T>();
    if constexpr (smart_pointer<T>::value)
        return refusal::smart_pointer;
    else if (name.starts_with("std::function<") || name.starts_with("std::move_only_function<") ||
             name.starts_with("boost::function<") || contains(name, "<lambda") || contains(name, "(lambda at"))
        return refusal::callable;
    else if (contains(name.substr(0, name.find('<')), "string_view") || name.starts_with("std::span<") ||
             name.starts_with("std::ranges::") || name.starts_with("std::initializer_list<") ||
             name.starts_with("std::reference_wrapper<") || name.starts_with("boost::span<"))
        return refusal::view;
    else
        return refusal::no_serialize;
}

template <class T>
consteval refusal refusal_of_pointee() {
    if constexpr (std::is_class_v<T> && std::is_polymorphic_v<T>)
        return refusal::none; // What is carried is some derived class, and only Boost's registry knows which.
    else
        return codec_of<T>::refused(false);
}

/// Objects of class type, through the Boost archive.
/**
 * A class without a public default constructor is made by load_construct_data, as in Boost's own containers, and its
 * save_construct_data is written before it. (Those two do nothing but call a private default constructor unless the
 * class's author says otherwise.)
 */
template <class T>
struct codec {
    static constexpr bool is_for_classes = true;
    static constexpr bool fills = std::is_default_constructible_v<T>;

    static consteval refusal refused(bool) {
        if constexpr (!has_serialize<T>()) {
            return refusal_of_class<T>();
        } else if constexpr (smart_pointer<T>::value) {
            using pointee = std::remove_const_t<typename smart_pointer<T>::pointee>;
            constexpr bool shared = smart_pointer<T>::owner != ownership::exclusive;
            if constexpr (shared && tracking_of<pointee> == tracking::never)
                return refusal::untracked_shared;
            else
                return refusal_of_pointee<pointee>();
        } else {
            return refusal::none;
        }
    }

    static void encode(encoder& to, const T& value) {
        try {
            output_archive& archive = to.archive();
            if constexpr (!fills)
                boost::serialization::save_construct_data_adl(archive, std::addressof(value), version);
            archive.save_object(value);
        } catch (const boost::archive::archive_exception&) {
            rethrow_archive_failure();
        }
    }

    static void decode(decoder& from, T& value) {
        try {
            from.archive().load_object(value);
        } catch (const boost::archive::archive_exception&) {
            rethrow_archive_failure();
        }
    }

    static T construct(decoder& from) {
        try {
            input_archive& archive = from.archive();
            const std::size_t mark = from.object_mark();
            storage made;
            boost::serialization::load_construct_data_adl(archive, std::addressof(made.object), version);
            struct destroyer {
                T& object;
                ~destroyer() { std::destroy_at(std::addressof(object)); }
            } destroy{made.object};
            archive.load_object(made.object);
            from.objects_gone(mark);
            return std::move(made.object);
        } catch (const boost::archive::archive_exception&) {
            rethrow_archive_failure();
        }
    }

private:
    static constexpr unsigned int version = static_cast<unsigned int>(boost::serialization::version<T>::value);

    /// Room for an object that is made and unmade by hand.
    union storage {
        storage() {}
        ~storage() {}
        T object;
    };
};

template <class T>
concept class_codec = codec_of<T>::is_for_classes;

/// Pointers, where they are allowed at all: inside a class that carries them in its serialize.
template <class T>
struct codec<T*> {
    static constexpr bool fills = true;
    static consteval refusal refused(bool pointers) {
        if constexpr (std::is_void_v<T> || std::is_volatile_v<T>)
            return refusal::raw_pointer;
        else
            return pointers ? refusal_of_pointee<std::remove_const_t<T>>() : refusal::raw_pointer;
    }
    static void encode(encoder& to, T* const& value) {
        try {
            to.archive().save_pointer(value);
        } catch (const boost::archive::archive_exception&) {
            rethrow_archive_failure();
        }
    }
    static void decode(decoder& from, T*& value) {
        try {
            from.archive().load_pointer(value);
        } catch (const boost::archive::archive_exception&) {
            rethrow_archive_failure();
        }
    }
};

template <refusal Reason>
struct refused_codec {
    static constexpr bool fills = true;
    static consteval refusal refused(bool) { return Reason; }
};

template <class T>
struct codec<T&> : refused_codec<refusal::reference> {};
template <class T>
struct codec<T&&> : refused_codec<refusal::reference> {};
template <class T>
struct codec<T[]> : refused_codec<refusal::raw_pointer> {};
template <class T, class Class>
struct codec<T Class::*> : refused_codec<refusal::raw_pointer> {};
template <>
struct codec<std::nullptr_t> : refused_codec<refusal::raw_pointer> {};
template <>
struct codec<void> : refused_codec<refusal::no_serialize> {};
template <class T>
requires std::is_function_v<T>
struct codec<T> : refused_codec<refusal::callable> {
};
template <class T>
requires std::is_function_v<T>
struct codec<T*> : refused_codec<refusal::callable> {
};

} // namespace procpool::serialization::detail

#endif
