// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_OUTCOME_HPP
#define PROCPOOL_OUTCOME_HPP

#include <boost/system/result.hpp>

#include <exception>

namespace procpool {

/// What became of one item: its result, or the exception that stands for it.
/**
 * `has_value()` says which; `value()` gives the result or throws the exception; `error()` is the exception's pointer.
 */
template <class R>
using outcome = boost::system::result<R, std::exception_ptr>;

} // namespace procpool

#endif
