// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_DETAIL_AWAITABLE_FIX_HPP
#define PROCPOOL_DETAIL_AWAITABLE_FIX_HPP

#include <boost/asio/awaitable.hpp>
#include <boost/version.hpp>

// Up to Boost 1.81, awaiting an operation that completes with (std::exception_ptr, T) does not compile: Asio's handler for it
// compares the wrong thing. Later releases do it right. This is the same handler for exactly the signature that operations
// of a pool have, found first since it is the more specialised one.

#if BOOST_VERSION < 108200

#include <exception>
#include <utility>

namespace boost::asio::detail {

template <typename T, typename Executor>
class awaitable_async_op_handler<void(std::exception_ptr, T), Executor> : public awaitable_thread<Executor> {
public:
    struct result_type {
        std::exception_ptr* error = nullptr;
        T* value = nullptr;
    };

    awaitable_async_op_handler(awaitable_thread<Executor>* coroutine, result_type& result)
        : awaitable_thread<Executor>(std::move(*coroutine)), result_(result) {}

    void operator()(std::exception_ptr error, T value) {
        result_.error = &error;
        result_.value = &value;
        this->entry_point()->top_of_stack_->attach_thread(this);
        this->entry_point()->top_of_stack_->clear_cancellation_slot();
        this->pump();
    }

    static T resume(result_type& result) {
        if (*result.error)
            std::rethrow_exception(std::exchange(*result.error, nullptr));
        return std::move(*result.value);
    }

private:
    result_type& result_;
};

} // namespace boost::asio::detail

#endif
#endif
