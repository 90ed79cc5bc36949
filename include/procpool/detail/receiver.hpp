// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_DETAIL_RECEIVER_HPP
#define PROCPOOL_DETAIL_RECEIVER_HPP

#include <procpool/core/pool_core.hpp>
#include <procpool/detail/held_handler.hpp>
#include <procpool/detail/outcome_of.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>

#include <functional>
#include <memory>
#include <utility>

namespace procpool::detail {

/// Why a submission cannot be started.
std::exception_ptr used_up();
std::exception_ptr pool_gone();
std::exception_ptr no_terms_here();

/// Whoever waits for an operation that is more than one call, with its handler's type hidden.
template <class R>
class receiver {
public:
    receiver(const receiver&) = delete;
    receiver& operator=(const receiver&) = delete;

    /// Tells the handler, and gives up the receiver. On the pool's executor.
    virtual void complete(settled<R>&& result) = 0;

    /// The same from anywhere, and later.
    virtual void complete_later(settled<R>&& result) = 0;

    /// Gives up the receiver.
    virtual void abandon() noexcept = 0;

    /// From now on, what the handler's cancellation slot emits is passed on.
    virtual void on_cancel(std::function<void(asio::cancellation_type)> request) = 0;

    const bool anywhere;     ///< complete() may be called anywhere
    const bool own_executor; ///< complete_later() does not need the pool's executor

protected:
    receiver(bool may_be_anywhere, bool has_executor) : anywhere(may_be_anywhere), own_executor(has_executor) {}
    ~receiver() = default;
};

template <class R>
struct give_up_receiver {
    void operator()(receiver<R>* given) const noexcept { given->abandon(); }
};

/// Owns a receiver until it is told.
template <class R>
using receiver_ptr = std::unique_ptr<receiver<R>, give_up_receiver<R>>;

template <class R, class Handler>
class handler_receiver final : public receiver<R> {
public:
    handler_receiver(const asio::any_io_executor& pool_executor, Handler&& handler)
        : receiver<R>(completes_anywhere<Handler>, can_be_posted<Handler>), pool_executor_(pool_executor),
          held_(std::move(handler), pool_executor) {}

    static receiver_ptr<R> make(const asio::any_io_executor& pool_executor, Handler&& handler) {
        return receiver_ptr<R>(
            new_operation<handler_receiver>(std::as_const(handler), pool_executor, std::move(handler)));
    }

    void complete(settled<R>&& result) override {
        const asio::any_io_executor pool_executor = std::move(pool_executor_);
        held_handler<Handler> held = std::move(held_);
        delete_operation(this, held.get());
        result.pass_to([&](auto&&... values) {
            held_handler<Handler>::call(std::move(held), pool_executor, std::forward<decltype(values)>(values)...);
        });
    }

    void complete_later(settled<R>&& result) override {
        const asio::any_io_executor pool_executor = std::move(pool_executor_);
        held_handler<Handler> held = std::move(held_);
        delete_operation(this, held.get());
        result.pass_to([&](auto&&... values) {
            held_handler<Handler>::post(std::move(held), pool_executor, std::forward<decltype(values)>(values)...);
        });
    }

    void abandon() noexcept override {
        held_handler<Handler> held = std::move(held_);
        delete_operation(this, held.get());
    }

    void on_cancel(std::function<void(asio::cancellation_type)> request) override {
        auto slot = asio::get_associated_cancellation_slot(held_.get());
        if (slot.is_connected())
            slot.assign([request = std::move(request)](asio::cancellation_type type) { request(type); });
    }

private:
    asio::any_io_executor pool_executor_;
    held_handler<Handler> held_;
};

/// Tells a receiver from wherever that may be, and so that no code of the program runs before this returns.
template <class R>
void tell_from_anywhere(receiver_ptr<R> waiting, settled<R>&& result) {
    if (waiting->anywhere) // it waits for no executor, which may not run any more
        waiting.release()->complete(std::move(result));
    else
        waiting.release()->complete_later(std::move(result));
}

/// An operation that is more than one call, prepared and not yet started.
template <class R>
class source {
public:
    source(const source&) = delete;
    source& operator=(const source&) = delete;
    virtual ~source() = default;

    virtual const std::shared_ptr<core::pool_core>& pool() const noexcept = 0;

    /// Whether start() is of use after the pool was destroyed.
    virtual bool outlives_pool() const noexcept { return false; }

    /// Whether it is work for which terms make sense.
    virtual bool takes_terms() const noexcept { return false; }

    /// Starts it. The receiver is told once, and never before this returns.
    /**
     * @param terms what was asked for; null if nothing was
     */
    virtual void start(receiver_ptr<R> waiting, std::unique_ptr<core::task_terms> terms) = 0;

protected:
    source() = default;
};

} // namespace procpool::detail

#endif
