// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/serialization/codecs.hpp> // Fixes the order, see there.

#ifndef PROCPOOL_SERIALIZATION_INPUT_ARCHIVE_MEMBERS_HPP
#define PROCPOOL_SERIALIZATION_INPUT_ARCHIVE_MEMBERS_HPP

#include <boost/serialization/singleton.hpp>
#include <boost/serialization/type_info_implementation.hpp>
#include <boost/serialization/version.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace procpool::serialization {

namespace detail {

template <class T>
const void* input_key() {
    if constexpr (std::is_polymorphic_v<T>)
        return static_cast<const boost::archive::detail::basic_iserializer*>(
            &boost::serialization::singleton<
                boost::archive::detail::iserializer<input_archive, T>>::get_const_instance());
    else
        return &pointer_use<T>::seen;
}

template <class T>
bool is_tracked_input() {
    if constexpr (tracking_of<T> == tracking::never || smart_pointer<T>::value)
        return false;
    else if constexpr (tracking_of<T> == tracking::always)
        return true;
    else if constexpr (std::is_polymorphic_v<T>)
        return boost::serialization::singleton<
                   boost::archive::detail::iserializer<input_archive, T>>::get_const_instance()
            .tracking(0);
    else
        return pointer_use<T>::seen;
}

} // namespace detail

template <class T>
void input_archive::load_override(T& value) {
    static_assert(!std::is_const_v<T>, "procpool: a constant member cannot be read into; see load_construct_data in "
                                       "the documentation of Boost.Serialization");
    if constexpr (detail::check_refusal<T, true>()) {
        const std::size_t mark = objects_.size();
        if constexpr (std::is_pointer_v<T>)
            load_pointer(value);
        else if constexpr (detail::class_codec<T>)
            load_object(value);
        else
            detail::decode_value(from_, value);
        recent_ = mark;
    }
}

template <class T>
void input_archive::load_override(const boost::serialization::array_wrapper<T>& array) {
    if (array.count() == 0) {
        from_.filler();
    } else if constexpr (detail::is_bitwise<T>) {
        if (array.count() > from_.remaining() / sizeof(T)) [[unlikely]]
            fail_truncated();
        load_binary(array.address(), array.count() * sizeof(T));
    } else {
        for (std::size_t i = 0; i != array.count(); ++i)
            load_override(array.address()[i]);
    }
}

template <class T>
void input_archive::load_object(T& object) {
    const std::size_t before = from_.remaining();
    if (detail::is_tracked_input<T>()) {
        const void* key = detail::input_key<T>();
        if (pending_.object == std::addressof(object) && pending_.key == key) {
            // Its number was read with the pointer, and now it has been constructed.
            pending_.object = nullptr;
            set_constructed(pending_.number);
        } else if (!begin_by_value(std::addressof(object), key)) {
            return;
        }
    } else if constexpr (std::is_polymorphic_v<T>) {
        if (pending_.object == std::addressof(object) && pending_.key == detail::input_key<T>())
            pending_.object = nullptr;
    }
    load_contents(object, before);
}

template <class T>
void input_archive::load_contents(T& object, std::size_t before) {
    if constexpr (detail::class_codec<T>) {
        constexpr auto version = static_cast<unsigned int>(boost::serialization::version<T>::value);
        const level nested(*this, detail::smart_pointer<T>::value ? 0 : 1);
        if constexpr (detail::smart_pointer<T>::value)
            next_owner_ = detail::smart_pointer<T>::owner;
        boost::serialization::serialize_adl(*this, object, version);
        if constexpr (detail::smart_pointer<T>::value)
            next_owner_ = detail::ownership::none;
        if (from_.remaining() == before)
            from_.filler();
    } else {
        load_override(object);
    }
}

template <class T>
void input_archive::load_pointer(T*& pointer) {
    using object_type = std::remove_const_t<T>;
    (void)&detail::pointer_use<object_type>::marker;
    const detail::ownership owner = std::exchange(next_owner_, detail::ownership::none);
    if constexpr (std::is_polymorphic_v<object_type>) {
        using boost::serialization::singleton;
        const boost::archive::detail::basic_pointer_iserializer* own = nullptr;
        if constexpr (!std::is_abstract_v<object_type>)
            own = &singleton<
                boost::archive::detail::pointer_iserializer<input_archive, object_type>>::get_const_instance();
        const auto& wanted =
            singleton<typename boost::serialization::type_info_implementation<object_type>::type>::get_const_instance();
        pointer = static_cast<object_type*>(load_polymorphic(own, wanted, owner));
    } else if (!from_.boolean()) {
        pointer = nullptr;
    } else {
        if constexpr (detail::tracking_of<object_type> != detail::tracking::never) {
            if (void* known = known_object(detail::input_key<object_type>(), owner)) {
                pointer = static_cast<object_type*>(known);
                return;
            }
        }
        pointer = make_object<object_type>(owner);
    }
}

template <class T>
T* input_archive::make_object(detail::ownership owner) {
    constexpr auto version = static_cast<unsigned int>(boost::serialization::version<T>::value);
    constexpr bool tracked = detail::tracking_of<T> != detail::tracking::never;
    boost::archive::detail::heap_allocation<T> memory;
    const std::size_t number = tracked ? track(memory.get(), detail::input_key<T>(), owner) : untracked;
    try {
        boost::serialization::load_construct_data_adl(*this, memory.get(), version);
    } catch (...) {
        abandon(number);
        throw;
    }
    T* made = memory.release();
    const std::uint32_t outer_height = std::exchange(height_, 0);
    try {
        set_constructed(number);
        load_contents(*made, from_.remaining());
        finish_object(number, outer_height);
    } catch (...) {
        if (abandon(number))
            boost::serialization::access::destroy(made);
        throw;
    }
    return made;
}

} // namespace procpool::serialization

BOOST_SERIALIZATION_REGISTER_ARCHIVE(procpool::serialization::input_archive)
BOOST_SERIALIZATION_USE_ARRAY_OPTIMIZATION(procpool::serialization::input_archive)

#endif
