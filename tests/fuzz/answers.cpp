// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// The answers to the chunks of batches and streams, which say how many items they are of. This plays the core's part: it
// divides chunks, takes results before the end, and lets workers die, as the core does when a worker says what the input
// says. Whatever it says, every item comes to an end once, and so does the operation; and if it says the truth, the results
// are right.

#include <fuzz/input.hpp>

#include <procpool/detail/batch.hpp>
#include <procpool/detail/stream_flow.hpp>
#include <procpool/error.hpp>
#include <procpool/serialization/serialization.hpp>

#include <wire/run_sheet.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

namespace procpool::fuzz {

namespace {

namespace asio = boost::asio;
using worker::chunk_report;

std::exception_ptr aborted() {
    return std::make_exception_ptr(boost::system::system_error(asio::error::operation_aborted));
}

/// A pool whose workers are the fuzzer's input.
class desk final : public core::pool_core {
public:
    struct chunk {
        core::task* task;
        std::uint32_t first; ///< its first item
    };

    const asio::any_io_executor& executor() const noexcept override { return executor_; }
    std::size_t workers() const noexcept override { return 2; }
    std::uint64_t submit(core::task& submitted) override {
        take(submitted);
        return submitted.id;
    }
    void cancel(std::span<const std::shared_ptr<core::task_cancellation>> which, asio::cancellation_type) override {
        for (const auto& one : which)
            if (core::task* const task = one->target())
                task->cancelled = true;
    }
    std::exception_ptr begin_operation(core::operation_kind) override { return nullptr; }
    void end_operation(core::operation_kind) override { ++operations_ended; }
    void distrust(const core::task&) noexcept override {}
    void close() override {}
    void terminate() override {}
    void join(core::waiter&) override {}
    void shut_down(std::chrono::milliseconds, core::waiter&) override {}
    void wait_for_room(core::waiter&) override {}
    void cancel_wait(core::wait_cancellation&) override {}
    pool_stats stats() const override { return {}; }
    bool destroy() override { return true; }
    bool destroyed() const noexcept override { return false; }
    bool all_told() const override { return true; }

    std::vector<chunk> chunks; ///< those that workers have
    int operations_ended = 0;

    /// A chunk is over, as it says itself.
    void over(core::task& task) {
        std::erase_if(chunks, [&](const chunk& one) { return one.task == &task; });
        task.cancellation->forget();
        task.complete();
    }

    /// The items of a chunk from this one on become another.
    void divide(core::task& task, std::uint32_t first) {
        if (core::task* const part = task.divide(first)) {
            part->cancelled = task.cancelled;
            take(*part);
        }
    }

private:
    void take(core::task& task) {
        task.id = ++last_id_;
        std::uint32_t first = 0;
        require(task.bytes.size() == task.items * sizeof first, "a chunk's arguments are not those of its items");
        std::memcpy(&first, task.bytes.data(), sizeof first);
        chunks.push_back({&task, first});
    }

    asio::io_context context_;
    asio::any_io_executor executor_ = context_.get_executor();
    std::uint64_t last_id_ = 0;
};

/// What somebody who waits was told.
template <class R>
struct told {
    int times = 0;
    detail::settled<R> what;
    std::function<void(asio::cancellation_type)> cancel;
};

template <class R>
class listener final : public detail::receiver<R> {
public:
    static detail::receiver_ptr<R> make(std::shared_ptr<told<R>> record) {
        return detail::receiver_ptr<R>(new listener(std::move(record)));
    }
    void complete(detail::settled<R>&& result) override {
        const std::unique_ptr<listener> self(this);
        ++record_->times;
        record_->what = std::move(result);
    }
    void complete_later(detail::settled<R>&& result) override { complete(std::move(result)); }
    void abandon() noexcept override { delete this; }
    void on_cancel(std::function<void(asio::cancellation_type)> request) override {
        record_->cancel = std::move(request);
    }

private:
    explicit listener(std::shared_ptr<told<R>> record) : detail::receiver<R>(true, true), record_(std::move(record)) {}
    std::shared_ptr<told<R>> record_;
};

std::string result_of(std::uint32_t item) {
    return "r" + std::to_string(item);
}

/// An operation of one kind or the other, whose items are numbers and whose function is result_of().
class operation {
public:
    virtual ~operation() = default;

    /// What a worker writes for so many items.
    virtual void write(wire::payload_builder& into, std::uint32_t first, std::uint32_t items) const = 0;

    /// Whoever uses it does something else than wait.
    virtual void use(std::size_t how) = 0;

    virtual bool is_over() const = 0;

    /// What was told in the end. If all went well, it is to be what the function returns.
    virtual void check(bool all_went_well) = 0;

    bool interfered = false; ///< whoever uses it has called something off
};

template <class Result>
class batch_operation : public operation {
public:
    template <class Flow, class... More>
    void start(const std::shared_ptr<desk>& pool, std::uint32_t items, std::size_t chunk_size, bool joint,
               More... more) {
        std::vector<std::uint32_t> numbers(items);
        std::iota(numbers.begin(), numbers.end(), 0U);
        detail::prepared_batch prepared{
            {1, 1, joint}, {.chunk_size = chunk_size}, std::make_shared<detail::encoded_items>(), {}};
        prepared.items->items_of(sizeof(std::uint32_t), items);
        prepared.items->bytes(wire::payload(std::as_bytes(std::span(numbers))));
        auto flow = std::make_shared<Flow>(pool, prepared, nullptr, listener<Result>::make(told_), more...);
        Flow::start(std::move(flow), std::move(prepared));
    }

    void use(std::size_t how) override {
        interfered = true;
        if (told_->times == 0)
            told_->cancel(how % 2 == 0 ? asio::cancellation_type::total : asio::cancellation_type::partial);
    }
    bool is_over() const override { return told_->times != 0; }
    void check(bool all_went_well) override {
        require(told_->times == 1, "a batch does not end, or ends twice");
        require((told_->what.error != nullptr) != told_->what.value.has_value(),
                "a batch ends with neither result nor error");
        if (all_went_well)
            require(told_->what.value && is_right(*told_->what.value), "a batch has another result");
    }

protected:
    virtual bool is_right(const Result& result) const = 0;

private:
    std::shared_ptr<told<Result>> told_ = std::make_shared<told<Result>>();
};

class mapping final : public batch_operation<std::vector<std::string>> {
public:
    mapping(const std::shared_ptr<desk>& pool, std::uint32_t items, std::size_t chunk_size) : items_(items) {
        start<detail::map_flow<std::string>>(pool, items, chunk_size, false);
    }
    void write(wire::payload_builder& into, std::uint32_t first, std::uint32_t items) const override {
        serialization::encoder to(into);
        for (std::uint32_t item = first; item != first + items; ++item)
            to(result_of(item));
    }

private:
    bool is_right(const std::vector<std::string>& result) const override {
        std::uint32_t item = 0;
        return result.size() == items_ &&
               std::ranges::all_of(result, [&](const auto& one) { return one == result_of(item++); });
    }
    std::uint32_t items_;
};

class mapping_numbers final : public batch_operation<std::vector<std::uint64_t>> {
public:
    mapping_numbers(const std::shared_ptr<desk>& pool, std::uint32_t items, std::size_t chunk_size) : items_(items) {
        start<detail::map_flow<std::uint64_t>>(pool, items, chunk_size, false);
    }
    void write(wire::payload_builder& into, std::uint32_t first, std::uint32_t items) const override {
        serialization::encoder to(into);
        for (std::uint64_t item = first; item != first + items; ++item)
            to(item);
    }

private:
    bool is_right(const std::vector<std::uint64_t>& result) const override {
        std::uint64_t item = 0;
        return result.size() == items_ && std::ranges::all_of(result, [&](std::uint64_t one) { return one == item++; });
    }
    std::uint32_t items_;
};

class settling final : public batch_operation<std::vector<outcome<std::string>>> {
public:
    settling(const std::shared_ptr<desk>& pool, std::uint32_t items, std::size_t chunk_size) : items_(items) {
        start<detail::settled_flow<std::string>>(pool, items, chunk_size, false);
    }
    void write(wire::payload_builder& into, std::uint32_t first, std::uint32_t items) const override {
        serialization::encoder to(into);
        for (std::uint32_t item = first; item != first + items; ++item) {
            to.boolean(true);
            detail::encode_with_size(into, to, result_of(item));
        }
    }

private:
    bool is_right(const std::vector<outcome<std::string>>& result) const override {
        std::uint32_t item = 0;
        return result.size() == items_ &&
               std::ranges::all_of(result, [&](const auto& one) { return one && *one == result_of(item++); });
    }
    std::uint32_t items_;
};

class adding final : public batch_operation<std::uint64_t> {
public:
    adding(const std::shared_ptr<desk>& pool, std::uint32_t items, std::size_t chunk_size) : items_(items) {
        start<detail::reduce_flow<std::uint64_t, std::plus<>>>(pool, items, chunk_size, true, std::uint64_t{0},
                                                               std::plus<>());
    }
    void write(wire::payload_builder& into, std::uint32_t first, std::uint32_t items) const override {
        serialization::encoder to(into);
        std::uint64_t sum = 0;
        for (std::uint32_t item = first; item != first + items; ++item)
            sum += item;
        to(sum);
    }

private:
    bool is_right(const std::uint64_t& result) const override {
        return result == std::uint64_t{items_} * (items_ - 1) / 2;
    }
    std::uint32_t items_;
};

class streaming final : public operation {
    using flow = detail::stream_flow<std::string>;
    using value = std::optional<std::string>;

public:
    streaming(const std::shared_ptr<desk>& pool, std::uint32_t items, std::size_t chunk_size, bool in_order)
        : items_(items), in_order_(in_order),
          flow_(std::make_shared<flow>(pool, detail::flow_call{1, 1, false},
                                       batch_options{.chunk_size = chunk_size, .window = items}, in_order,
                                       std::make_unique<numbers>(items))) {
        flow_->start(nullptr);
        wait();
    }

    void write(wire::payload_builder& into, std::uint32_t first, std::uint32_t items) const override {
        serialization::encoder to(into);
        for (std::uint32_t item = first; item != first + items; ++item) {
            to.boolean(true);
            detail::encode_with_size(into, to, result_of(item));
        }
    }

    void use(std::size_t how) override {
        switch (how % 8) {
        case 0:
            interfered = true;
            flow_->drop();
            break;
        case 1:
            interfered = true;
            if (waits_.back()->times == 0)
                waits_.back()->cancel(asio::cancellation_type::terminal);
            break;
        default:
            wait();
        }
    }

    bool is_over() const override {
        return std::ranges::any_of(
            waits_, [](const auto& one) { return one->times != 0 && one->what.value && !*one->what.value; });
    }

    void check(bool all_went_well) override {
        flow_->drop(); // whoever still waits is told
        std::vector<std::string> results;
        for (const auto& one : waits_) {
            require(one->times == 1, "somebody who waits for a stream's next result is not told, or told twice");
            if (one->what.value && *one->what.value)
                results.push_back(**one->what.value);
        }
        require(results.size() <= items_, "a stream has more results than items");
        if (!all_went_well)
            return;
        if (!in_order_)
            std::ranges::sort(results);
        std::vector<std::string> right(items_);
        for (std::uint32_t item = 0; item != items_; ++item)
            right[item] = result_of(item);
        if (!in_order_)
            std::ranges::sort(right);
        require(results == right, "a stream has other results");
    }

    void wait() {
        waits_.push_back(std::make_shared<told<value>>());
        flow_->next(listener<value>::make(waits_.back()));
    }

    /// Everybody who waits was told.
    bool idle() const { return waits_.back()->times != 0; }

private:
    class numbers final : public detail::stream_input {
    public:
        explicit numbers(std::uint32_t end) : end_(end) {}
        bool pull(serialization::encoder& out, std::exception_ptr&) override {
            if (next_ == end_)
                return false;
            out(next_++);
            return true;
        }
        wire::payload before() const override { return {}; }

    private:
        std::uint32_t next_ = 0;
        std::uint32_t end_;
    };

    std::uint32_t items_;
    bool in_order_;
    std::shared_ptr<flow> flow_;
    std::vector<std::shared_ptr<told<value>>> waits_;
};

/// What the workers do.
class workers {
public:
    workers(desk& pool, operation& of) : desk_(pool), operation_(of) {}

    bool all_went_well = true;

    void step(input& in) {
        if (desk_.chunks.empty()) {
            operation_.use(2);
            return;
        }
        const desk::chunk& one = desk_.chunks[in.choice(desk_.chunks.size())];
        core::task& task = *one.task;
        switch (in.choice(12)) {
        case 0:
            answer(task, results(one, task.items), task.items);
            break;
        case 1: { // the first items, the others were not begun
            const std::uint32_t items = 1 + static_cast<std::uint32_t>(in.choice(task.items));
            if (!task.joint_result && items >= told_of(task))
                answer(task, results(one, items), items);
            break;
        }
        case 2: { // any answer
            all_went_well = false;
            task.failed = in.choice(2) == 0;
            const std::uint32_t items = in.number() < 200 ? in.number() : in.number<std::uint32_t>();
            answer(task, wire::payload(in.some(in.number())), items);
            break;
        }
        case 3: // not even a report
            all_went_well = false;
            task.failed = in.choice(2) == 0;
            task.answered = true;
            task.bytes = wire::payload(in.some(in.number()));
            desk_.over(task);
            break;
        case 4: { // an item has failed
            all_went_well = false;
            task.failed = true;
            const auto items = static_cast<std::uint32_t>(in.choice(task.items));
            answer(task, serialization::encode_exception(std::make_exception_ptr(std::runtime_error("x"))), items);
            break;
        }
        case 5:
            die(one, in);
            break;
        case 6: // an idle worker takes a part
            if (task.items > 1)
                desk_.divide(task, 1 + static_cast<std::uint32_t>(in.choice(task.items - 1)));
            break;
        case 7:
        case 8:
            look(one, in);
            break;
        case 9: // the core has given it up
            all_went_well = false;
            task.error = in.choice(4) == 0 ? std::make_exception_ptr(pool_error(errc::pool_terminated)) : aborted();
            desk_.over(task);
            break;
        case 10: { // it was late, and has answered after all
            all_went_well = false;
            task.error = std::make_exception_ptr(pool_error(errc::timed_out));
            const std::uint32_t items = static_cast<std::uint32_t>(in.choice(task.items + std::size_t{1}));
            answer(task, results(one, items), items);
            break;
        }
        default:
            operation_.use(in.number());
        }
    }

    /// The core does not leave anything lying, and the workers behave from now on.
    void finish() {
        for (int steps = 0; !desk_.chunks.empty(); ++steps) {
            require(steps < 10000, "an operation does not come to an end");
            const desk::chunk one = desk_.chunks.front();
            if (one.task->cancelled) {
                one.task->error = aborted();
                desk_.over(*one.task);
            } else {
                answer(*one.task, results(one, one.task->items), one.task->items);
            }
        }
    }

private:
    wire::payload results(const desk::chunk& of, std::uint32_t items) const {
        wire::payload_builder builder;
        operation_.write(builder, of.first, items);
        return builder.finish();
    }

    /// So many items were told of by look().
    std::uint32_t told_of(const core::task& task) const {
        const auto found = told_.find(task.id);
        return found == told_.end() ? 0 : found->second;
    }

    void answer(core::task& task, const wire::payload& what, std::uint32_t items) {
        wire::payload_builder whole;
        const chunk_report report{items, 0, 1000};
        whole.append(&report, sizeof report);
        whole.append(what.data(), what.size());
        task.bytes = whole.finish();
        task.answered = true;
        desk_.over(task);
    }

    /// What a worker has left in its run sheet, as far as the core believes it.
    struct progress {
        std::uint32_t done;
        std::uint32_t begun;
        wire::payload results;
    };
    progress found(const desk::chunk& of, input& in) {
        progress now{};
        now.done = static_cast<std::uint32_t>(in.choice(of.task->items + std::size_t{1}));
        now.begun = now.done + static_cast<std::uint32_t>(in.choice(of.task->items - now.done + std::size_t{1}));
        if (in.choice(4) == 0) {
            all_went_well = false;
            now.results = wire::payload(in.some(in.number()));
        } else {
            now.done = std::max(now.done, told_of(*of.task));
            now.begun = std::max(now.begun, now.done);
            now.results = results(of, now.done);
        }
        return now;
    }

    void die(const desk::chunk& of, input& in) {
        core::task& task = *of.task;
        all_went_well = false;
        const progress now = task.joint_result ? progress{0, 1, {}} : found(of, in);
        const bool in_item = now.begun > now.done || now.done == 0;
        const std::uint32_t behind = task.joint_result ? task.items : now.done + (in_item ? 1 : 0);
        if (behind < task.items)
            desk_.divide(task, behind);
        if (in_item)
            task.error = std::make_exception_ptr(worker_died(post_mortem()));
        if (task.joint_result)
            desk_.over(task);
        else
            answer(task, now.results, now.done);
    }

    /// Results are wanted before the end.
    void look(const desk::chunk& of, input& in) {
        core::task& task = *of.task;
        if (!task.wants_so_far())
            return;
        const progress now = found(of, in);
        if (now.done == 0)
            return;
        told_[task.id] = std::max(told_[task.id], now.done);
        if (core::completion* const early = task.so_far(now.done, now.results))
            early->complete();
    }

    desk& desk_;
    operation& operation_;
    std::map<std::uint64_t, std::uint32_t> told_;
};

std::unique_ptr<operation> any_operation(const std::shared_ptr<desk>& pool, input& in) {
    const std::size_t kind = in.choice(6);
    const std::uint32_t items = 1 + static_cast<std::uint32_t>(in.choice(40));
    const std::size_t chunk_size = in.choice(12);
    switch (kind) {
    case 0:
        return std::make_unique<mapping>(pool, items, chunk_size);
    case 1:
        return std::make_unique<mapping_numbers>(pool, items, chunk_size);
    case 2:
        return std::make_unique<settling>(pool, items, chunk_size);
    case 3:
        return std::make_unique<adding>(pool, items, chunk_size);
    default:
        return std::make_unique<streaming>(pool, items, chunk_size, kind == 4);
    }
}

} // namespace

void answers(bytes given) {
    input in(given);
    const auto pool = std::make_shared<desk>();
    const auto started = any_operation(pool, in);
    workers all(*pool, *started);
    while (!in.empty() && !started->is_over())
        all.step(in);
    all.finish();
    if (auto* const stream = dynamic_cast<streaming*>(started.get())) {
        for (int waits = 0; !stream->is_over() && !stream->interfered; ++waits) {
            require(waits < 1000, "a stream does not end");
            stream->wait();
            all.finish();
            require(stream->idle(), "a stream does not go on although its workers have nothing to do");
        }
    }
    started->check(all.all_went_well && !started->interfered);
    all.finish(); // what a stream that was dropped had under way
    require(pool->operations_ended == 1, "an operation does not end for its pool, or ends twice");
}

} // namespace procpool::fuzz
