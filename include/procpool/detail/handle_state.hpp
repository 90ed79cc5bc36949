// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_DETAIL_HANDLE_STATE_HPP
#define PROCPOOL_DETAIL_HANDLE_STATE_HPP

#include <procpool/detail/receiver.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace procpool::detail {

/// Throws if this thread runs the executor's work, so that waiting here for that work would never end.
void refuse_to_wait_on(const asio::any_io_executor& executor);

std::exception_ptr result_taken();
std::exception_ptr called_off();

/// Whether a type can be copied, and what it holds too: a std::vector says so of itself whatever its elements are.
/**
 * @tparam Seen the types of which this was asked on the way here: some hold values of their own type
 */
template <class T, class... Seen>
consteval bool can_be_copied() {
    if constexpr (std::is_void_v<T> || (std::is_same_v<T, Seen> || ...)) {
        return true;
    } else if constexpr (!std::is_copy_constructible_v<T>) {
        return false;
    } else if constexpr (requires { typename T::value_type; }) {
        return can_be_copied<std::remove_cv_t<typename T::value_type>, Seen..., T>();
    } else if constexpr (requires { std::tuple_size<T>::value; }) {
        return []<std::size_t... I>(std::index_sequence<I...>) {
            return (can_be_copied<std::remove_cvref_t<std::tuple_element_t<I, T>>, Seen..., T>() && ...);
        }
        (std::make_index_sequence<std::tuple_size_v<T>>());
    } else if constexpr (requires { std::variant_size<T>::value; }) {
        return []<std::size_t... I>(std::index_sequence<I...>) {
            return (can_be_copied<std::variant_alternative_t<I, T>, Seen..., T>() && ...);
        }
        (std::make_index_sequence<std::variant_size_v<T>>());
    } else {
        return true;
    }
}

/// What an operation that was started eagerly leaves its result in.
template <class R>
class handle_state {
public:
    explicit handle_state(std::shared_ptr<core::pool_core> pool) : pool_(std::move(pool)) {}

    void settle(settled<R>&& result) {
        std::vector<place> told;
        std::vector<std::function<void()>> notified;
        {
            const std::lock_guard lock(mutex_);
            result_ = std::move(result);
            ready_ = true;
            told.swap(waiting_);
            notified.swap(notified_);
        }
        changed_.notify_all();
        for (const std::function<void()>& one : notified)
            one();
        for (place& one : told)
            complete_later(std::move(one.who));
    }

    bool ready() const {
        const std::lock_guard lock(mutex_);
        return ready_;
    }

    bool successful() const {
        const std::lock_guard lock(mutex_);
        if (!ready_)
            throw std::logic_error("procpool: the operation is not over yet, so it neither succeeded nor failed");
        return !result_.error;
    }

    bool wait_for(std::chrono::milliseconds bound) const {
        // A clock overflows on the longest durations there are; a year is as good.
        bound = std::min<std::chrono::milliseconds>(bound, std::chrono::hours(24 * 365));
        std::unique_lock lock(mutex_);
        if (!ready_)
            refuse_to_wait_on(pool_->executor());
        return changed_.wait_for(lock, bound, [this] { return ready_; });
    }

    /// The result; blocks until it is there.
    settled<R> wait() {
        {
            std::unique_lock lock(mutex_);
            if (!ready_)
                refuse_to_wait_on(pool_->executor());
            changed_.wait(lock, [this] { return ready_; });
        }
        return take();
    }

    /// Tells the receiver when the result is there, never before this returns.
    static void tell(const std::shared_ptr<handle_state>& self, receiver_ptr<R> waiting) {
        std::uint64_t ticket = 0;
        {
            const std::lock_guard lock(self->mutex_);
            ticket = ++self->last_ticket_;
        }
        waiting->on_cancel([weak = std::weak_ptr(self), ticket](asio::cancellation_type) {
            if (const auto still = weak.lock())
                still->stop_waiting(ticket);
        });
        self->tell(ticket, std::move(waiting));
    }

    /// Calls when the result is there, which may be now, without taking it. For code of ours alone.
    void when_ready(std::function<void()> notified) {
        {
            const std::lock_guard lock(mutex_);
            if (!ready_) {
                notified_.push_back(std::move(notified));
                return;
            }
        }
        notified();
    }

    const std::shared_ptr<core::pool_core>& pool() const noexcept { return pool_; }
    asio::cancellation_signal& signal() noexcept { return signal_; }
    std::mutex& signal_mutex() noexcept { return signal_mutex_; }

    std::uint64_t id = 0;

private:
    struct place {
        std::uint64_t ticket;
        receiver_ptr<R> who;
    };

    void tell(std::uint64_t ticket, receiver_ptr<R> waiting) {
        {
            const std::lock_guard lock(mutex_);
            if (!ready_) {
                waiting_.push_back({ticket, std::move(waiting)});
                return;
            }
        }
        if (pool_->destroyed() && !waiting->own_executor)
            std::rethrow_exception(pool_gone()); // there is nothing left to call the handler on
        complete_later(std::move(waiting));
    }

    /// Ends somebody's waiting, who may be told already. Not known by an address, which another one may have by then.
    void stop_waiting(std::uint64_t ticket) {
        receiver_ptr<R> found;
        {
            const std::lock_guard lock(mutex_);
            for (auto one = waiting_.begin(); one != waiting_.end(); ++one)
                if (one->ticket == ticket) {
                    found = std::move(one->who);
                    waiting_.erase(one);
                    break;
                }
        }
        if (found)
            found.release()->complete_later({called_off(), {}});
    }

    void complete_later(receiver_ptr<R> waiting) {
        settled<R> result;
        try {
            result = take();
        } catch (...) {
            result.error = std::current_exception(); // copying the value failed
        }
        tell_from_anywhere(std::move(waiting), std::move(result));
    }

    // A result that can be copied can be asked for as often as one likes; another goes to whoever asks first.
    settled<R> take() {
        const std::lock_guard lock(mutex_);
        if constexpr (can_be_copied<R>()) {
            return result_;
        } else {
            if (!result_.error && !result_.value)
                return {result_taken(), {}};
            settled<R> given{result_.error, std::move(result_.value)};
            result_.value.reset();
            return given;
        }
    }

    // A circle for as long as the operation is under way: its handler owns this. The operation's end, which the pool's
    // destruction is at the latest, opens it.
    std::shared_ptr<core::pool_core> pool_;
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    settled<R> result_;
    std::vector<place> waiting_;
    std::uint64_t last_ticket_ = 0;
    std::vector<std::function<void()>> notified_;
    asio::cancellation_signal signal_;
    std::mutex signal_mutex_; ///< a signal may be emitted by one thread at a time
    bool ready_ = false;
};

/// Puts an operation's outcome into a handle's state.
template <class R>
struct handle_handler {
    using completes_anywhere = void;
    using cancellation_slot_type = asio::cancellation_slot;
    cancellation_slot_type get_cancellation_slot() const noexcept { return state->signal().slot(); }

    template <class... Value>
    void operator()(std::exception_ptr error, Value... value) {
        settled<R> result;
        if (error)
            result.error = std::move(error);
        else
            result.value.emplace(std::move(value)...);
        state->settle(std::move(result));
    }

    std::shared_ptr<handle_state<R>> state;
};

/// Waiting for a handle's result, as an operation of its own.
template <class R>
class handle_source final : public source<R> {
public:
    explicit handle_source(std::shared_ptr<handle_state<R>> state) : state_(std::move(state)) {}

    const std::shared_ptr<core::pool_core>& pool() const noexcept override { return state_->pool(); }
    bool outlives_pool() const noexcept override { return true; }
    void start(receiver_ptr<R> waiting, std::unique_ptr<core::task_terms>) override {
        handle_state<R>::tell(state_, std::move(waiting));
    }

private:
    std::shared_ptr<handle_state<R>> state_;
};

} // namespace procpool::detail

#endif
