// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_DETAIL_HANDLE_STATE_HPP
#define PROCPOOL_DETAIL_HANDLE_STATE_HPP

#include <procpool/detail/receiver.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

namespace procpool::detail {

/// Throws if this thread runs the executor's work, so that waiting here for that work would never end.
void refuse_to_wait_on(const asio::any_io_executor& executor);

[[noreturn]] void throw_used_up();
[[noreturn]] void throw_result_taken();

/// What an operation that was started eagerly leaves its result in.
template <class R>
class handle_state {
public:
    explicit handle_state(const asio::any_io_executor& pool_executor) : pool_executor_(pool_executor) {}

    void settle(settled<R>&& result) {
        std::vector<receiver_ptr<R>> told;
        {
            const std::lock_guard lock(mutex_);
            result_ = std::move(result);
            ready_ = true;
            told.swap(waiting_);
        }
        changed_.notify_all();
        for (receiver_ptr<R>& one : told)
            one.release()->complete(take());
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

    template <class Duration>
    bool wait_for(Duration bound) const {
        std::unique_lock lock(mutex_);
        if (!ready_)
            refuse_to_wait_on(pool_executor_);
        return changed_.wait_for(lock, bound, [this] { return ready_; });
    }

    /// The result; blocks until it is there.
    settled<R> wait() {
        {
            std::unique_lock lock(mutex_);
            if (!ready_)
                refuse_to_wait_on(pool_executor_);
            changed_.wait(lock, [this] { return ready_; });
        }
        return take();
    }

    /// Tells the receiver when the result is there, never before this returns.
    void tell(receiver_ptr<R> waiting, std::shared_ptr<handle_state> self) {
        const std::lock_guard lock(mutex_);
        if (!ready_) {
            waiting_.push_back(std::move(waiting));
            return;
        }
        asio::post(pool_executor_, [self = std::move(self), waiting = std::move(waiting)]() mutable {
            waiting.release()->complete(self->take());
        });
    }

    const asio::any_io_executor& executor() const noexcept { return pool_executor_; }
    asio::cancellation_signal& signal() noexcept { return signal_; }
    std::mutex& signal_mutex() noexcept { return signal_mutex_; }

    std::uint64_t id = 0;

private:
    // A result that can be copied can be asked for as often as one likes; another goes to whoever asks first.
    settled<R> take() {
        const std::lock_guard lock(mutex_);
        if constexpr (std::is_copy_constructible_v<settled<R>>) {
            return result_;
        } else {
            if (!result_.error && !result_.value)
                throw_result_taken();
            settled<R> given{result_.error, std::move(result_.value)};
            result_.value.reset();
            return given;
        }
    }

    asio::any_io_executor pool_executor_;
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    settled<R> result_;
    std::vector<receiver_ptr<R>> waiting_;
    asio::cancellation_signal signal_;
    std::mutex signal_mutex_; ///< a signal may be emitted by one thread at a time
    bool ready_ = false;
};

/// Puts an operation's outcome into a handle's state.
template <class R>
struct handle_handler {
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

    const asio::any_io_executor& executor() const noexcept override { return state_->executor(); }
    void start(receiver_ptr<R> waiting) override { state_->tell(std::move(waiting), state_); }

private:
    std::shared_ptr<handle_state<R>> state_;
};

} // namespace procpool::detail

#endif
