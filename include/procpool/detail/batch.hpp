// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_DETAIL_BATCH_HPP
#define PROCPOOL_DETAIL_BATCH_HPP

#include <procpool/batch_options.hpp>
#include <procpool/core/pool_core.hpp>
#include <procpool/detail/outcome_of.hpp>
#include <procpool/detail/receiver.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>
#include <vector>

namespace procpool::detail {

/// Where an encoded batch is cut into chunks.
struct chunk_cut {
    std::size_t begin; ///< in the batch's bytes
    std::size_t end;
    std::uint32_t items;
};

/// A batch's arguments, encoded, one item after the other.
struct prepared_batch {
    std::uint64_t entry = 0;
    std::uint64_t function = 0;
    wire::payload shared; ///< of a function object with a state: to be put in front of each chunk
    wire::payload bytes;
    std::vector<chunk_cut> chunks;
    std::size_t items = 0;
    std::exception_ptr error; ///< set if the arguments could not be encoded
};

/// Decides where to cut. Told of one item after the other.
class chunk_cutter {
public:
    /// @param expected how many items will come, or 0 if nobody knows
    chunk_cutter(std::size_t chunk_size, std::size_t expected, std::size_t workers);

    /// One more item, which ends here.
    void item_ends(std::size_t offset);

    std::vector<chunk_cut> finish();
    std::size_t items() const noexcept { return items_; }

private:
    void cut();

    std::size_t workers_;
    std::size_t chunk_size_; ///< 0 until it can be decided
    std::vector<std::size_t> undecided_;
    std::vector<chunk_cut> chunks_;
    chunk_cut open_{0, 0, 0};
    std::size_t items_ = 0;
};

/// The bytes of one chunk: copied only if something has to stand in front of them.
wire::payload chunk_payload(const prepared_batch& batch, const chunk_cut& chunk);

/// What a batch yields: the results in order, or nothing if the function returns nothing.
template <class R>
struct batch_result {
    using type = std::vector<R>;
};
template <>
struct batch_result<void> {
    using type = void;
};
template <class R>
using batch_result_t = typename batch_result<R>::type;

/// A batch under way. Its chunks own it together; the last one that is over tells the receiver.
/**
 * If one fails, those that were not begun are withdrawn, and the batch ends with the error of the earliest item among those
 * that failed.
 */
template <class R>
class batch_run {
public:
    static void start(const std::shared_ptr<core::pool_core>& pool, prepared_batch&& prepared,
                      receiver_ptr<batch_result_t<R>> waiting) {
        auto run = std::make_shared<batch_run>(pool, prepared, std::move(waiting));
        // A batch of nothing, or one that could not be encoded, is a task of nothing: it ends in its turn like any other, and
        // with the pool.
        if (prepared.chunks.empty())
            prepared.chunks.push_back({0, 0, 0});
        std::vector<std::unique_ptr<chunk>> chunks;
        chunks.reserve(prepared.chunks.size());
        std::size_t first = 0;
        for (const chunk_cut& cut : prepared.chunks) {
            chunks.push_back(std::make_unique<chunk>(run, first));
            first += cut.items;
            chunks.back()->bytes = chunk_payload(prepared, cut);
            chunks.back()->entry = prepared.entry;
            chunks.back()->function = prepared.function;
            chunks.back()->items = cut.items;
            chunks.back()->error = prepared.error;
            auto cancellation = std::make_shared<core::task_cancellation>(pool, *chunks.back());
            chunks.back()->cancellation = cancellation;
            run->cancellations_.push_back(std::move(cancellation));
        }
        run->waiting_->on_cancel([weak = std::weak_ptr(run)](asio::cancellation_type type) {
            if (const auto still = weak.lock())
                still->call_off(type);
        });
        run->left_ = chunks.size();
        for (std::unique_ptr<chunk>& one : chunks)
            pool->submit(*one.release());
    }

    batch_run(const std::shared_ptr<core::pool_core>& pool, const prepared_batch& prepared,
              receiver_ptr<batch_result_t<R>> waiting)
        : pool_(pool), waiting_(std::move(waiting)), first_failed_(prepared.items) {
        cancellations_.reserve(prepared.chunks.size());
        if constexpr (!std::is_void_v<R>)
            results_.resize(prepared.items);
    }

private:
    // Several threads decode at once, each into places of its own, which the elements of a vector<bool> would not be.
    struct boolean {
        bool value = false;
    };
    struct nothing {};
    using place =
        std::conditional_t<std::is_void_v<R>, nothing, std::conditional_t<std::is_same_v<R, bool>, boolean, R>>;

    class chunk final : public core::task {
    public:
        chunk(std::shared_ptr<batch_run> run, std::size_t first) : run_(std::move(run)), first_(first) {
            completes_anywhere = run_->waiting_->anywhere;
        }

        void complete() override {
            const std::unique_ptr<chunk> self(this);
            run_->chunk_over(*this, first_);
        }
        void abandon() noexcept override { delete this; }

    private:
        std::shared_ptr<batch_run> run_;
        std::size_t first_; ///< item of the batch
    };

    // Several threads may be here at once, each with another chunk.
    void chunk_over(core::task& over, std::size_t first) {
        if (std::exception_ptr error = take_results(over, first))
            fail(first, std::move(error));
        if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1)
            tell();
    }

    std::exception_ptr take_results(core::task& over, [[maybe_unused]] std::size_t first) noexcept {
        if (over.error)
            return std::move(over.error);
        if (over.failed)
            return serialization::decode_exception(over.bytes.bytes());
        try {
            serialization::decoder in(over.bytes.bytes());
            if constexpr (!std::is_void_v<R>)
                for (std::uint32_t item = 0; item != over.items; ++item)
                    in(result_at(first + item));
            in.finish();
            return nullptr;
        } catch (...) {
            return std::current_exception();
        }
    }

    auto& result_at(std::size_t item) {
        if constexpr (std::is_same_v<R, bool>)
            return results_[item].value;
        else
            return results_[item];
    }

    void fail(std::size_t item, std::exception_ptr error) {
        bool first = false;
        {
            const std::lock_guard lock(mutex_);
            // What this batch called off itself does not count as its failure.
            first = !error_;
            if (first || (item < first_failed_ && !called_off(error))) {
                first_failed_ = item;
                error_ = std::move(error);
            }
        }
        if (first)
            call_off(asio::cancellation_type::total);
    }

    static bool called_off(const std::exception_ptr& error) {
        try {
            std::rethrow_exception(error);
        } catch (const boost::system::system_error& thrown) {
            return thrown.code() == asio::error::operation_aborted;
        } catch (...) {
            return false;
        }
    }

    void call_off(asio::cancellation_type type) {
        if (const auto pool = pool_.lock())
            pool->cancel(cancellations_, type);
    }

    void tell() {
        settled<batch_result_t<R>> result;
        if (error_) {
            result.error = std::move(error_);
        } else if constexpr (std::is_void_v<R>) {
            result.value.emplace();
        } else if constexpr (std::is_same_v<R, bool>) {
            auto& all = result.value.emplace();
            all.reserve(results_.size());
            for (const boolean& one : results_)
                all.push_back(one.value);
        } else {
            result.value = std::move(results_);
        }
        waiting_.release()->complete(std::move(result));
    }

    std::weak_ptr<core::pool_core> pool_;
    receiver_ptr<batch_result_t<R>> waiting_;
    std::vector<place> results_;
    std::vector<std::shared_ptr<core::task_cancellation>> cancellations_;
    std::atomic<std::size_t> left_{0};
    std::mutex mutex_;
    std::exception_ptr error_;
    std::size_t first_failed_; ///< the first item of the chunk whose error is kept
};

/// A batch that was encoded and that nobody has started yet.
template <class R>
class batch_source final : public source<batch_result_t<R>> {
public:
    batch_source(std::shared_ptr<core::pool_core> pool, prepared_batch&& prepared)
        : pool_(std::move(pool)), prepared_(std::move(prepared)) {}

    const std::shared_ptr<core::pool_core>& pool() const noexcept override { return pool_; }

    void start(receiver_ptr<batch_result_t<R>> waiting) override {
        batch_run<R>::start(pool_, std::move(prepared_), std::move(waiting));
    }

private:
    std::shared_ptr<core::pool_core> pool_;
    prepared_batch prepared_;
};

} // namespace procpool::detail

#endif
