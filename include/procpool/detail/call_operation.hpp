// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_DETAIL_CALL_OPERATION_HPP
#define PROCPOOL_DETAIL_CALL_OPERATION_HPP

#include <procpool/core/pool_core.hpp>
#include <procpool/detail/held_handler.hpp>
#include <procpool/detail/outcome_of.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>

#include <cstdint>
#include <memory>
#include <utility>

namespace procpool::detail {

/// One call under way: the core's task and the handler that waits for it, in one piece of memory.
template <class R, class Handler>
class call_operation final : public core::task {
public:
    call_operation(core::pool_core& pool, core::encoded_call&& call, std::unique_ptr<core::task_terms> wanted,
                   Handler&& handler)
        : pool_(pool), held_(std::move(handler), pool.executor()) {
        bytes = std::move(call.arguments);
        entry = call.entry;
        function = call.function;
        error = std::move(call.error);
        terms = std::move(wanted);
        core::completion::completes_anywhere = detail::completes_anywhere<Handler>;
    }

    /// Starts it, and answers its id. Whatever the handler's cancellation slot emits from now on is asked of the pool.
    static std::uint64_t start(const std::shared_ptr<core::pool_core>& pool, core::encoded_call&& call,
                               std::unique_ptr<core::task_terms> terms, Handler&& handler) {
        auto* const operation = new_operation<call_operation>(std::as_const(handler), *pool, std::move(call),
                                                              std::move(terms), std::move(handler));
        std::unique_ptr<call_operation, abandoner> owned(operation);
        auto slot = asio::get_associated_cancellation_slot(operation->held_.get());
        if (slot.is_connected()) {
            auto cancellation = std::make_shared<core::task_cancellation>(pool, *operation);
            operation->cancellation = cancellation;
            slot.assign([cancellation = std::move(cancellation)](asio::cancellation_type type) {
                core::task_cancellation::request(cancellation, type);
            });
        }
        return pool->submit(*owned.release());
    }

    void complete() override {
        // The memory is given back before the handler runs, so that an operation which it starts finds it free.
        core::pool_core& pool = pool_;
        settled<R> result = settle<R>(pool, *this);
        held_handler<Handler> held = std::move(held_);
        delete_operation(this, held.get());
        result.pass_to([&](auto&&... values) {
            held_handler<Handler>::call(std::move(held), pool.executor(), std::forward<decltype(values)>(values)...);
        });
    }

    void abandon() noexcept override {
        held_handler<Handler> held = std::move(held_);
        delete_operation(this, held.get());
    }

private:
    struct abandoner {
        void operator()(call_operation* operation) const noexcept { operation->abandon(); }
    };

    core::pool_core& pool_; ///< lives, since only it completes an operation; owning it would be a circle
    held_handler<Handler> held_;
};

} // namespace procpool::detail

#endif
