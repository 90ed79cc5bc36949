// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/detail/item_flow.hpp>

#include <procpool/detail/handle_state.hpp>
#include <procpool/error.hpp>
#include <procpool/worker/call.hpp>

#include <machines/chunk_sizes.hpp>
#include <wire/run_sheet.hpp>

#include <algorithm>
#include <new>
#include <set>
#include <string>
#include <utility>

namespace procpool::detail {

namespace {

// As many bytes make a chunk, however few items they are: enough for the cost of a message not to matter.
constexpr std::size_t bytes_per_chunk = std::size_t{1} << 20;

} // namespace

/// How large chunks are, and how many of them are under way.
class flow_pace {
public:
    flow_pace(std::size_t fixed, std::size_t workers)
        : sizes_(fixed, workers, wire::run_sheet::most_items), fixed_(fixed), workers_(workers) {}

    void took(std::size_t items, std::size_t given, std::uint64_t nanoseconds) noexcept {
        const std::chrono::nanoseconds time(static_cast<std::chrono::nanoseconds::rep>(
            std::min<std::uint64_t>(nanoseconds, std::uint64_t{3600} * 1'000'000'000)));
        sizes_.took(items, given, time);
        if (items != 0)
            chunk_time_ = time;
    }

    std::size_t next_size(std::size_t left) const noexcept { return sizes_.next(left); }

    /// Each worker is to have one that runs and at least one more; of small ones, as many as take a while.
    std::size_t chunks_under_way() const noexcept {
        if (fixed_ == 0 || chunk_time_ == chunk_time_.zero())
            return 2 * workers_;
        const auto fitting = static_cast<std::size_t>(machines::chunk_sizes::target / chunk_time_);
        return workers_ * std::clamp<std::size_t>(fitting, 2, 250);
    }

private:
    machines::chunk_sizes sizes_;
    std::size_t fixed_;
    std::size_t workers_;
    std::chrono::nanoseconds chunk_time_{0};
};

/// Results of a chunk that still runs.
class early_results final : public core::completion {
public:
    early_results(std::shared_ptr<item_flow> flow, std::size_t first, std::uint32_t skip, std::uint32_t items,
                  wire::payload results)
        : flow_(std::move(flow)), first_(first), skip_(skip), items_(items), results_(std::move(results)) {
        completes_anywhere = flow_->completes_anywhere;
    }

    void complete() override {
        const std::unique_ptr<early_results> self(this);
        std::uint32_t done = 0;
        serialization::decoder in(results_);
        try {
            flow_->take(first_, items_, skip_, done, in);
        } catch (...) {
            // The item that cannot be decoded, and those behind it, are told of once more with the answer, which has the
            // same bytes; but what was promised is told.
            const std::uint32_t from = std::max(done, skip_);
            flow_->failed(first_ + from, items_ - from, in.failure());
        }
        flow_->told_early(items_ - skip_);
    }
    void abandon() noexcept override { delete this; }

private:
    std::shared_ptr<item_flow> flow_;
    std::size_t first_;
    std::uint32_t skip_;
    std::uint32_t items_;
    wire::payload results_;
};

// The chunk ----------------------------------------------------------------------------------------------------------

chunk_task::chunk_task(std::shared_ptr<item_flow> flow, std::shared_ptr<const encoded_items> source, std::size_t at,
                       std::size_t first, std::uint32_t count)
    : flow_(std::move(flow)), source_(std::move(source)), at_(at), first_(first) {
    items = count;
    chunk = true;
    part = true;
    completes_anywhere = flow_->completes_anywhere;
    if (source_)
        bytes = source_->chunk(at_, count);
}

void chunk_task::complete() {
    const std::unique_ptr<chunk_task> self(this);
    flow_->over(*this);
}

void chunk_task::abandon() noexcept {
    delete this;
}

// Of items that were told of already nothing is given up, whatever the worker has written since.
core::task* chunk_task::divide(std::uint32_t first) {
    first = std::max(first, told_);
    if (first >= items)
        return nullptr;
    auto rest = std::make_unique<chunk_task>(flow_, source_, at_ + first, first_ + first, items - first);
    flow_->enlist(*rest);
    items = first;
    return rest.release();
}

core::completion* chunk_task::so_far(std::uint32_t done, wire::payload results) {
    if (done <= told_ || done > items)
        return nullptr;
    return new early_results(flow_, first_, std::exchange(told_, done), done, std::move(results));
}

// The flow -----------------------------------------------------------------------------------------------------------

item_flow::item_flow(const std::shared_ptr<core::pool_core>& pool, flow_call call, const batch_options& options,
                     std::unique_ptr<core::task_terms> terms)
    : pool_(pool), call_(call), workers_(pool->workers()), terms_(std::move(terms)),
      fixed_size_(options.chunk_size != 0), pace_(std::make_unique<flow_pace>(options.chunk_size, pool->workers())) {
}

item_flow::~item_flow() {
    if (open_ && !ended_)
        if (const auto still = pool_.lock())
            still->end_operation(kind_);
}

std::exception_ptr item_flow::open(core::operation_kind kind) {
    const auto still = pool_.lock();
    std::exception_ptr why = still->begin_operation(kind);
    kind_ = kind;
    open_ = !why;
    return why;
}

void item_flow::add(std::shared_ptr<const encoded_items> items) {
    {
        const std::lock_guard lock(mutex_);
        const std::size_t count = items->size();
        to_do_.insert(to_do_.begin(), range{std::move(items), 0, added_, count});
        added_ += count;
    }
    hand_over();
    drop_rest();
}

void item_flow::add_failed(const std::exception_ptr& why) {
    std::size_t item = 0;
    {
        const std::lock_guard lock(mutex_);
        item = added_++;
    }
    failed(item, 1, why);
    const std::lock_guard lock(mutex_);
    ++over_;
}

void item_flow::end_later(std::exception_ptr error, bool anywhere) {
    const auto still = pool_.lock();
    auto nothing = std::make_unique<chunk_task>(shared_from_this(), nullptr, 0, 0, 0);
    nothing->error = std::move(error);
    nothing->completes_anywhere = anywhere;
    enlist(*nothing);
    still->submit(*nothing.release());
}

void item_flow::no_more() {
    const std::lock_guard lock(mutex_);
    no_more_ = true;
}

std::size_t item_flow::under_way() const {
    const std::lock_guard lock(mutex_);
    return added_ - over_;
}

std::size_t item_flow::good_window() const {
    const std::lock_guard lock(mutex_);
    return pace_->next_size(0) * (pace_->chunks_under_way() + workers_);
}

void item_flow::enlist(chunk_task& chunk) {
    if (!chunk.cancellation)
        chunk.cancellation = std::make_shared<core::task_cancellation>(pool_, chunk);
    const std::lock_guard lock(mutex_);
    chunk.position_ = live_.size();
    live_.push_back({&chunk, chunk.cancellation});
}

// Under the lock.
void item_flow::strike_out(chunk_task& chunk) {
    live_[chunk.position_] = std::move(live_.back());
    live_[chunk.position_].task->position_ = chunk.position_;
    live_.pop_back();
}

/// Adds the chunks that are wanted now. Under the lock.
void item_flow::cut(std::vector<std::unique_ptr<chunk_task>>& chunks) {
    const std::size_t most = pace_->chunks_under_way();
    std::size_t left = 0;
    for (const range& one : to_do_)
        left += one.count;
    while (!called_off_ && left != 0 && live_.size() < most) {
        range& next = to_do_.back();
        const std::size_t wanted = std::min(next.count, pace_->next_size(no_more_ ? left : 0));
        const std::size_t size = next.items->fitting(next.at, wanted, bytes_per_chunk);
        auto chunk = std::make_unique<chunk_task>(shared_from_this(), next.items, next.at, next.first,
                                                  static_cast<std::uint32_t>(size));
        chunk->entry = call_.entry;
        chunk->function = call_.function;
        chunk->whole = fixed_size_;
        chunk->joint_result = call_.joint_result;
        if (terms_)
            chunk->terms = std::make_unique<core::task_terms>(*terms_);
        chunk->cancellation = std::make_shared<core::task_cancellation>(pool_, *chunk);
        chunk->position_ = live_.size();
        live_.reserve(live_.size() + 1);
        chunks.push_back(std::move(chunk));
        live_.push_back({chunks.back().get(), chunks.back()->cancellation});
        next.at += size;
        next.first += size;
        next.count -= size;
        left -= size;
        if (next.count == 0)
            to_do_.pop_back();
    }
}

void item_flow::hand_over() {
    const auto still = pool_.lock();
    if (!still)
        return;
    std::vector<std::unique_ptr<chunk_task>> chunks;
    try {
        const std::lock_guard lock(mutex_);
        cut(chunks);
    } catch (const std::bad_alloc&) {
        // Those that were made go their way; the rest never will.
        give_up(std::current_exception());
    }
    for (auto& chunk : chunks)
        still->submit(*chunk.release());
}

void item_flow::give_up(std::exception_ptr why) {
    const std::lock_guard lock(mutex_);
    called_off_ = true;
    if (!called_off_for_)
        called_off_for_ = std::move(why);
}

void item_flow::call_off(asio::cancellation_type type) {
    const auto still = pool_.lock();
    std::set<std::shared_ptr<core::task_cancellation>> asked;
    std::vector<std::shared_ptr<core::task_cancellation>> which;
    // The pool may divide a chunk right before it hears of this; then the new one is still to be asked for. The parts of one
    // that was called off are so from the start.
    do {
        which.clear();
        {
            const std::lock_guard lock(mutex_);
            called_off_ = true;
            for (const live_chunk& one : live_)
                if (asked.insert(one.cancellation).second)
                    which.push_back(one.cancellation);
        }
        if (still && !which.empty())
            still->cancel(which, type);
    } while (!which.empty());
    drop_rest();
    end_if_over(false);
}

/// When the flow was called off, what was not handed over is over. Told first, then counted: the end is where all are counted.
void item_flow::drop_rest() {
    std::vector<range> dropped;
    std::exception_ptr why;
    {
        const std::lock_guard lock(mutex_);
        if (!called_off_)
            return;
        dropped.swap(to_do_);
        why = called_off_for_;
    }
    if (dropped.empty())
        return;
    if (!why)
        why = detail::called_off();
    std::size_t count = 0;
    for (const range& one : dropped) {
        failed(one.first, one.count, why);
        count += one.count;
    }
    const std::lock_guard lock(mutex_);
    over_ += count;
}

// Several threads may be here at once, each with another chunk.
void item_flow::over(chunk_task& chunk) {
    const told what = chunk.source_ ? tell(chunk) : tell_of_nothing(chunk);
    bool first_failure = false;
    {
        const std::lock_guard lock(mutex_);
        strike_out(chunk);
        pace_->took(what.ran, chunk.items, what.nanoseconds);
        over_ += what.settled - std::min(chunk.told_, what.settled);
        if (what.settled < chunk.items)
            to_do_.push_back(
                {chunk.source_, chunk.at_ + what.settled, chunk.first_ + what.settled, chunk.items - what.settled});
        if (what.failed && ends_with_first_failure())
            first_failure = !std::exchange(called_off_, true);
    }
    // Were each of the others handed over, it would come back with the same.
    if (!chunk.answered && is_for_all(chunk.error))
        give_up(chunk.error);
    if (first_failure)
        call_off(asio::cancellation_type::total);
    hand_over();
    drop_rest();
    some_over();
    end_if_over(true);
}

bool item_flow::is_for_all(const std::exception_ptr& why) {
    if (!why)
        return false;
    try {
        std::rethrow_exception(why);
    } catch (const pool_error& error) {
        return error.code() == errc::pool_terminated || error.code() == errc::worker_start_failed ||
               error.code() == errc::initializer_failed;
    } catch (...) {
        return false;
    }
}

item_flow::told item_flow::tell_of_nothing(chunk_task& chunk) {
    failed(0, 0, chunk.error);
    return {};
}

/// Tells what became of a chunk's items, those aside of which nothing is known since they were not begun.
item_flow::told item_flow::tell(chunk_task& chunk) {
    if (!chunk.answered) {
        failed(chunk.first_ + chunk.told_, chunk.items - chunk.told_, chunk.error);
        return {.settled = chunk.items, .failed = true};
    }
    serialization::decoder in(chunk.bytes);
    const told what = tell_of_answer(chunk, in);
    if (in.unreadable())
        if (const auto still = pool_.lock())
            still->distrust(chunk);
    return what;
}

item_flow::told item_flow::tell_of_answer(chunk_task& chunk, serialization::decoder& in) {
    worker::chunk_report report;
    std::uint32_t done = 0;
    try {
        in.raw(report);
        const bool something = report.items != 0 || chunk.failed || chunk.error;
        const bool less_than_told = report.items < chunk.told_ && !chunk.failed;
        if (report.items > chunk.items || !something || less_than_told)
            throw pool_error(errc::protocol_error, "its worker says that it did " + std::to_string(report.items) +
                                                       " of " + std::to_string(chunk.items) + " items");
        if (chunk.failed)
            return tell_of_failure(chunk, report, in);
        // What came when the time was up does not count.
        const std::uint32_t late = chunk.error && report.items == chunk.items && report.items > chunk.told_ ? 1 : 0;
        const std::uint32_t good = report.items - late;
        take(chunk.first_, good, chunk.told_, done, in);
        if (!chunk.error) {
            in.finish();
            return {.settled = report.items, .ran = report.items, .nanoseconds = report.nanoseconds};
        }
        if (good == chunk.items)
            return {.settled = good,
                    .ran = good,
                    .nanoseconds = report.nanoseconds}; // all were told before the time was up
        failed(chunk.first_ + good, 1, chunk.error);
        return {.settled = good + 1, .ran = good, .nanoseconds = report.nanoseconds, .failed = true};
    } catch (...) {
        // What follows cannot be found any more.
        done = std::max(done, chunk.told_);
        failed(chunk.first_ + done, chunk.items - done, in.failure());
        return {.settled = chunk.items, .failed = true};
    }
}

/// The chunk as a whole has ended with an exception, and the results of the items before are not there.
item_flow::told item_flow::tell_of_failure(chunk_task& chunk, const worker::chunk_report& report,
                                           serialization::decoder& in) {
    const std::uint32_t item = std::min(std::max(report.items, chunk.told_), chunk.items - 1);
    const std::exception_ptr why =
        chunk.error ? chunk.error : serialization::decode_exception(in, in.remaining(), chunk.first_ + item);
    const std::uint32_t from = std::max(chunk.told_, ends_with_first_failure() ? item : 0);
    if (from <= item)
        failed(chunk.first_ + from, item + 1 - from, why);
    return {.settled = std::max(item + 1, chunk.told_),
            .ran = report.items,
            .nanoseconds = report.nanoseconds,
            .failed = true};
}

void item_flow::told_early(std::uint32_t items) {
    {
        const std::lock_guard lock(mutex_);
        over_ += items;
    }
    some_over();
    end_if_over(true);
}

void item_flow::end_if_over(bool on_executor) {
    {
        const std::lock_guard lock(mutex_);
        if (ended_ || !no_more_ || over_ != added_ || !live_.empty())
            return;
        ended_ = true;
    }
    if (open_)
        if (const auto still = pool_.lock())
            still->end_operation(kind_);
    ended(on_executor);
}

} // namespace procpool::detail
