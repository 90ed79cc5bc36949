// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_DETAIL_HELD_HANDLER_HPP
#define PROCPOOL_DETAIL_HELD_HANDLER_HPP

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/recycling_allocator.hpp>
#include <boost/asio/require.hpp>

#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace procpool::detail {

namespace asio = boost::asio;

/// Stands for "none" where Asio wants a default executor.
struct no_executor {};

template <class Handler>
inline constexpr bool has_own_executor =
    !std::is_same_v<asio::associated_executor_t<Handler, no_executor>, no_executor>;

template <class Executor>
inline constexpr bool never_blocks = asio::can_require<Executor, asio::execution::blocking_t::never_t>::value;

/// Whether a handler can be told later without the pool's executor.
template <class Handler>
inline constexpr bool can_be_posted = false;
template <class Handler>
requires has_own_executor<Handler>
inline constexpr bool can_be_posted<Handler> = never_blocks<asio::associated_executor_t<Handler, no_executor>>;

/// Whether a handler is one of ours that runs no code of the program.
template <class Handler>
inline constexpr bool completes_anywhere = requires {
    typename Handler::completes_anywhere;
};

/// A handler with what it is to be called with, still allocating as the handler does.
template <class Handler, class... Results>
struct bound_handler {
    using allocator_type = asio::associated_allocator_t<Handler>;
    allocator_type get_allocator() const noexcept { return asio::get_associated_allocator(handler); }

    void operator()() {
        std::apply([this](Results&... each) { std::move(handler)(std::move(each)...); }, results);
    }

    Handler handler;
    std::tuple<Results...> results;
};

/// A handler that waits for its operation, and the executor on which it is to be called.
/**
 * A handler with an executor of its own keeps that one busy meanwhile. One without is called on the pool's, which the pool
 * keeps busy itself.
 */
template <class Handler>
class held_handler {
public:
    explicit held_handler(Handler&& handler, const asio::any_io_executor& pool_executor)
        : handler_(std::move(handler)), work_(track(handler_, pool_executor)) {}

    Handler& get() noexcept { return handler_; }

    /// Calls the handler on its executor: at once if that is where this is called, which is on the pool's.
    template <class... Results>
    static void call(held_handler&& held, const asio::any_io_executor& pool_executor, Results&&... results) {
        if constexpr (!has_own_executor<Handler>) {
            std::move(held.handler_)(std::forward<Results>(results)...);
        } else {
            auto executor = asio::get_associated_executor(held.handler_, pool_executor);
            if constexpr (std::is_same_v<decltype(executor), asio::any_io_executor>) {
                if (executor == pool_executor) {
                    std::move(held.handler_)(std::forward<Results>(results)...);
                    return;
                }
            }
            asio::dispatch(executor, bound_handler<Handler, std::decay_t<Results>...>{
                                         std::move(held.handler_), {std::forward<Results>(results)...}});
        }
    }

    /// Calls the handler on its executor, and never from within this function.
    template <class... Results>
    static void post(held_handler&& held, const asio::any_io_executor& pool_executor, Results&&... results) {
        const auto executor =
            asio::get_associated_executor(held.handler_, pool_executor); // before the handler is moved
        post_to(executor, pool_executor,
                bound_handler<Handler, std::decay_t<Results>...>{std::move(held.handler_),
                                                                 {std::forward<Results>(results)...}});
    }

private:
    struct nothing {};

    template <class Executor, class Work>
    static void post_to(const Executor& executor, const asio::any_io_executor& other, Work&& work) {
        if constexpr (never_blocks<Executor>)
            asio::post(executor, std::move(work));
        else // as that of asio::any_completion_handler, which can only be dispatched to
            asio::post(other,
                       [executor, moved = std::move(work)]() mutable { asio::dispatch(executor, std::move(moved)); });
    }

    static auto track(const Handler& handler, const asio::any_io_executor& pool_executor) {
        if constexpr (has_own_executor<Handler>)
            return asio::prefer(asio::get_associated_executor(handler, pool_executor),
                                asio::execution::outstanding_work.tracked);
        else
            return nothing{};
    }

    using work = decltype(track(std::declval<const Handler&>(), std::declval<const asio::any_io_executor&>()));

    Handler handler_;
    [[no_unique_address]] work work_;
};

/// Where objects that belong to an operation come from: the handler's allocator, else Asio's recycled memory.
template <class Handler>
auto operation_allocator(const Handler& handler) {
    return asio::get_associated_allocator(handler, asio::recycling_allocator<void>());
}

/// Makes an object with the memory of an operation's handler. Give it back with delete_operation().
template <class Operation, class Handler, class... Arguments>
Operation* new_operation(const Handler& handler, Arguments&&... arguments) {
    auto generic = operation_allocator(handler);
    using allocator = typename std::allocator_traits<decltype(generic)>::template rebind_alloc<Operation>;
    using traits = std::allocator_traits<allocator>;
    allocator own(generic);
    Operation* const memory = traits::allocate(own, 1);
    try {
        return ::new (static_cast<void*>(memory)) Operation(std::forward<Arguments>(arguments)...);
    } catch (...) {
        traits::deallocate(own, memory, 1);
        throw;
    }
}

template <class Operation, class Handler>
void delete_operation(Operation* operation, const Handler& handler) noexcept {
    auto generic = operation_allocator(handler);
    using allocator = typename std::allocator_traits<decltype(generic)>::template rebind_alloc<Operation>;
    allocator own(generic);
    operation->~Operation();
    std::allocator_traits<allocator>::deallocate(own, operation, 1);
}

} // namespace procpool::detail

#endif
