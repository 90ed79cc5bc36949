// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_BIND_HPP
#define PROCPOOL_BIND_HPP

#include <procpool/bound_call.hpp>
#include <procpool/detail/prepare.hpp>

#include <exception>
#include <utility>

namespace procpool {

/// A call of `f` with these arguments, to be made in workers or in their fork server: for pool_options::initializer and
/// pool_options::preload.
/**
 * What may be called with what is as for process_pool::submit(). The arguments are encoded now. What `f` returns is dropped.
 *
 * @throws what encoding the arguments throws: pool_error with `errc::not_serializable`, or something of the arguments' own
 */
template <class F, class... Arguments>
[[nodiscard]] bound_call bind(F f, Arguments&&... arguments) {
    core::encoded_call call = detail::encode_call(std::move(f), std::forward<Arguments>(arguments)...);
    if (call.error)
        std::rethrow_exception(call.error);
    return bound_call(std::move(call));
}

} // namespace procpool

#endif
