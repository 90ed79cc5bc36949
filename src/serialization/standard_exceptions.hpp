// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SRC_SERIALIZATION_STANDARD_EXCEPTIONS_HPP
#define PROCPOOL_SRC_SERIALIZATION_STANDARD_EXCEPTIONS_HPP

#include <procpool/serialization/decoder.hpp>
#include <procpool/serialization/encoder.hpp>

#include <exception>
#include <typeinfo>

namespace procpool::serialization {

/// Writes an exception of the standard library's, Boost.System's or this library's own; false if it is of none.
bool encode_standard_exception(encoder& to, const std::exception& exception, const std::type_info& type);

/// The exception that `encode_standard_exception` wrote, of the same type and with the same what().
std::exception_ptr decode_standard_exception(decoder& from);

} // namespace procpool::serialization

#endif
