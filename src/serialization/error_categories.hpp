// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SRC_SERIALIZATION_ERROR_CATEGORIES_HPP
#define PROCPOOL_SRC_SERIALIZATION_ERROR_CATEGORIES_HPP

#include <procpool/serialization/decoder.hpp>
#include <procpool/serialization/encoder.hpp>

#include <boost/system/error_code.hpp>

#include <system_error>

// Error codes name their category by the address of an object, so only known categories can be carried.

namespace procpool::serialization {

bool is_known_category(const std::error_category& category);
bool is_known_category(const boost::system::error_category& category);

/// A code of a known category.
void encode_code(encoder& to, const std::error_code& code);
void encode_code(encoder& to, const boost::system::error_code& code);

std::error_code decode_std_code(decoder& from);
boost::system::error_code decode_boost_code(decoder& from);

} // namespace procpool::serialization

#endif
