// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/serialization/input_archive.hpp>

#include <boost/archive/detail/archive_serializer_map.hpp>
#include <boost/archive/detail/basic_pointer_iserializer.hpp>
#include <boost/archive/impl/archive_serializer_map.ipp>
#include <boost/serialization/extended_type_info.hpp>
#include <boost/serialization/void_cast.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

template class boost::archive::detail::archive_serializer_map<procpool::serialization::input_archive>;

namespace procpool::serialization {

using detail::ownership;

input_archive::input_archive(decoder& from) : common_iarchive<input_archive>(boost::archive::no_header), from_(from) {
}

input_archive::~input_archive() = default;

void input_archive::load_binary(void* bytes, std::size_t size) {
    if (size == 0)
        from_.filler();
    else
        from_.bytes(bytes, size);
}

void input_archive::register_basic_serializer(const boost::archive::detail::basic_iserializer& serializer) {
    if (std::find(classes_.begin(), classes_.end(), &serializer) == classes_.end())
        classes_.push_back(&serializer);
    used_for_graph_ = true;
}

void input_archive::fail_depth() {
    fail("procpool: a message holds objects that lie too deep inside one another");
}

void input_archive::fail_foreign() {
    fail("procpool: this archive does not read the bookkeeping of other archives");
}

void input_archive::objects_moved(std::size_t mark, const void* from, std::size_t size, const void* to) noexcept {
    const auto begin = reinterpret_cast<std::uintptr_t>(from);
    for (std::size_t i = mark; i < objects_.size(); ++i) {
        tracked_object& object = objects_[i];
        const auto address = reinterpret_cast<std::uintptr_t>(object.address);
        // What was made on the heap by itself stays there, whatever moved.
        if (!object.through_pointer && object.address && address >= begin && address - begin < size)
            object.address = const_cast<std::byte*>(static_cast<const std::byte*>(to)) + (address - begin);
    }
}

void input_archive::objects_gone(std::size_t mark) noexcept {
    for (std::size_t i = mark; i < objects_.size(); ++i) {
        if (!objects_[i].through_pointer)
            objects_[i].address = nullptr;
    }
}

input_archive::tracked_object* input_archive::back_reference(const void* key) {
    std::uint32_t number = 0;
    from_.raw(number);
    if (number == objects_.size())
        return nullptr;
    if (number > objects_.size())
        fail("procpool: a message refers to an object that has not come yet");
    tracked_object& object = objects_[number];
    if (!object.address || object.key != key || !object.constructed)
        fail("procpool: a message refers to an object that is of another class or is gone");
    return &object;
}

void* input_archive::known_object(const void* key, ownership owner) {
    tracked_object* object = back_reference(key);
    if (!object)
        return nullptr;
    if (owner != ownership::none) {
        // Shared pointers of one kind find each other, also while the object is still being read, as in a cycle.
        // Anyone else needs an object that is whole and has no owner yet.
        const bool shared_already = object->owner == owner && owner != ownership::exclusive;
        const bool free = object->owner == ownership::none && object->complete;
        if (!object->through_pointer || !(shared_already || free))
            fail("procpool: a message gives an object to two owners");
        object->owner = owner;
        object->given = true;
        height_ = std::max(height_, object->height);
    }
    return object->address;
}

bool input_archive::begin_by_value(void* address, const void* key) {
    if (tracked_object* object = back_reference(key)) {
        // The writer met the same object twice, so here too it must be the same.
        if (object->address != address || object->through_pointer)
            fail("procpool: a message says that two objects are one; are tracked objects carried from a temporary?");
        return false;
    }
    used_for_graph_ = true;
    objects_.push_back({.address = address,
                        .key = key,
                        .owner = ownership::none,
                        .through_pointer = false,
                        .constructed = true,
                        .complete = true,
                        .given = false,
                        .height = 0});
    return true;
}

std::size_t input_archive::track(void* address, const void* key, ownership owner) {
    used_for_graph_ = true;
    objects_.push_back({.address = address,
                        .key = key,
                        .owner = owner,
                        .through_pointer = true,
                        .constructed = false,
                        .complete = false,
                        .given = false,
                        .height = 0});
    return objects_.size() - 1;
}

void input_archive::set_constructed(std::size_t number) noexcept {
    if (number != untracked)
        objects_[number].constructed = true;
}

void input_archive::finish_object(std::size_t number, std::uint32_t outer_height) {
    const std::uint32_t height = height_ + 1;
    if (height > nesting_limit)
        fail_depth();
    height_ = std::max(outer_height, height);
    if (number != untracked) {
        objects_[number].height = height;
        objects_[number].complete = true;
    }
}

bool input_archive::abandon(std::size_t number) noexcept {
    if (number == untracked)
        return true;
    objects_[number].address = nullptr;
    return !objects_[number].given;
}

const boost::archive::detail::basic_pointer_iserializer*
input_archive::load_class(const boost::archive::detail::basic_pointer_iserializer* own) {
    const boost::archive::detail::basic_pointer_iserializer* found = nullptr;
    switch (from_.byte()) {
    case 0:
        return nullptr;
    case 1:
        found = own;
        break;
    case 2: {
        char name[BOOST_SERIALIZATION_MAX_KEY_SIZE];
        const std::size_t size = from_.count();
        if (size == 0 || size >= sizeof(name))
            fail("procpool: a message names a class with a name that is too long");
        from_.bytes(name, size);
        name[size] = '\0';
        const auto* type = boost::serialization::extended_type_info::find(name);
        found = type ? static_cast<const boost::archive::detail::basic_pointer_iserializer*>(
                           boost::archive::detail::archive_serializer_map<input_archive>::find(*type))
                     : nullptr;
        if (found)
            register_basic_serializer(found->get_basic_serializer());
        break;
    }
    case 3: {
        const std::size_t number = from_.number();
        if (number < classes_.size())
            found = classes_[number]->get_bpis_ptr();
        break;
    }
    default:
        break;
    }
    if (!found)
        fail("procpool: a message names a class that this program has not exported");
    return found;
}

void* input_archive::load_polymorphic(const boost::archive::detail::basic_pointer_iserializer* own,
                                      const boost::serialization::extended_type_info& wanted, ownership owner) {
    const auto* serializer = load_class(own);
    if (!serializer)
        return nullptr;
    const boost::archive::detail::basic_iserializer& contents = serializer->get_basic_serializer();
    const auto as_wanted = [&](void* object) {
        const void* cast = contents.get_eti() == wanted
                               ? object
                               : boost::serialization::void_upcast(contents.get_eti(), wanted, object);
        if (!cast)
            fail("procpool: a message gives a pointer an object of a class that is not derived from the pointer's");
        return const_cast<void*>(cast);
    };

    const bool tracked = contents.tracking(0);
    if (tracked) {
        if (void* known = known_object(&contents, owner))
            return as_wanted(known);
    }

    // The memory of an object whose own load_construct_data fails is lost: Boost has no way to give it back.
    void* made = serializer->heap_allocation();
    const pending outer = pending_;
    const std::uint32_t outer_height = std::exchange(height_, 0);
    std::size_t number = untracked;
    try {
        if (tracked)
            number = track(made, &contents, owner);
        pending_ = {made, &contents, number};
        const boost::archive::version_type version = contents.version();
        serializer->load_object_ptr(*this, made, version);
        void* result = as_wanted(made);
        finish_object(number, outer_height);
        pending_ = outer;
        return result;
    } catch (...) {
        // Still pending: then load_construct_data has not returned, and there is no object to destroy.
        const bool constructed = pending_.object != made;
        pending_ = outer;
        if (abandon(number) && constructed)
            contents.destroy(made);
        throw;
    }
}

} // namespace procpool::serialization
