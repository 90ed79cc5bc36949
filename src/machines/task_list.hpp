// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_MACHINES_TASK_LIST_HPP
#define PROCPOOL_MACHINES_TASK_LIST_HPP

#include <procpool/machines/schedulable.hpp>

#include <cstddef>

namespace procpool::machines {

/// A doubly linked list of tasks, through the tasks themselves. It owns nothing.
class task_list {
public:
    bool empty() const noexcept { return front_ == nullptr; }
    std::size_t size() const noexcept { return size_; }
    schedulable* front() const noexcept { return front_; }
    schedulable* back() const noexcept { return back_; }

    void push_back(schedulable& task) noexcept {
        task.previous = back_;
        task.next = nullptr;
        (back_ ? back_->next : front_) = &task;
        back_ = &task;
        ++size_;
    }

    void push_front(schedulable& task) noexcept {
        task.next = front_;
        task.previous = nullptr;
        (front_ ? front_->previous : back_) = &task;
        front_ = &task;
        ++size_;
    }

    void remove(schedulable& task) noexcept {
        (task.previous ? task.previous->next : front_) = task.next;
        (task.next ? task.next->previous : back_) = task.previous;
        task.next = task.previous = nullptr;
        --size_;
    }

    schedulable* pop_front() noexcept {
        schedulable* task = front_;
        if (task)
            remove(*task);
        return task;
    }

private:
    schedulable* front_ = nullptr;
    schedulable* back_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace procpool::machines

#endif
