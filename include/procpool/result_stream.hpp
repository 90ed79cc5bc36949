// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_RESULT_STREAM_HPP
#define PROCPOOL_RESULT_STREAM_HPP

#include <procpool/detail/stream_flow.hpp>
#include <procpool/submission.hpp>

#include <cstddef>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <utility>

namespace procpool {

/// Results that come one after the other: what imap() and imap_unordered() give.
/**
 * @code
 * auto stream = pool.imap(parse, lines);
 * while (auto parsed = co_await stream.next())   // in a coroutine
 *     use(*parsed);
 *
 * for (auto& parsed : pool.imap(parse, lines))   // on a pool that has a thread of its own
 *     use(parsed);
 * @endcode
 *
 * The input is read by next(), on the thread that calls it, and only as far as its window reaches: so many items may be under way
 * or waiting to be taken. Nothing is read before the first next().
 *
 * A stream that is dropped calls off what is left of it: what no worker has begun never runs, what runs is asked to stop
 * (this_task::stop_requested), and a next() that waits completes with `boost::asio::error::operation_aborted`. It may outlive its
 * pool; then what was not over by then has failed with `errc::pool_terminated`.
 *
 * A pool that was closed goes on with the streams that it gave before; process_pool::join() waits until they are at their end,
 * or dropped. When it was terminated it does not wait for them; their items that were not over fail with `errc::pool_terminated`.
 *
 * @par Thread safety
 * One thread at a time. Several next() may wait at once; they get their results in the order in which they were started.
 *
 * @tparam R what the stream yields; std::monostate for a function that returns nothing
 */
template <class R>
class result_stream {
public:
    class iterator;

    /// For the pool alone.
    explicit result_stream(std::shared_ptr<detail::stream_state<R>> state) noexcept : state_(std::move(state)) {}

    result_stream(result_stream&&) noexcept = default;
    result_stream& operator=(result_stream&& other) noexcept {
        if (this != &other) {
            drop();
            state_ = std::move(other.state_);
        }
        return *this;
    }
    ~result_stream() { drop(); }

    /// The next result; no value when there are no more.
    /**
     * If the item's call failed, completes with its error, which is a failed_item too, and the stream goes on with the next
     * item. So it does if an item cannot be encoded, with what that threw. If the input range throws, that is the last error,
     * after the results of what was read before. Terms (submission::timeout and its kin) are refused with std::logic_error.
     *
     * @par Per-operation cancellation
     * Any type ends the waiting, with `boost::asio::error::operation_aborted`; no result is lost by that, the next next() gets it.
     *
     * @par Errors
     * As for submission::operator().
     */
    submission<std::optional<R>> next() {
        return submission<std::optional<R>>(std::make_unique<detail::next_source<R>>(state_));
    }

    /// Blocking iteration. Increments, and begin(), wait for the next result, and throw what next() would; begin() may then
    /// be called again, for the rest.
    /**
     * @par Preconditions
     * As for submission::get().
     */
    iterator begin() { return iterator(*this); }
    std::default_sentinel_t end() const noexcept { return {}; }

private:
    void drop() noexcept {
        if (!state_)
            return;
        if (!state_->in_a_copy())
            state_->drop();
        else if (auto* const left = new (std::nothrow) std::shared_ptr<detail::stream_state<R>>)
            left->swap(state_);
        state_.reset();
    }

    std::shared_ptr<detail::stream_state<R>> state_;
};

template <class R>
class result_stream<R>::iterator {
public:
    using value_type = R;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    iterator() noexcept = default;
    explicit iterator(result_stream& stream) : stream_(&stream) { ++*this; }
    iterator(iterator&&) noexcept = default;
    iterator& operator=(iterator&&) noexcept = default;

    R& operator*() const noexcept { return *current_; }
    R* operator->() const noexcept { return &*current_; }
    iterator& operator++() {
        current_ = stream_->next().get();
        return *this;
    }
    void operator++(int) { ++*this; }

    friend bool operator==(const iterator& at, std::default_sentinel_t) noexcept { return !at.current_; }

private:
    result_stream* stream_ = nullptr;
    mutable std::optional<R> current_;
};

} // namespace procpool

#endif
