// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_DETAIL_STREAM_FLOW_HPP
#define PROCPOOL_DETAIL_STREAM_FLOW_HPP

#include <procpool/detail/batch.hpp>
#include <procpool/detail/entry.hpp>
#include <procpool/detail/handle_state.hpp>
#include <procpool/detail/home_process.hpp>
#include <procpool/detail/item_flow.hpp>
#include <procpool/detail/receiver.hpp>
#include <procpool/error.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace procpool::detail {

/// What a stream yields for a function that returns R.
template <class R>
using stream_value = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

/// Where a stream's results come from.
template <class V>
class stream_state {
public:
    stream_state(const stream_state&) = delete;
    stream_state& operator=(const stream_state&) = delete;
    virtual ~stream_state() = default;

    virtual const std::shared_ptr<core::pool_core>& stream_pool() const noexcept = 0;

    /// The receiver is told of the next result, never before this returns.
    virtual void next(receiver_ptr<std::optional<V>> waiting) = 0;

    /// Nobody wants any more.
    virtual void drop() noexcept = 0;

    /// Whether this is a copy of the process, made by fork, where it is not to be touched.
    bool in_a_copy() const noexcept { return !home_.is_here(); }

protected:
    stream_state() = default;

private:
    const home_process home_;
};

/// Those who wait for results, and the results for which nobody waits yet.
/**
 * Not for several threads: whoever has one has the lock for it. What is to be told is told by tell(), without the lock.
 */
template <class V>
class stream_exchange {
public:
    using result = settled<std::optional<V>>;
    using waiter = receiver_ptr<std::optional<V>>;

    struct told {
        waiter who;
        result what;
    };

    /// A number for somebody who is about to wait.
    std::uint64_t draw_ticket() noexcept { return ++last_ticket_; }
    void wait(std::uint64_t ticket, waiter waiting) { waiting_.push_back({ticket, std::move(waiting)}); }
    std::size_t waiting() const noexcept { return waiting_.size(); }

    /// The one who waits under that number is called off.
    void call_off(std::uint64_t ticket) {
        for (auto one = waiting_.begin(); one != waiting_.end(); ++one)
            if (one->ticket == ticket) {
                pairs_.push_back({std::move(one->who), {called_off(), {}}});
                waiting_.erase(one);
                return;
            }
    }

    /// Everybody who waits is called off, and what is there is dropped.
    void drop() {
        ready_.clear();
        for (place& one : waiting_)
            pairs_.push_back({std::move(one.who), {called_off(), {}}});
        waiting_.clear();
    }

    void add(result one) { ready_.push_back(std::move(one)); }

    /// Brings together who waits and what is there. At the end, everybody else is told that nothing more comes.
    /**
     * @return how many results were taken
     */
    std::size_t match(bool at_end) {
        const std::size_t before = ready_.size();
        while (!waiting_.empty() && (!ready_.empty() || at_end)) {
            result one{nullptr, std::optional<V>()};
            if (!ready_.empty()) {
                one = std::move(ready_.front());
                ready_.pop_front();
            }
            pairs_.push_back({std::move(waiting_.front().who), std::move(one)});
            waiting_.pop_front();
        }
        return before - ready_.size();
    }

    /// Takes out what is to be told.
    std::vector<told> take_told() { return std::exchange(pairs_, {}); }

    static void tell(std::vector<told> all) {
        for (told& one : all)
            tell_from_anywhere(std::move(one.who), std::move(one.what));
    }

private:
    struct place {
        std::uint64_t ticket;
        waiter who;
    };

    std::list<place> waiting_;
    std::deque<result> ready_;
    std::vector<told> pairs_;
    std::uint64_t last_ticket_ = 0;
};

/// A next() that nobody has started yet.
template <class V>
class next_source final : public source<std::optional<V>> {
public:
    explicit next_source(std::shared_ptr<stream_state<V>> stream) : stream_(std::move(stream)) {}

    const std::shared_ptr<core::pool_core>& pool() const noexcept override { return stream_->stream_pool(); }
    bool outlives_pool() const noexcept override { return true; }
    void start(receiver_ptr<std::optional<V>> waiting, std::unique_ptr<core::task_terms>) override {
        if (pool()->destroyed() && !waiting->own_executor)
            std::rethrow_exception(pool_gone()); // there is nothing left to call the handler on
        stream_->next(std::move(waiting));
    }

private:
    std::shared_ptr<stream_state<V>> stream_;
};

/// A stream's input: encodes one element after the other.
class stream_input {
public:
    stream_input(const stream_input&) = delete;
    stream_input& operator=(const stream_input&) = delete;
    virtual ~stream_input() = default;

    /// Encodes the next element; false if there is none. Throws what the range throws.
    /**
     * @param unfit why the element cannot be encoded, if so
     */
    virtual bool pull(serialization::encoder& out, std::exception_ptr& unfit) = 0;
    virtual wire::payload before() const = 0;

protected:
    stream_input() = default;
};

/// A range as a stream's input. It is begun with the first element that is asked for.
template <class Call, class F, class View>
class range_input final : public stream_input {
public:
    range_input(const F& f, View view) : view_(std::move(view)) {
        wire::payload_builder bytes;
        serialization::encoder out(bytes);
        encode_function(out, f);
        before_ = bytes.finish();
    }

    // The iterator moves on only when the next element is asked for: a range that waits for its elements is not made to wait
    // for one that nobody wants yet.
    bool pull(serialization::encoder& out, std::exception_ptr& unfit) override {
        if (at_)
            ++*at_;
        else
            at_.emplace(std::ranges::begin(view_));
        if (*at_ == std::ranges::end(view_))
            return false;
        auto&& element = **at_;
        try {
            Call::encode(out, std::forward<decltype(element)>(element));
        } catch (...) {
            unfit = std::current_exception();
        }
        return true;
    }

    wire::payload before() const override { return before_; }

private:
    View view_;
    std::optional<std::ranges::iterator_t<View>> at_;
    wire::payload before_;
};

/// The calls for the elements of a range that is read as results are taken.
template <class R>
class stream_flow final : public item_flow, public stream_state<stream_value<R>> {
    using value = stream_value<R>;
    using exchange = stream_exchange<value>;
    using result = typename exchange::result;

public:
    stream_flow(std::shared_ptr<core::pool_core> pool, flow_call call, const batch_options& options, bool in_order,
                std::unique_ptr<stream_input> input)
        : item_flow(pool, call, options, nullptr), pool_(std::move(pool)), window_(options.window), in_order_(in_order),
          input_(std::move(input)) {
        this->completes_anywhere = true; // who waits is told on an executor of their own
    }

    /// @param error why there is nothing to begin with, if it is so
    void start(std::exception_ptr error) {
        if (!error)
            error = open(core::operation_kind::stream);
        if (error)
            end_input(std::move(error));
    }

    const std::shared_ptr<core::pool_core>& stream_pool() const noexcept override { return pool_; }

    void next(receiver_ptr<std::optional<value>> waiting) override {
        std::uint64_t ticket = 0;
        {
            const std::lock_guard lock(mutex_);
            ticket = exchange_.draw_ticket();
        }
        // Before it waits where another thread may tell it, after which it is no more.
        waiting->on_cancel([weak = this->weak_from_this(), ticket](asio::cancellation_type) {
            if (const auto still = weak.lock())
                static_cast<stream_flow&>(*still).stop_waiting(ticket);
        });
        {
            const std::lock_guard lock(mutex_);
            exchange_.wait(ticket, std::move(waiting));
        }
        pull();
        match();
    }

    void drop() noexcept override {
        {
            const std::lock_guard lock(mutex_);
            dropped_ = true;
            slots_.clear();
            exchange_.drop();
        }
        end_input(nullptr);
        // What runs is asked to stop; a worker is not worth losing for a result that nobody wants.
        call_off(asio::cancellation_type::partial);
        match();
    }

private:
    static constexpr std::chrono::milliseconds longest_pull{1};
    static constexpr std::size_t most_bytes = std::size_t{8} << 20; ///< in the window

    void stop_waiting(std::uint64_t ticket) {
        {
            const std::lock_guard lock(mutex_);
            exchange_.call_off(ticket);
        }
        match();
    }

    // The input -----------------------------------------------------------------------------------------------------

    /// Reads as much of the input as there is room for; but if that takes a while, no more than keeps the workers busy.
    void pull() {
        const std::lock_guard reading(input_mutex_);
        const auto begin = std::chrono::steady_clock::now();
        const auto takes_long = [begin] { return std::chrono::steady_clock::now() - begin > longest_pull; };
        while (std::size_t space = input_ ? room() : 0) {
            auto items = std::make_shared<encoded_items>(input_->before());
            wire::payload_builder bytes(&core::memory_for_arguments());
            serialization::encoder out(bytes);
            bool more = true;
            std::exception_ptr error;
            std::exception_ptr unfit;
            while (more && !unfit && items->size() != space && bytes.size() < most_bytes / 8) {
                const std::size_t before = bytes.size();
                try {
                    more = input_->pull(out, unfit);
                } catch (...) {
                    error = std::current_exception();
                    more = false;
                }
                if (error || unfit)
                    bytes.truncate(before);
                else if (more)
                    items->item_ends(bytes.size());
                if (takes_long())
                    break;
            }
            hand_in(std::move(items), bytes);
            if (unfit)
                pass_over(unfit);
            if (!more) {
                input_.reset();
                end_input(std::move(error));
            } else if (takes_long() && this->under_way() >= pool_->workers() && !more_wait_than_come()) {
                return;
            }
        }
    }

    void hand_in(std::shared_ptr<encoded_items> items, wire::payload_builder& bytes) {
        const std::size_t count = items->size();
        if (count == 0)
            return;
        {
            const std::lock_guard lock(mutex_);
            pulled_ += count;
            bytes_each_ = std::max<std::size_t>(bytes.size() / count, 1);
        }
        items->bytes(bytes.finish());
        this->add(std::move(items));
    }

    /// An item that fails before it is handed in.
    void pass_over(const std::exception_ptr& why) {
        {
            const std::lock_guard lock(mutex_);
            ++pulled_;
        }
        this->add_failed(why);
    }

    /// How many items more may be under way or waiting to be taken.
    std::size_t room() const {
        const std::size_t good = window_ != 0 ? window_ : this->good_window();
        const std::lock_guard lock(mutex_);
        const std::size_t least = window_ != 0 ? window_ : 2 * pool_->workers();
        const std::size_t window = std::max({least, exchange_.waiting(), std::min(good, most_bytes / bytes_each_)});
        return dropped_ || ended_ || terminated_ ? 0 : window - std::min(window, pulled_ - taken_);
    }

    bool more_wait_than_come() const {
        const std::lock_guard lock(mutex_);
        return exchange_.waiting() > pulled_ - taken_;
    }

    void end_input(std::exception_ptr error) {
        {
            const std::lock_guard lock(mutex_);
            if (!input_error_)
                input_error_ = std::move(error);
        }
        this->no_more();
        this->end_if_over(false);
    }

    // The results ---------------------------------------------------------------------------------------------------

    void take(std::size_t first, std::uint32_t items, std::uint32_t skip, std::uint32_t& done,
              serialization::decoder& from) override {
        for (; done != items; ++done) {
            const std::size_t item = first + done;
            outcome<R> one = decode_outcome<R>(from, item);
            if (done >= skip)
                put(item, to_result(std::move(one)));
        }
    }

    void failed(std::size_t first, std::size_t items, const std::exception_ptr& why) override {
        for (std::size_t item = first; item != first + items; ++item)
            put(item, {serialization::with_item(why, item), {}});
        if (is_terminated(why)) {
            const std::lock_guard lock(mutex_);
            terminated_ = true;
        }
    }

    static bool is_terminated(const std::exception_ptr& why) {
        try {
            std::rethrow_exception(why);
        } catch (const pool_error& error) {
            return error.code() == errc::pool_terminated;
        } catch (...) {
            return false;
        }
    }

    static result to_result(outcome<R>&& one) {
        if (one.has_error())
            return {std::move(one.error()), {}};
        if constexpr (std::is_void_v<R>)
            return {nullptr, std::optional<std::optional<value>>(std::in_place, value{})};
        else
            return {nullptr, std::optional<std::optional<value>>(std::in_place, std::move(one.value()))};
    }

    void put(std::size_t item, result one) {
        const std::lock_guard lock(mutex_);
        if (dropped_ || item < first_slot_)
            return;
        if (!in_order_) {
            exchange_.add(std::move(one));
            return;
        }
        if (slots_.size() <= item - first_slot_)
            slots_.resize(item - first_slot_ + 1);
        slots_[item - first_slot_] = std::move(one);
        for (; !slots_.empty() && slots_.front(); ++first_slot_) {
            exchange_.add(std::move(*slots_.front()));
            slots_.pop_front();
        }
    }

    bool wants_so_far() const noexcept override { return true; }
    // A pool that was terminated has no use for more input.
    void some_over() override {
        bool terminated = false;
        {
            const std::lock_guard lock(mutex_);
            terminated = terminated_;
        }
        if (terminated)
            end_input(nullptr);
        match();
    }

    void ended(bool) override {
        {
            const std::lock_guard lock(mutex_);
            ended_ = true;
            if (input_error_ && !dropped_)
                exchange_.add({std::move(input_error_), {}});
        }
        match();
    }

    void match() {
        std::vector<typename exchange::told> all;
        {
            const std::lock_guard lock(mutex_);
            taken_ = std::min(pulled_, taken_ + exchange_.match(ended_));
            all = exchange_.take_told();
        }
        exchange::tell(std::move(all));
    }

    const std::shared_ptr<core::pool_core> pool_;
    const std::size_t window_;
    const bool in_order_;

    std::mutex input_mutex_;
    std::unique_ptr<stream_input> input_;

    mutable std::mutex mutex_;
    exchange exchange_;
    std::deque<std::optional<result>> slots_; ///< of results that came before earlier ones
    std::size_t first_slot_ = 0;
    std::size_t pulled_ = 0;
    std::size_t taken_ = 0;
    std::size_t bytes_each_ = 1;
    std::exception_ptr input_error_;
    bool dropped_ = false;
    bool terminated_ = false;
    bool ended_ = false;
};

} // namespace procpool::detail

#endif
