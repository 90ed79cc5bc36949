// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SERIALIZATION_EXCEPTIONS_HPP
#define PROCPOOL_SERIALIZATION_EXCEPTIONS_HPP

#include <procpool/wire/payload.hpp>

#include <cstddef>
#include <exception>
#include <span>

namespace procpool::serialization {

/// So many bytes of what() are carried; the rest of a longer text is cut off.
inline constexpr std::size_t what_limit = 65536;

/// The bytes of an exception. One that cannot be carried as itself becomes a remote_exception on the other side.
wire::payload encode_exception(std::exception_ptr exception) noexcept;

/// The exception that the bytes say. Bytes that say none give pool_error(errc::protocol_error).
std::exception_ptr decode_exception(std::span<const std::byte> bytes) noexcept;

} // namespace procpool::serialization

#endif
