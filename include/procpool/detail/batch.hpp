// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_DETAIL_BATCH_HPP
#define PROCPOOL_DETAIL_BATCH_HPP

#include <procpool/detail/item_flow.hpp>
#include <procpool/detail/outcome_of.hpp>
#include <procpool/detail/receiver.hpp>
#include <procpool/outcome.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace procpool::detail {

/// A batch's arguments, encoded.
struct prepared_batch {
    flow_call call;
    batch_options options;
    std::shared_ptr<encoded_items> items;
    std::exception_ptr error; ///< set if the arguments could not be encoded
};

/// A batch under way, all of whose items are known from the start.
template <class Result>
class batch_flow : public item_flow {
public:
    batch_flow(const std::shared_ptr<core::pool_core>& pool, const prepared_batch& prepared,
               std::unique_ptr<core::task_terms> terms, receiver_ptr<Result> waiting)
        : item_flow(pool, prepared.call, prepared.options, std::move(terms)), waiting_(std::move(waiting)),
          size_(prepared.items->size()), first_failed_(size_) {
        completes_anywhere = waiting_->anywhere;
    }

    static void start(std::shared_ptr<batch_flow> flow, prepared_batch&& prepared) {
        flow->waiting_->on_cancel([weak = std::weak_ptr(flow)](asio::cancellation_type type) {
            if (const auto still = weak.lock())
                still->call_off(type);
        });
        std::exception_ptr error = prepared.error ? prepared.error : flow->open(core::operation_kind::batch);
        flow->no_more();
        // A batch of nothing, or one that cannot begin, ends in its turn like any other, and with the pool.
        if (error || flow->size_ == 0)
            flow->end_later(std::move(error), flow->completes_anywhere);
        else
            flow->add(std::move(prepared.items));
    }

protected:
    std::size_t size() const noexcept { return size_; }

    void failed(std::size_t first, std::size_t items, const std::exception_ptr& why) override {
        if (!why)
            return;
        const std::lock_guard lock(mutex_);
        // What this batch called off itself does not count as its failure.
        const bool own = error_ && first >= first_failed_;
        if (own || (error_ && is_called_off(why)))
            return;
        first_failed_ = first;
        const bool of_item = items != 0 && !is_called_off(why) && !this->is_for_all(why);
        error_ = of_item ? serialization::with_item(why, first) : why;
    }

    static bool is_called_off(const std::exception_ptr& error) {
        try {
            std::rethrow_exception(error);
        } catch (const boost::system::system_error& thrown) {
            return thrown.code() == asio::error::operation_aborted;
        } catch (...) {
            return false;
        }
    }

private:
    bool ends_with_first_failure() const noexcept override { return true; }

    virtual Result result() = 0;

    void ended(bool on_executor) override {
        settled<Result> all;
        if (error_) {
            all.error = std::move(error_);
        } else {
            try {
                if constexpr (std::is_void_v<Result>) {
                    result();
                    all.value.emplace();
                } else {
                    all.value.emplace(result());
                }
            } catch (...) {
                all.error = std::current_exception();
            }
        }
        if (on_executor)
            waiting_.release()->complete(std::move(all));
        else
            waiting_.release()->complete_later(std::move(all));
    }

    receiver_ptr<Result> waiting_;
    const std::size_t size_;
    std::mutex mutex_;
    std::exception_ptr error_;
    std::size_t first_failed_; ///< the first of the items whose error is kept
};

// Several threads decode at once, each into places of its own, which the elements of a vector<bool> would not be.
struct boolean_place {
    bool value = false;
};
template <class R>
using result_place = std::conditional_t<std::is_same_v<R, bool>, boolean_place, R>;

/// What map() yields: the results in order, or nothing if the function returns nothing.
template <class R>
using map_result =
    std::conditional_t<std::is_void_v<R>, void, std::vector<std::conditional_t<std::is_void_v<R>, int, R>>>;

template <class R>
class map_flow final : public batch_flow<map_result<R>> {
public:
    map_flow(const std::shared_ptr<core::pool_core>& pool, const prepared_batch& prepared,
             std::unique_ptr<core::task_terms> terms, receiver_ptr<map_result<R>> waiting)
        : batch_flow<map_result<R>>(pool, prepared, std::move(terms), std::move(waiting)), results_(this->size()) {}

private:
    void take(std::size_t first, std::uint32_t items, std::uint32_t, std::uint32_t& done,
              serialization::decoder& from) override {
        if constexpr (serialization::detail::bitwise<R>) {
            from.bytes(results_.data() + first, items * sizeof(R));
            done = items;
        } else {
            for (; done != items; ++done) {
                if constexpr (std::is_same_v<R, bool>)
                    from(results_[first + done].value);
                else
                    from(results_[first + done]);
            }
        }
    }

    std::vector<R> result() override {
        if constexpr (std::is_same_v<R, bool>) {
            std::vector<bool> all;
            all.reserve(results_.size());
            for (const boolean_place& one : results_)
                all.push_back(one.value);
            return all;
        } else {
            return std::move(results_);
        }
    }

    std::vector<result_place<R>> results_;
};

template <>
class map_flow<void> final : public batch_flow<void> {
public:
    using batch_flow<void>::batch_flow;

private:
    void take(std::size_t, std::uint32_t items, std::uint32_t, std::uint32_t& done, serialization::decoder&) override {
        done = items;
    }
    void result() override {}
};

/// A result as encode_with_size writes it. Whatever it throws to be decoded is this item's failure, and no other's.
template <class R>
outcome<R> decode_with_size(serialization::decoder& from, std::optional<std::size_t> item) {
    if constexpr (serialization::detail::bitwise<R>) {
        return outcome<R>(boost::system::in_place_value, from.get<R>());
    } else {
        std::uint32_t size = 0;
        from.raw(size);
        const std::size_t behind = from.narrow(size);
        try {
            outcome<R> one(boost::system::in_place_value, from.get<R>());
            from.finish();
            from.widen(behind);
            return one;
        } catch (...) {
            const std::exception_ptr why = from.failure();
            from.go_on(behind);
            return outcome<R>(boost::system::in_place_error, item ? serialization::with_item(why, *item) : why);
        }
    }
}

/// One item's outcome, as settled_entry encodes it.
template <class R>
outcome<R> decode_outcome(serialization::decoder& from, std::optional<std::size_t> item) {
    if (from.boolean()) {
        if constexpr (std::is_void_v<R>)
            return outcome<void>();
        else
            return decode_with_size<R>(from, item);
    }
    const std::size_t size = from.count();
    return outcome<R>(boost::system::in_place_error, serialization::decode_exception(from, size, item));
}

template <class R>
class settled_flow final : public batch_flow<std::vector<outcome<R>>> {
    using base = batch_flow<std::vector<outcome<R>>>;

public:
    settled_flow(const std::shared_ptr<core::pool_core>& pool, const prepared_batch& prepared,
                 std::unique_ptr<core::task_terms> terms, receiver_ptr<std::vector<outcome<R>>> waiting)
        : base(pool, prepared, std::move(terms), std::move(waiting)), outcomes_(this->size()) {}

private:
    void take(std::size_t first, std::uint32_t items, std::uint32_t, std::uint32_t& done,
              serialization::decoder& from) override {
        for (; done != items; ++done)
            outcomes_[first + done].emplace(decode_outcome<R>(from, std::nullopt));
    }

    void failed(std::size_t first, std::size_t items, const std::exception_ptr& why) override {
        if (items == 0 || base::is_called_off(why))
            base::failed(first, items, why); // then it is the operation that failed
        for (std::size_t item = first; item != first + items; ++item)
            outcomes_[item].emplace(boost::system::in_place_error, why);
    }

    bool ends_with_first_failure() const noexcept override { return false; }

    std::vector<outcome<R>> result() override {
        std::vector<outcome<R>> all;
        all.reserve(outcomes_.size());
        for (std::optional<outcome<R>>& one : outcomes_)
            all.push_back(std::move(*one));
        return all;
    }

    std::vector<std::optional<outcome<R>>> outcomes_;
};

/// A batch whose chunks were each reduced to one value in the workers.
template <class T, class Op>
class reduce_flow final : public batch_flow<T> {
public:
    reduce_flow(const std::shared_ptr<core::pool_core>& pool, const prepared_batch& prepared,
                std::unique_ptr<core::task_terms> terms, receiver_ptr<T> waiting, T init, Op combine)
        : batch_flow<T>(pool, prepared, std::move(terms), std::move(waiting)), init_(std::move(init)),
          combine_(std::move(combine)) {}

private:
    void take(std::size_t first, std::uint32_t items, std::uint32_t, std::uint32_t& done,
              serialization::decoder& from) override {
        T part(from.get<T>());
        done = items;
        const std::lock_guard lock(mutex_);
        parts_.emplace(first, std::move(part));
    }

    T result() override {
        T all(std::move(init_));
        for (auto& [first, part] : parts_)
            all = std::invoke(combine_, std::move(all), std::move(part));
        return all;
    }

    T init_;
    Op combine_;
    std::mutex mutex_;
    std::map<std::size_t, T> parts_; ///< by their first items
};

/// A batch that was encoded and that nobody has started yet; `MakeFlow` makes the flow of it.
template <class Result, class MakeFlow>
class batch_source final : public source<Result> {
public:
    batch_source(std::shared_ptr<core::pool_core> pool, prepared_batch&& prepared, MakeFlow make)
        : pool_(std::move(pool)), prepared_(std::move(prepared)), make_(std::move(make)) {}

    const std::shared_ptr<core::pool_core>& pool() const noexcept override { return pool_; }
    bool takes_terms() const noexcept override { return true; }

    void start(receiver_ptr<Result> waiting, std::unique_ptr<core::task_terms> terms) override {
        batch_flow<Result>::start(make_(pool_, prepared_, std::move(terms), std::move(waiting)), std::move(prepared_));
    }

private:
    std::shared_ptr<core::pool_core> pool_;
    prepared_batch prepared_;
    MakeFlow make_;
};

} // namespace procpool::detail

#endif
