// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <machines/scheduler.hpp>

#include <algorithm>

namespace procpool::machines {

void scheduler::add(schedulable& task) {
    queue_.push_back(task);
    task.state = task_state::waiting;
    note_urgency(task);
}

void scheduler::add_in_front(schedulable& task) {
    queue_.push_front(task);
    task.state = task_state::waiting;
    note_urgency(task);
}

void scheduler::note_urgency(const schedulable& task) noexcept {
    if (task.priority > least_urgent_sent_)
        make_way_ = true;
}

void scheduler::worker_ready(std::uint32_t worker, std::uint64_t allowance) {
    if (worker >= workers_.size()) {
        idle_.reserve(worker + 1U); // so that nothing fails in the middle of what is told later
        open_.make_room(worker + 1);
        workers_.resize(worker + 1);
    }
    workers_[worker].allowance = allowance;
    worker_released(worker);
}

void scheduler::worker_released(std::uint32_t worker) {
    if (workers_[worker].ready)
        return;
    workers_[worker].ready = true;
    ++ready_;
    with_leaving_ -= workers_[worker].tasks.size();
    may_be_idle(worker);
    if (const schedulable* const first = queue_.front())
        note_urgency(*first); // from here on, this worker makes way, too
    for (const schedulable* task = workers_[worker].tasks.front(); task; task = task->next)
        most_urgent_sent_ = std::max(most_urgent_sent_, task->priority);
}

void scheduler::may_be_idle(std::uint32_t worker) {
    const worker_entry& one = workers_[worker];
    if (one.ready && one.tasks.empty() && !one.used_up())
        idle_.push_back(worker);
    reconsider(worker);
}

// After anything about it changed: whether it may be sent more, and how many it has.
void scheduler::reconsider(std::uint32_t worker) {
    const worker_entry& one = workers_[worker];
    if (one.ready && !one.tasks.empty() && !one.has_unread && !one.used_up() &&
        one.tasks.size() < limits_.tasks_ahead && one.bytes < limits_.bytes_ahead)
        open_.place(worker, one.tasks.size());
    else
        open_.remove(worker);
}

void scheduler::worker_leaving(std::uint32_t worker) {
    if (worker >= workers_.size() || !workers_[worker].ready)
        return;
    workers_[worker].ready = false;
    --ready_;
    with_leaving_ += workers_[worker].tasks.size();
    std::erase(idle_, worker);
    reconsider(worker);
    if (recall_from_ == worker)
        to_recall_ = 0;
}

void scheduler::detach(schedulable& task) {
    worker_entry& from = workers_[task.worker];
    from.tasks.remove(task);
    from.bytes -= task.size;
    --with_workers_;
    if (!from.ready)
        --with_leaving_;
    if (task.state == task_state::sent)
        --from.recallable;
    else if (task.state == task_state::recalled)
        --recalls_unanswered_;
    task.state = task_state::fresh;
    may_be_idle(task.worker);
}

void scheduler::finished(schedulable& task) {
    workers_[task.worker].has_unread = false;
    detach(task);
}

bool scheduler::recall_answered(schedulable& task, bool was_not_begun) {
    if (!was_not_begun) {
        --recalls_unanswered_;
        task.state = task_state::started;
        note_started_before(task);
        return true;
    }
    worker_entry& from = workers_[task.worker];
    from.has_unread = true;
    from.given -= std::min<std::uint64_t>(from.given, task.items);
    detach(task);
    if (task.cancelled)
        return false;
    add_in_front(task);
    return true;
}

// So none of them is asked back one by one: a worker that is quicker than its answers are read has begun hundreds.
void scheduler::note_started_before(const schedulable& begun) noexcept {
    for (schedulable* task = begun.previous; task && task->state != task_state::started; task = task->previous) {
        if (task->state != task_state::sent)
            continue; // asked back: the answer is on its way
        task->state = task_state::started;
        --workers_[begun.worker].recallable;
    }
    if (recall_from_ == begun.worker)
        to_recall_ = 0;
}

scheduler::cancel_answer scheduler::cancel(schedulable& task) {
    task.cancelled = true;
    switch (task.state) {
    case task_state::waiting:
        queue_.remove(task);
        task.state = task_state::fresh;
        return cancel_answer::removed;
    case task_state::sent:
        ask_back(task);
        return cancel_answer::recall;
    case task_state::recalled:
        return cancel_answer::recalled;
    case task_state::started:
    case task_state::fresh:
        break;
    }
    return cancel_answer::started;
}

bool scheduler::ask_back(schedulable& task) {
    if (task.state != task_state::sent)
        return false;
    --workers_[task.worker].recallable;
    ++recalls_unanswered_;
    task.state = task_state::recalled;
    return true;
}

schedulable* scheduler::take_waiting() {
    schedulable* task = queue_.pop_front();
    if (task)
        task->state = task_state::fresh;
    return task;
}

task_list scheduler::forget_worker(std::uint32_t worker) {
    if (worker >= workers_.size())
        return {};
    worker_leaving(worker);
    worker_entry& gone = workers_[worker];
    with_workers_ -= gone.tasks.size();
    with_leaving_ -= gone.tasks.size();
    for (const schedulable* task = gone.tasks.front(); task; task = task->next)
        if (task->state == task_state::recalled)
            --recalls_unanswered_;
    task_list had = gone.tasks;
    gone = worker_entry{};
    return had;
}

void scheduler::put_back(task_list& tasks) {
    while (schedulable* task = tasks.back()) {
        tasks.remove(*task);
        add_in_front(*task);
    }
}

// The first task of a worker is taken to be running, whatever is known of it: were it asked back as well, two idle
// workers could pass a single task to and fro before either wakes up.
std::size_t scheduler::behind(const worker_entry& worker) const noexcept {
    const bool first_counts = !worker.tasks.empty() && worker.tasks.front()->state == task_state::sent;
    return worker.recallable - (first_counts ? 1 : 0);
}

scheduler::action scheduler::send(std::uint32_t worker) {
    schedulable* task = queue_.pop_front();
    worker_entry& to = workers_[worker];
    task->state = task_state::sent;
    task->worker = worker;
    to.tasks.push_back(*task);
    to.bytes += task->size;
    to.given += task->items;
    least_urgent_sent_ = std::min(least_urgent_sent_, task->priority);
    if (to.tasks.front() != task)
        most_urgent_sent_ = std::max(most_urgent_sent_, task->priority);
    ++to.recallable;
    ++with_workers_;
    reconsider(worker);
    return {action_kind::send, worker, task};
}

std::optional<scheduler::action> scheduler::next() {
    if (to_recall_ != 0)
        if (auto recall = rebalance())
            return recall;
    if (make_way_)
        if (auto recall = make_way())
            return recall;
    if (!queue_.empty()) {
        if (queue_.front()->priority < most_urgent_sent_)
            if (auto fetch = fetch_urgent())
                return fetch;
        if (!idle_.empty()) {
            const std::uint32_t worker = idle_.back();
            idle_.pop_back();
            return send(worker);
        }
        return send_ahead();
    }
    if (!idle_.empty() && with_workers_ != 0 && recalls_unanswered_ == 0)
        return rebalance();
    return std::nullopt;
}

std::optional<scheduler::action> scheduler::send_ahead() {
    const std::size_t with_ready = with_workers_ - with_leaving_;
    if (ready_ == 0 || with_ready >= ready_ * limits_.tasks_ahead)
        return std::nullopt;
    // Nobody gets more than its share of all that is to be done, so that the last tasks are spread evenly too.
    const std::size_t share = (queue_.size() + with_ready + ready_ - 1) / ready_;
    const schedulable& task = *queue_.front();
    const auto to = open_.first(share, [&](std::uint32_t worker) {
        return workers_[worker].bytes + task.size <= limits_.bytes_ahead && !would_pass_by(task, worker);
    });
    if (!to)
        return std::nullopt;
    return send(*to);
}

// Asks back one of the tasks sent ahead that are less urgent than the next one that waits. The first task of a worker is
// taken to be running.
std::optional<scheduler::action> scheduler::make_way() {
    const schedulable* const urgent = queue_.front();
    if (!urgent) {
        make_way_ = false;
        return std::nullopt;
    }
    int least = std::numeric_limits<int>::max();
    for (std::uint32_t worker = 0; worker != workers_.size(); ++worker) {
        const task_list& tasks = workers_[worker].tasks;
        for (schedulable* task = tasks.back(); task && task != tasks.front(); task = task->previous) {
            if (workers_[worker].ready && task->priority < urgent->priority && ask_back(*task))
                return action{action_kind::recall, worker, task};
            least = std::min(least, task->priority);
        }
        if (tasks.front())
            least = std::min(least, tasks.front()->priority);
    }
    make_way_ = false;
    if (urgent)
        least_urgent_sent_ = least;
    return std::nullopt;
}

// Whether a more urgent task waits behind another worker's first, which this one could be begun before.
bool scheduler::would_pass_by(const schedulable& task, std::uint32_t at) const noexcept {
    if (task.priority >= most_urgent_sent_)
        return false;
    for (std::uint32_t worker = 0; worker != workers_.size(); ++worker) {
        const task_list& tasks = workers_[worker].tasks;
        if (worker == at || !workers_[worker].ready || tasks.empty())
            continue;
        for (const schedulable* other = tasks.front()->next; other; other = other->next)
            if (other->state == task_state::sent && other->priority > task.priority)
                return true;
    }
    return false;
}

// When a worker is idle, asks the most urgent of the tasks behind a first one back, if it is more urgent than the next that
// waits; then it will be the next. What is less urgent is not sent ahead meanwhile: see send_ahead().
std::optional<scheduler::action> scheduler::fetch_urgent() {
    schedulable* urgent = nullptr;
    int most = std::numeric_limits<int>::min();
    for (const worker_entry& one : workers_) {
        if (!one.ready)
            continue;
        for (schedulable* task = one.tasks.front() ? one.tasks.front()->next : nullptr; task; task = task->next) {
            if (task->state != task_state::sent)
                continue;
            most = std::max(most, task->priority);
            if (!urgent || task->priority > urgent->priority)
                urgent = task;
        }
    }
    most_urgent_sent_ = most;
    if (idle_.empty() || recalls_unanswered_ != 0 || !urgent || urgent->priority <= queue_.front()->priority ||
        !ask_back(*urgent))
        return std::nullopt;
    return action{action_kind::recall, urgent->worker, urgent};
}

std::optional<scheduler::action> scheduler::rebalance() {
    if (to_recall_ == 0) {
        std::size_t most = 0;
        for (std::uint32_t worker = 0; worker != workers_.size(); ++worker) {
            const worker_entry& one = workers_[worker];
            if (!one.ready || one.recallable <= most) // behind() looks at a task, which is seldom in the cache
                continue;
            if (const std::size_t here = behind(one); here > most) {
                most = here;
                recall_from_ = worker;
            }
        }
        to_recall_ = (most + 1) / 2;
        if (to_recall_ == 0)
            return std::nullopt;
    }
    // From the end, so that what goes back to the front of the queue keeps its order.
    const worker_entry& from = workers_[recall_from_];
    for (schedulable* task = from.tasks.back(); task && task != from.tasks.front(); task = task->previous) {
        if (ask_back(*task)) {
            --to_recall_;
            return action{action_kind::recall, recall_from_, task};
        }
    }
    to_recall_ = 0;
    return std::nullopt;
}

} // namespace procpool::machines
