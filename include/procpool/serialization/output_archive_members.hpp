// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/serialization/codecs.hpp> // Fixes the order, see there.

#ifndef PROCPOOL_SERIALIZATION_OUTPUT_ARCHIVE_MEMBERS_HPP
#define PROCPOOL_SERIALIZATION_OUTPUT_ARCHIVE_MEMBERS_HPP

#include <boost/serialization/extended_type_info.hpp>
#include <boost/serialization/singleton.hpp>
#include <boost/serialization/type_info_implementation.hpp>
#include <boost/serialization/version.hpp>
#include <boost/serialization/void_cast.hpp>

#include <memory>
#include <type_traits>

namespace procpool::serialization {

namespace detail {

/// What objects of a class are tracked under, together with their address.
/**
 * For a polymorphic class it is Boost's serializer, the one thing that is known of a derived class behind a pointer.
 */
template <class T>
const void* output_key() {
    if constexpr (std::is_polymorphic_v<T>)
        return static_cast<const boost::archive::detail::basic_oserializer*>(
            &boost::serialization::singleton<
                boost::archive::detail::oserializer<output_archive, T>>::get_const_instance());
    else
        return &pointer_use<T>::seen;
}

template <class T>
bool is_tracked_output() {
    if constexpr (tracking_of<T> == tracking::never || smart_pointer<T>::value)
        return false;
    else if constexpr (tracking_of<T> == tracking::always)
        return true;
    else if constexpr (std::is_polymorphic_v<T>)
        return boost::serialization::singleton<
                   boost::archive::detail::oserializer<output_archive, T>>::get_const_instance()
            .tracking(0);
    else
        return pointer_use<T>::seen;
}

} // namespace detail

template <class T>
void output_archive::save_override(const T& value) {
    if constexpr (detail::check_refusal<T, true>()) {
        if constexpr (std::is_pointer_v<T>)
            save_pointer(value);
        else if constexpr (detail::class_codec<T>)
            save_object(value);
        else
            detail::encode_value(to_, value);
    }
}

template <class T>
void output_archive::save_override(const boost::serialization::array_wrapper<T>& array) {
    // As many values as the reader asks for, so no count; but never no bytes at all.
    if (array.count() == 0) {
        to_.byte(0);
    } else if constexpr (detail::is_bitwise<std::remove_const_t<T>>) {
        save_binary(array.address(), array.count() * sizeof(T));
    } else {
        for (std::size_t i = 0; i != array.count(); ++i)
            save_override(std::as_const(array.address()[i]));
    }
}

template <class T>
void output_archive::save_object(const T& object) {
    const std::size_t before = to_.written();
    if (detail::is_tracked_output<T>()) {
        const std::pair<const void*, const void*> identity(std::addressof(object), detail::output_key<T>());
        if (pending_ == identity)
            pending_.first = nullptr; // Its number was written with the pointer.
        else if (!begin_object(identity.first, identity.second, false))
            return;
    }
    save_contents(object, before);
}

template <class T>
void output_archive::save_contents(const T& object, std::size_t before) {
    if constexpr (detail::class_codec<T>) {
        constexpr auto version = static_cast<unsigned int>(boost::serialization::version<T>::value);
        const level nested(*this, detail::smart_pointer<T>::value ? 0 : 1);
        // serialize is one function for both directions, so its object is not const; writing changes nothing in it.
        boost::serialization::serialize_adl(*this, const_cast<T&>(object), version);
        if (to_.written() == before)
            to_.byte(0);
    } else {
        save_override(object);
    }
}

template <class T>
void output_archive::save_pointer(const T* pointer) {
    (void)&detail::pointer_use<T>::marker;
    if (!pointer) {
        to_.byte(0);
        return;
    }
    if constexpr (std::is_polymorphic_v<T>) {
        using boost::serialization::singleton;
        const auto& declared =
            singleton<typename boost::serialization::type_info_implementation<T>::type>::get_const_instance();
        const boost::serialization::extended_type_info* actual = declared.get_derived_extended_type_info(*pointer);
        if constexpr (!std::is_abstract_v<T>) {
            // Naming it also puts the class into Boost's registry.
            const auto& own =
                singleton<boost::archive::detail::pointer_oserializer<output_archive, T>>::get_const_instance();
            if (actual && *actual == declared) {
                save_polymorphic(pointer, own, false);
                return;
            }
        }
        const auto& serializer = find_serializer(actual);
        const void* object = boost::serialization::void_downcast(*actual, declared, pointer);
        if (!object)
            fail("procpool: a pointer to a base class points to a derived class that Boost.Serialization does not "
                 "know to be derived from it; call boost::serialization::base_object in its serialize");
        save_polymorphic(object, serializer, true);
    } else {
        to_.byte(1);
        if constexpr (detail::tracking_of<T> != detail::tracking::never) {
            if (!begin_object(pointer, detail::output_key<T>(), true))
                return;
        }
        constexpr auto version = static_cast<unsigned int>(boost::serialization::version<T>::value);
        boost::serialization::save_construct_data_adl(*this, pointer, version);
        save_contents(*pointer, to_.written());
    }
}

} // namespace procpool::serialization

BOOST_SERIALIZATION_REGISTER_ARCHIVE(procpool::serialization::output_archive)
BOOST_SERIALIZATION_USE_ARRAY_OPTIMIZATION(procpool::serialization::output_archive)

#endif
