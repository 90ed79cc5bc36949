// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_DETAIL_ITEM_FLOW_HPP
#define PROCPOOL_DETAIL_ITEM_FLOW_HPP

#include <procpool/batch_options.hpp>
#include <procpool/core/pool_core.hpp>
#include <procpool/detail/encoded_items.hpp>
#include <procpool/serialization/decoder.hpp>
#include <procpool/serialization/exceptions.hpp>
#include <procpool/worker/call.hpp>

#include <boost/asio/cancellation_type.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <vector>

namespace procpool::detail {

namespace asio = boost::asio;

/// How the calls of a batch or a stream are to be made.
struct flow_call {
    std::uint64_t entry = 0;
    std::uint64_t function = 0;
    bool joint_result = false; ///< a chunk has one result for all of its items
};

/// The items of a batch or a stream on their way through the pool, and what comes back.
/**
 * It decides how many travel together, hands over no more than the workers need, and again what a chunk did not come to. What
 * becomes of each item is told to whoever derives from this, exactly once. Several threads may tell it of chunks that
 * are over at the same time.
 */
class item_flow : public std::enable_shared_from_this<item_flow> {
public:
    item_flow(const item_flow&) = delete;
    item_flow& operator=(const item_flow&) = delete;

    /// Nothing more is handed over; what was is called off, as task_cancellation says.
    void call_off(asio::cancellation_type type);

protected:
    item_flow(const std::shared_ptr<core::pool_core>& pool, flow_call call, const batch_options& options,
              std::unique_ptr<core::task_terms> terms);
    virtual ~item_flow();

    // For those who derive.

    /// The pool takes it. Why not; null if it does.
    std::exception_ptr open(core::operation_kind kind);

    /// Adds items to what is to be done, and hands over as many as are wanted now. Nobody else may add meanwhile.
    void add(std::shared_ptr<const encoded_items> items);

    /// Adds an item that has failed already.
    void add_failed(const std::exception_ptr& why);

    /// A task of nothing that ends with this error, or without one, in its turn: for what must not end at once. It is told as a
    /// failure of no items.
    void end_later(std::exception_ptr error, bool anywhere);

    /// No more items come. When those that were added are over, ended() is told: at the end of the last one, or by end_if_over().
    void no_more();

    /// Tells ended(), if that is so and was not told.
    void end_if_over(bool on_executor);

    /// So many items were added and are not over.
    std::size_t under_way() const;

    /// Whether a reason for which an item did not run holds for all others too.
    static bool is_for_all(const std::exception_ptr& why);

    /// How many should be under way so that no worker waits.
    std::size_t good_window() const;

    bool completes_anywhere = false;

private:
    friend class chunk_task;
    friend class early_results;

    // What derives is told, from the pool's executor, and outside any lock.

    /// Decodes the results of the items from this one on. If it throws, the item that it was at has failed.
    /**
     * @param skip so many of them were told before
     * @param done counts the items that were decoded
     */
    virtual void take(std::size_t first, std::uint32_t items, std::uint32_t skip, std::uint32_t& done,
                      serialization::decoder& from) = 0;

    /// These items have no result, for this reason.
    virtual void failed(std::size_t first, std::size_t items, const std::exception_ptr& why) = 0;

    /// Whether one failed item is reason enough to call off all others.
    virtual bool ends_with_first_failure() const noexcept { return false; }
    virtual bool wants_so_far() const noexcept { return false; }

    /// A chunk is over, and what became of its items was told.
    virtual void some_over() {}

    /// @param on_executor whether this is called where handlers may be
    virtual void ended(bool on_executor) = 0;

    struct range {
        std::shared_ptr<const encoded_items> items;
        std::size_t at;    ///< in those
        std::size_t first; ///< in the flow
        std::size_t count;
    };
    struct live_chunk {
        class chunk_task* task;
        std::shared_ptr<core::task_cancellation> cancellation;
    };

    void enlist(chunk_task& chunk);
    void strike_out(chunk_task& chunk);
    void cut(std::vector<std::unique_ptr<chunk_task>>& chunks);
    void give_up(std::exception_ptr why);
    void drop_rest();
    void hand_over();
    void over(chunk_task& chunk);
    struct told {
        std::uint32_t settled = 0; ///< of so many items, the first ones, all is told
        std::uint32_t ran = 0;     ///< so many took that time
        std::uint64_t nanoseconds = 0;
        bool failed = false;
    };
    told tell(chunk_task& chunk);
    told tell_of_answer(chunk_task& chunk, serialization::decoder& in);
    told tell_of_failure(chunk_task& chunk, const worker::chunk_report& report, serialization::decoder& in);
    told tell_of_nothing(chunk_task& chunk);
    void told_early(std::uint32_t items);

    const std::weak_ptr<core::pool_core> pool_;
    const flow_call call_;
    const std::size_t workers_;
    const std::unique_ptr<core::task_terms> terms_;
    const bool fixed_size_;

    mutable std::mutex mutex_;
    std::vector<range> to_do_; ///< the last one is next
    std::vector<live_chunk> live_;
    std::unique_ptr<class flow_pace> pace_;
    std::size_t added_ = 0;
    std::size_t over_ = 0;
    bool no_more_ = false;
    bool called_off_ = false;
    std::exception_ptr called_off_for_; ///< null if somebody wanted it so
    core::operation_kind kind_{};
    bool open_ = false;
    bool ended_ = false;
};

/// One chunk on its way.
class chunk_task final : public core::task {
public:
    chunk_task(std::shared_ptr<item_flow> flow, std::shared_ptr<const encoded_items> source, std::size_t at,
               std::size_t first, std::uint32_t count);

    void complete() override;
    void abandon() noexcept override;
    core::task* divide(std::uint32_t first) override;
    core::completion* so_far(std::uint32_t done, wire::payload results) override;
    bool wants_so_far() const noexcept override { return flow_->wants_so_far(); }

private:
    friend class item_flow;
    friend class early_results;

    std::shared_ptr<item_flow> flow_;
    std::shared_ptr<const encoded_items> source_; ///< null for a task of nothing
    std::size_t at_;                              ///< the first item, in the source
    std::size_t first_;                           ///< the first item, in the flow
    std::uint32_t told_ = 0;                      ///< so many items were told of early
    std::size_t position_ = 0;                    ///< among the flow's live chunks
};

} // namespace procpool::detail

#endif
