// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_DETAIL_OUTCOME_OF_HPP
#define PROCPOOL_DETAIL_OUTCOME_OF_HPP

#include <procpool/core/pool_core.hpp>
#include <procpool/serialization/decoder.hpp>
#include <procpool/serialization/exceptions.hpp>

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace procpool::detail {

/// With what a handler of an operation that yields R is called.
template <class R>
struct signature {
    using type = void(std::exception_ptr, R);
};
template <>
struct signature<void> {
    using type = void(std::exception_ptr);
};
template <class R>
using signature_t = typename signature<R>::type;

struct no_value {};

/// What became of an operation: an error, or a value.
template <class R>
struct settled {
    using value_type = std::conditional_t<std::is_void_v<R>, no_value, R>;

    std::exception_ptr error;
    std::optional<value_type> value;

    /// Calls with what a handler wants: the error, and a value even where there is none.
    template <class Call>
    void pass_to(Call&& call) {
        if constexpr (std::is_void_v<R>)
            std::forward<Call>(call)(std::move(error));
        else if (value)
            std::forward<Call>(call)(std::move(error), std::move(*value));
        else
            std::forward<Call>(call)(std::move(error), R{});
    }
};

/// Turns what the core says of a task that is over into what the program wants to know.
template <class R>
settled<R> settle(core::pool_core& pool, core::task& over) noexcept {
    settled<R> result;
    if (over.error) {
        result.error = std::move(over.error);
        return result;
    }
    serialization::decoder in(over.bytes);
    try {
        if (over.failed) {
            result.error = serialization::decode_exception(in, in.remaining());
        } else if constexpr (std::is_void_v<R>) {
            in.finish();
            result.value.emplace();
        } else {
            result.value.emplace(in.get<R>());
            in.finish();
        }
    } catch (...) {
        result.value.reset();
        result.error = in.failure();
    }
    if (in.unreadable()) [[unlikely]]
        pool.distrust(over);
    return result;
}

} // namespace procpool::detail

#endif
