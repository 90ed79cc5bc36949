// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SERIALIZATION_CODECS_HPP
#define PROCPOOL_SERIALIZATION_CODECS_HPP

// The encoder, the decoder and the two archives need the codecs, which need them. So each of these headers starts by
// including this one, before its own guard: whichever is included first, all are defined, and in this order.

// clang-format off
#include <procpool/serialization/encoder.hpp>
#include <procpool/serialization/decoder.hpp>
#include <procpool/serialization/output_archive.hpp>
#include <procpool/serialization/input_archive.hpp>

#include <procpool/serialization/codec.hpp>
#include <procpool/serialization/detect.hpp>
#include <procpool/serialization/codec_standard.hpp>
#include <procpool/serialization/codec_container.hpp>
#include <procpool/serialization/codec_associative.hpp>
#include <procpool/serialization/codec_misc.hpp>
#include <procpool/serialization/codec_class.hpp>
#include <procpool/serialization/carriable.hpp>

#include <procpool/serialization/output_archive_members.hpp>
#include <procpool/serialization/input_archive_members.hpp>
// clang-format on

#include <type_traits>

namespace procpool::serialization {

template <class T>
void encoder::operator()(const T& value) {
    if constexpr (check_carriable<T>()) {
        detail::encode_value(*this, value);
        if constexpr (!detail::bitwise<T>) {
            if (archive_) [[unlikely]]
                end_graph();
        }
    }
}

template <class T>
void decoder::operator()(T& value) {
    static_assert(!std::is_const_v<T>, "procpool: a constant object cannot be read into");
    if constexpr (check_carriable<T>()) {
        detail::decode_value(*this, value);
        if constexpr (!detail::bitwise<T>) {
            if (archive_) [[unlikely]]
                end_graph();
        }
    }
}

template <class T>
std::remove_const_t<T> decoder::get() {
    if constexpr (!check_carriable<T>()) {
        fail("procpool: not carriable"); // The check has stopped the compilation.
    } else if constexpr (detail::bitwise<std::remove_const_t<T>>) {
        return detail::construct_value<T>(*this);
    } else {
        auto value = detail::construct_value<T>(*this);
        if (archive_) [[unlikely]]
            end_graph();
        return value;
    }
}

} // namespace procpool::serialization

#endif
