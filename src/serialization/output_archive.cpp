// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/serialization/output_archive.hpp>

#include <boost/archive/detail/archive_serializer_map.hpp>
#include <boost/archive/detail/basic_pointer_oserializer.hpp>
#include <boost/archive/impl/archive_serializer_map.ipp>
#include <boost/serialization/extended_type_info.hpp>

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

template class boost::archive::detail::archive_serializer_map<procpool::serialization::output_archive>;

namespace procpool::serialization {

output_archive::output_archive(encoder& to) : common_oarchive<output_archive>(boost::archive::no_header), to_(to) {
}

output_archive::~output_archive() = default;

void output_archive::save_binary(const void* bytes, std::size_t size) {
    if (size == 0)
        to_.byte(0);
    else
        to_.bytes(bytes, size);
}

void output_archive::register_basic_serializer(const boost::archive::detail::basic_oserializer& serializer) {
    if (std::find(classes_.begin(), classes_.end(), &serializer) == classes_.end())
        classes_.push_back(&serializer);
    used_for_graph_ = true;
}

void output_archive::fail_depth() {
    fail("procpool: objects lie too deep inside one another to be carried to another process");
}

void output_archive::fail_foreign() {
    fail("procpool: this archive does not write the bookkeeping of other archives");
}

bool output_archive::begin_object(const void* address, const void* key, bool through_pointer) {
    used_for_graph_ = true;
    if (objects_.size() >= std::numeric_limits<std::uint32_t>::max())
        fail("procpool: too many objects are carried at once");
    const tracked_object fresh{static_cast<std::uint32_t>(objects_.size()), through_pointer};
    const auto [at, is_new] = objects_.try_emplace({address, key}, fresh);
    // Read back, the object would exist twice: made for the pointer, and where the value lies.
    if (!is_new && at->second.through_pointer && !through_pointer)
        fail("procpool: an object is carried first through a pointer and then by value; carry the value first");
    to_.raw(at->second.number);
    return is_new;
}

void output_archive::save_class(const boost::archive::detail::basic_oserializer& serializer) {
    const auto at = std::find(classes_.begin(), classes_.end(), &serializer);
    if (at != classes_.end()) {
        to_.byte(3);
        to_.count(static_cast<std::size_t>(at - classes_.begin()));
        return;
    }
    const char* name = serializer.get_eti().get_key();
    const std::size_t size = name ? std::strlen(name) : 0;
    if (size == 0 || size >= BOOST_SERIALIZATION_MAX_KEY_SIZE)
        fail("procpool: a pointer to a base class points to a derived class that is not exported; write "
             "BOOST_CLASS_EXPORT(the class) after including procpool, with a name of at most 127 characters");
    to_.byte(2);
    to_.count(size);
    to_.bytes(name, size);
    register_basic_serializer(serializer);
}

void output_archive::save_polymorphic(const void* object,
                                      const boost::archive::detail::basic_pointer_oserializer& serializer,
                                      bool other_class) {
    const boost::archive::detail::basic_oserializer& contents = serializer.get_basic_serializer();
    if (other_class)
        save_class(contents);
    else
        to_.byte(1);
    const bool tracked = contents.tracking(0);
    if (tracked) {
        if (!begin_object(object, &contents, true))
            return;
    }
    // Saving what an object is constructed from may save other objects through pointers.
    const auto outer = std::exchange(pending_, {tracked ? object : nullptr, &contents});
    serializer.save_object_ptr(*this, object);
    pending_ = outer;
}

const boost::archive::detail::basic_pointer_oserializer&
output_archive::find_serializer(const boost::serialization::extended_type_info* type) {
    const boost::archive::detail::basic_serializer* found =
        type ? boost::archive::detail::archive_serializer_map<output_archive>::find(*type) : nullptr;
    if (!found)
        fail("procpool: a pointer to a base class points to a derived class that is not exported; write "
             "BOOST_CLASS_EXPORT(the class) in a file that includes procpool");
    return *static_cast<const boost::archive::detail::basic_pointer_oserializer*>(found);
}

} // namespace procpool::serialization
