// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/serialization/codecs.hpp> // Fixes the order, see there.

#ifndef PROCPOOL_SERIALIZATION_INPUT_ARCHIVE_HPP
#define PROCPOOL_SERIALIZATION_INPUT_ARCHIVE_HPP

#include <procpool/serialization/bitwise.hpp>
#include <procpool/serialization/tracking.hpp>

#include <boost/archive/detail/common_iarchive.hpp>
#include <boost/archive/detail/iserializer.hpp>
#include <boost/archive/detail/register_archive.hpp>
#include <boost/mpl/bool.hpp>
#include <boost/serialization/array_wrapper.hpp>
#include <boost/serialization/binary_object.hpp>
#include <boost/serialization/collection_size_type.hpp>

#include <cstdint>
#include <utility>
#include <vector>

namespace procpool::serialization {

/// The archive that a class's `serialize` sees when it is read, from bytes that are not trusted.
/**
 * What basic_iarchive of Boost 1.81 (src/basic_iarchive.cpp) trusts, and what is done about each here. Its members
 * load_object, load_pointer and register_basic_serializer are called on the archive's own type, so they are hidden by
 * those below, and none of its reading of ids is ever reached.
 *
 * - class_id_type: an index into a vector, compared with the vector's size only from one side and, for a new class,
 *   by an assertion. Here: 0 is null, 1 the pointer's own class, 2 a class by name, 3 one by its index among the classes
 *   that this graph has named, which is checked; nothing else is accepted.
 * - class_name_type: text copied into a buffer of 128 bytes. Here: a length that is checked first; a name nobody
 *   exported, or exported without this archive (a null serializer, which Boost only asserts against), is refused.
 * - object_id_type: an old one yields its address whatever class the object has, whether it was ever constructed and
 *   whoever owns it. Here: a reference must be to an object of exactly the class named, already constructed; only an
 *   object made on the heap can be given to an owner, to one std::unique_ptr or to shared pointers of one kind.
 *   Otherwise two unique_ptrs to one object, or one to an element of a vector, would be a double or wild free.
 * - tracking_type and version_type: believed instead of the class's own. Here: never read; this is the same build.
 * - A derived class that is no relative of the pointer's class: found out only after the object was made, which then
 *   leaks. Here: it is destroyed.
 * - collection_size_type: what stock loaders reserve. Here: no more than bytes remain.
 * - Recursion: unbounded. Here: nesting_limit; and no more than as many objects may own one another in a row by shared
 *   pointers, because they are destroyed recursively even if the message did not nest them.
 *
 * What cannot be checked here, because only the class knows: a class that deletes what its raw pointers point to
 * takes the writer's word that no two of them point to the same object. Hold such objects by smart pointers.
 */
class input_archive : public boost::archive::detail::common_iarchive<input_archive> {
public:
    explicit input_archive(decoder& from);
    ~input_archive();

    struct use_array_optimization {
        template <class T>
        struct apply : boost::mpl::bool_<detail::is_bitwise<T>> {};
    };

    template <class T>
    void load_array(const boost::serialization::array_wrapper<T>& array, unsigned int) {
        load_override(array);
    }

    void load_binary(void* bytes, std::size_t size);

    void register_basic_serializer(const boost::archive::detail::basic_iserializer& serializer);

    /// Helpers live as long as the graph that is being read.
    boost::archive::detail::helper_collection& get_helper_collection() {
        used_for_graph_ = true;
        return *this;
    }

    /// What Boost's stock container loaders call after an element was moved into place.
    template <class T, class U>
    void reset_object_address(const T* new_address, const U* old_address) {
        objects_moved(recent_, old_address, sizeof(U), new_address);
    }

    template <class T>
    void load_override(T& value);
    template <class T>
    void load_override(const boost::serialization::nvp<T>& named) {
        load_override(named.value());
    }
    template <class T>
    void load_override(boost::serialization::nvp<T>& named) {
        load_override(named.value());
    }
    template <class T>
    void load_override(const boost::serialization::array_wrapper<T>& array);
    template <class T>
    void load_override(boost::serialization::array_wrapper<T>& array) {
        load_override(std::as_const(array));
    }
    void load_override(const boost::serialization::binary_object& object) {
        load_binary(const_cast<void*>(object.m_t), object.m_size);
    }
    void load_override(boost::serialization::binary_object& object) { load_override(std::as_const(object)); }
    void load_override(boost::serialization::collection_size_type& size) {
        size = boost::serialization::collection_size_type(from_.count());
    }

    // What basic_iarchive itself would read. It never does, for what would is hidden here.
    void load_override(boost::archive::class_id_type&) { fail_foreign(); }
    void load_override(boost::archive::class_id_optional_type&) { fail_foreign(); }
    void load_override(boost::archive::class_id_reference_type&) { fail_foreign(); }
    void load_override(boost::archive::object_id_type&) { fail_foreign(); }
    void load_override(boost::archive::object_reference_type&) { fail_foreign(); }
    void load_override(boost::archive::tracking_type&) { fail_foreign(); }
    void load_override(boost::archive::version_type&) { fail_foreign(); }
    void load_override(boost::archive::class_name_type&) { fail_foreign(); }

    /// An object of class type, by value.
    template <class T>
    void load_object(T& object);

    template <class T>
    void load_pointer(T*& pointer);

    std::size_t tracked_objects() const noexcept { return objects_.size(); }
    void objects_moved(std::size_t mark, const void* from, std::size_t size, const void* to) noexcept;
    void objects_gone(std::size_t mark) noexcept;

    /// Whether anything is remembered that must not outlive the graph.
    bool used_for_graph() const noexcept { return used_for_graph_; }

private:
    friend class boost::archive::load_access;
    friend class boost::archive::detail::interface_iarchive<input_archive>;
    friend class boost::archive::detail::common_iarchive<input_archive>;

    template <class T>
    void load(T& value) {
        load_override(value);
    }

    static constexpr std::size_t untracked = static_cast<std::size_t>(-1);

    /// An object that a pointer further on may refer to, by its number.
    struct tracked_object {
        void* address;   ///< Null once nothing may refer to it.
        const void* key; ///< Its class.
        detail::ownership owner;
        bool through_pointer; ///< On the heap, by itself: it can be owned.
        bool constructed;
        bool complete;
        bool given;           ///< An owner other than the pointer that it was made for has it.
        std::uint32_t height; ///< How many objects, one owning the next, are destroyed within one another with it.
    };

    /// An object made by load_polymorphic, its contents still to be read.
    struct pending {
        void* object = nullptr;
        const void* key = nullptr;
        std::size_t number = untracked;
    };

    class level {
    public:
        level(input_archive& archive, std::size_t levels) : archive_(archive), levels_(levels) {
            if (archive_.depth_ + levels_ > nesting_limit) [[unlikely]]
                fail_depth();
            archive_.depth_ += levels_;
        }
        level(const level&) = delete;
        level& operator=(const level&) = delete;
        ~level() { archive_.depth_ -= levels_; }

    private:
        input_archive& archive_;
        std::size_t levels_;
    };

    [[noreturn]] static void fail_depth();
    [[noreturn]] static void fail_foreign();

    /// The members of an object; `before` says how much remained where its bytes began.
    template <class T>
    void load_contents(T& object, std::size_t before);

    /// Reads an object's number; the object that has it, or null if it comes now.
    tracked_object* back_reference(const void* key);

    /// The object of a pointer, if it came before, else null.
    void* known_object(const void* key, detail::ownership owner);

    /// False if the object at this address was read before.
    bool begin_by_value(void* address, const void* key);

    /// From here on an object that is being made on the heap has a number.
    std::size_t track(void* address, const void* key, detail::ownership owner);
    void set_constructed(std::size_t number) noexcept;

    /// An object on the heap is whole. `outer_height` is that of what it lies in, as far as that has been read.
    void finish_object(std::size_t number, std::uint32_t outer_height);

    /// Forgets an object that could not be read; true if nobody else has come to own it.
    bool abandon(std::size_t number) noexcept;

    /// Reads the class of the object that a polymorphic pointer points to; null for a null pointer.
    const boost::archive::detail::basic_pointer_iserializer*
    load_class(const boost::archive::detail::basic_pointer_iserializer* own);

    /// An object of a polymorphic class, as a pointer to the class that `wanted` describes.
    void* load_polymorphic(const boost::archive::detail::basic_pointer_iserializer* own,
                           const boost::serialization::extended_type_info& wanted, detail::ownership owner);

    template <class T>
    T* make_object(detail::ownership owner);

    decoder& from_;
    std::vector<tracked_object> objects_;
    std::vector<const boost::archive::detail::basic_iserializer*> classes_;
    pending pending_;
    std::uint32_t height_ = 0; ///< The greatest of the objects owned by what is being read.
    std::size_t recent_ = 0;   ///< The first object tracked within the value read last.
    std::size_t depth_ = 0;
    detail::ownership next_owner_ = detail::ownership::none; ///< Of the pointer that is read next.
    bool used_for_graph_ = false;
};

} // namespace procpool::serialization

#endif
