// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_MACHINES_WAITING_QUEUE_HPP
#define PROCPOOL_MACHINES_WAITING_QUEUE_HPP

#include <machines/task_list.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace procpool::machines {

/// The tasks that wait, by priority: higher ones first, and among equals as they came.
/**
 * Programs use few priorities, most only one. So a list per priority, in a small sorted array, is all there is.
 */
class waiting_queue {
public:
    bool empty() const noexcept { return size_ == 0; }
    std::size_t size() const noexcept { return size_; }

    /// The next one; null if none waits.
    schedulable* front() const noexcept {
        for (const level& one : levels_)
            if (schedulable* const first = one.tasks.front())
                return first;
        return nullptr;
    }

    void push_back(schedulable& task) {
        list_for(task.priority).push_back(task);
        ++size_;
    }

    void push_front(schedulable& task) {
        list_for(task.priority).push_front(task);
        ++size_;
    }

    void remove(schedulable& task) noexcept {
        find(task.priority)->tasks.remove(task);
        --size_;
    }

    schedulable* pop_front() noexcept {
        schedulable* const first = front();
        if (first)
            remove(*first);
        return first;
    }

private:
    struct level {
        int priority;
        task_list tasks;
    };

    static constexpr std::size_t empty_levels_kept = 8;

    std::vector<level>::iterator find(int priority) noexcept {
        return std::lower_bound(levels_.begin(), levels_.end(), priority,
                                [](const level& one, int wanted) { return one.priority > wanted; });
    }

    task_list& list_for(int priority) {
        auto at = find(priority);
        if (at == levels_.end() || at->priority != priority) {
            if (levels_.size() >= empty_levels_kept) {
                std::erase_if(levels_, [](const level& one) { return one.tasks.empty(); });
                at = find(priority);
            }
            at = levels_.insert(at, {priority, {}});
        }
        return at->tasks;
    }

    std::vector<level> levels_; ///< highest priority first
    std::size_t size_ = 0;
};

} // namespace procpool::machines

#endif
