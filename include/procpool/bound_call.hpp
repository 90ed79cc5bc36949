// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_BOUND_CALL_HPP
#define PROCPOOL_BOUND_CALL_HPP

#include <procpool/core/task.hpp>

#include <utility>

namespace procpool {

/// A function with its arguments, ready to be called in workers. Made by procpool::bind.
class bound_call {
public:
    /// No call.
    bound_call() noexcept = default;

    /// For procpool::bind alone.
    explicit bound_call(core::encoded_call call) noexcept : call_(std::move(call)) {}

    /// Whether there is something to call.
    explicit operator bool() const noexcept { return call_.entry != 0; }

    /// For the pool alone.
    const core::encoded_call& encoded() const noexcept { return call_; }

private:
    core::encoded_call call_;
};

} // namespace procpool

#endif
