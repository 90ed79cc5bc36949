// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/serialization/codecs.hpp> // Fixes the order, see there.

#ifndef PROCPOOL_SERIALIZATION_OUTPUT_ARCHIVE_HPP
#define PROCPOOL_SERIALIZATION_OUTPUT_ARCHIVE_HPP

#include <procpool/serialization/bitwise.hpp>
#include <procpool/serialization/tracking.hpp>

#include <boost/archive/detail/common_oarchive.hpp>
#include <boost/archive/detail/oserializer.hpp>
#include <boost/archive/detail/register_archive.hpp>
#include <boost/mpl/bool.hpp>
#include <boost/serialization/array_wrapper.hpp>
#include <boost/serialization/binary_object.hpp>
#include <boost/serialization/collection_size_type.hpp>

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace procpool::serialization {

/// The archive that a class's `serialize` sees when it is written.
/**
 * Members of vocabulary types go back to the encoder, so a vector inside a class is written as one outside is.
 *
 * What Boost calls the preamble of an object (class id, version, whether it is tracked) is not written: the reader is
 * the same build and knows. An object of a plain class costs nothing but its members, with `serialize` called directly
 * and the version given at compile time. Pointers still work, with identity, cycles and exported derived classes;
 * their bookkeeping is this class's own and hides the members of basic_oarchive, because the reading side of Boost's
 * trusts what it reads (see input_archive.hpp), and the two must match.
 */
class output_archive : public boost::archive::detail::common_oarchive<output_archive> {
public:
    explicit output_archive(encoder& to);
    ~output_archive();

    /// Boost's array optimisation: arrays of these are written in one piece.
    struct use_array_optimization {
        template <class T>
        struct apply : boost::mpl::bool_<detail::is_bitwise<T>> {};
    };

    template <class T>
    void save_array(const boost::serialization::array_wrapper<T>& array, unsigned int) {
        save_override(array);
    }

    void save_binary(const void* bytes, std::size_t size);

    /// Makes a class known by number, for pointers to its bases, without exporting it.
    void register_basic_serializer(const boost::archive::detail::basic_oserializer& serializer);

    /// Helpers live as long as the graph that is being written.
    boost::archive::detail::helper_collection& get_helper_collection() {
        used_for_graph_ = true;
        return *this;
    }

    template <class T>
    void save_override(const T& value);
    template <class T>
    void save_override(const boost::serialization::nvp<T>& named) {
        save_override(named.const_value());
    }
    template <class T>
    void save_override(const boost::serialization::array_wrapper<T>& array);
    void save_override(const boost::serialization::binary_object& object) { save_binary(object.m_t, object.m_size); }
    void save_override(const boost::serialization::collection_size_type& size) { to_.count(size); }

    // What basic_oarchive itself would write. It never does, for what would is hidden here.
    void save_override(const boost::archive::class_id_type&) { fail_foreign(); }
    void save_override(const boost::archive::class_id_optional_type&) { fail_foreign(); }
    void save_override(const boost::archive::class_id_reference_type&) { fail_foreign(); }
    void save_override(const boost::archive::object_id_type&) { fail_foreign(); }
    void save_override(const boost::archive::object_reference_type&) { fail_foreign(); }
    void save_override(const boost::archive::tracking_type&) { fail_foreign(); }
    void save_override(const boost::archive::version_type&) { fail_foreign(); }
    void save_override(const boost::archive::class_name_type&) { fail_foreign(); }

    /// An object of class type, by value.
    template <class T>
    void save_object(const T& object);

    template <class T>
    void save_pointer(const T* pointer);

    /// Whether anything is remembered that must not outlive the graph.
    bool used_for_graph() const noexcept { return used_for_graph_; }

private:
    friend class boost::archive::save_access;
    friend class boost::archive::detail::interface_oarchive<output_archive>;
    friend class boost::archive::detail::common_oarchive<output_archive>;

    // Types of Boost's implementation level "primitive", if some stock code insists on calling it.
    template <class T>
    void save(const T& value) {
        save_override(value);
    }

    struct tracked_object {
        std::uint32_t number;
        bool through_pointer;
    };

    /// Counts the levels of classes inside classes.
    class level {
    public:
        level(output_archive& archive, std::size_t levels) : archive_(archive), levels_(levels) {
            if (archive_.depth_ + levels_ > nesting_limit) [[unlikely]]
                fail_depth();
            archive_.depth_ += levels_;
        }
        level(const level&) = delete;
        level& operator=(const level&) = delete;
        ~level() { archive_.depth_ -= levels_; }

    private:
        output_archive& archive_;
        std::size_t levels_;
    };

    [[noreturn]] static void fail_depth();
    [[noreturn]] static void fail_foreign();

    /// The members of an object; `before` says where its bytes began, to see whether there are any.
    template <class T>
    void save_contents(const T& object, std::size_t before);

    /// Writes the object's number; false if it was written before.
    bool begin_object(const void* address, const void* key, bool through_pointer);

    /// Writes which class a pointer points to, if it is not the pointer's own.
    void save_class(const boost::archive::detail::basic_oserializer& serializer);

    /// An object of a polymorphic class, which may be another than the pointer's own.
    void save_polymorphic(const void* object, const boost::archive::detail::basic_pointer_oserializer& serializer,
                          bool other_class);

    static const boost::archive::detail::basic_pointer_oserializer&
    find_serializer(const boost::serialization::extended_type_info* type);

    encoder& to_;
    std::map<std::pair<const void*, const void*>, tracked_object> objects_;
    std::vector<const boost::archive::detail::basic_oserializer*> classes_;
    std::pair<const void*, const void*> pending_; ///< Begun by save_polymorphic, its contents still to be written.
    std::size_t depth_ = 0;
    bool used_for_graph_ = false;
};

} // namespace procpool::serialization

#endif
