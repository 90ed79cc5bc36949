// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SERIALIZATION_EXCEPTIONS_HPP
#define PROCPOOL_SERIALIZATION_EXCEPTIONS_HPP

#include <procpool/error.hpp>
#include <procpool/serialization/fwd.hpp>
#include <procpool/wire/payload.hpp>

#include <cstddef>
#include <exception>
#include <optional>
#include <span>
#include <type_traits>

namespace procpool::serialization {

/// So many bytes of what() are carried; the rest of a longer text is cut off.
inline constexpr std::size_t what_limit = 65536;

/// The bytes of an exception. One that cannot be carried as itself becomes a remote_exception on the other side.
wire::payload encode_exception(std::exception_ptr exception) noexcept;

/// The exception that the bytes say. Bytes that say none give pool_error(errc::protocol_error).
std::exception_ptr decode_exception(std::span<const std::byte> bytes) noexcept;

/// The same of the next so many bytes of a message, where it is noted if they say none. Throws if there are fewer.
/**
 * @param item of which item of a batch it is: then the exception is a failed_item too, unless its type is final
 */
std::exception_ptr decode_exception(decoder& message, std::size_t size, std::optional<std::size_t> item = {});

/// As such an exception: one of the pool's own types, or any other as it is.
std::exception_ptr with_item(const std::exception_ptr& exception, std::size_t item) noexcept;

namespace detail {

/// The item whose exception is being decoded on this thread; null if it is none of a batch.
const std::size_t*& item_being_decoded() noexcept;

template <class E>
class item_exception final : public E, public failed_item {
public:
    item_exception(const E& thrown, std::size_t item) : E(thrown), failed_item(item) {}
};

/// Every exception that is decoded is made here.
template <class E>
std::exception_ptr make_decoded(const E& exception) {
    if constexpr (std::is_class_v<E> && !std::is_final_v<E>) {
        if (const std::size_t* const item = item_being_decoded())
            return std::make_exception_ptr(item_exception<E>(exception, *item));
    }
    return std::make_exception_ptr(exception);
}

} // namespace detail

} // namespace procpool::serialization

#endif
