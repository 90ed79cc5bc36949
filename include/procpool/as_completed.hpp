// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_AS_COMPLETED_HPP
#define PROCPOOL_AS_COMPLETED_HPP

#include <procpool/result_stream.hpp>
#include <procpool/task_handle.hpp>

#include <memory>
#include <mutex>
#include <ranges>
#include <stdexcept>
#include <utility>
#include <vector>

namespace procpool {

namespace detail {

/// Handles, in the order in which their operations are over.
template <class R>
class completed_state final : public stream_state<task_handle<R>>,
                              public std::enable_shared_from_this<completed_state<R>> {
    using exchange = stream_exchange<task_handle<R>>;

public:
    completed_state(std::shared_ptr<core::pool_core> pool, std::size_t handles)
        : pool_(std::move(pool)), left_(handles) {}

    void watch(const task_handle<R>& handle, const std::shared_ptr<handle_state<R>>& state) {
        state->when_ready([weak = this->weak_from_this(), handle] {
            if (const auto still = weak.lock())
                still->completed(handle);
        });
    }

    const std::shared_ptr<core::pool_core>& stream_pool() const noexcept override { return pool_; }

    void next(receiver_ptr<std::optional<task_handle<R>>> waiting) override {
        std::uint64_t ticket = 0;
        {
            const std::lock_guard lock(mutex_);
            ticket = exchange_.draw_ticket();
        }
        waiting->on_cancel([weak = this->weak_from_this(), ticket](asio::cancellation_type) {
            if (const auto still = weak.lock())
                still->change([ticket](exchange& all) { all.call_off(ticket); });
        });
        change([&](exchange& all) { all.wait(ticket, std::move(waiting)); });
    }

    void drop() noexcept override {
        change([](exchange& all) { all.drop(); });
    }

private:
    void completed(const task_handle<R>& handle) {
        change([&](exchange& all) {
            --left_;
            all.add({nullptr, std::optional<std::optional<task_handle<R>>>(std::in_place, handle)});
        });
    }

    template <class Change>
    void change(Change what) {
        std::vector<typename exchange::told> told;
        {
            const std::lock_guard lock(mutex_);
            what(exchange_);
            exchange_.match(left_ == 0);
            told = exchange_.take_told();
        }
        exchange::tell(std::move(told));
    }

    const std::shared_ptr<core::pool_core> pool_;
    std::mutex mutex_;
    exchange exchange_;
    std::size_t left_;
};

} // namespace detail

/// The handles of a range, each as soon as its operation is over: Python's concurrent.futures.as_completed.
/**
 * @code
 * auto stream = procpool::as_completed(handles);
 * while (auto handle = co_await stream.next())
 *     use(handle->get()); // does not block: it is over
 * @endcode
 *
 * Dropping the stream leaves the operations alone.
 *
 * @param handles a range of task_handle<R>, at least one, of operations of one pool; none of them may be default-constructed or
 *                moved from
 * @throws std::invalid_argument if there are none, for then nobody knows where next() is to complete
 *
 * @par Executor
 * A handler of next() that has no executor of its own is called on the executor of the first handle's pool.
 *
 * @par Thread safety
 * Any thread may call it. The stream is for one thread at a time, as every result_stream; the handles may be used meanwhile.
 */
template <std::ranges::input_range Handles>
auto as_completed(Handles&& handles) {
    using handle = std::remove_cvref_t<std::ranges::range_reference_t<Handles>>;
    using result = typename handle::result_type;
    std::vector<handle> all;
    for (auto&& one : handles)
        all.push_back(one);
    if (all.empty())
        throw std::invalid_argument("procpool: as_completed wants at least one handle");
    auto state = std::make_shared<detail::completed_state<result>>(detail::handle_access::state(all.front())->pool(),
                                                                   all.size());
    for (const handle& one : all)
        state->watch(one, detail::handle_access::state(one));
    return result_stream<handle>(std::move(state));
}

} // namespace procpool

#endif
