// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_CORE_COMPLETION_QUEUE_HPP
#define PROCPOOL_CORE_COMPLETION_QUEUE_HPP

#include <procpool/core/task.hpp>

#include <cstddef>
#include <utility>

namespace procpool::core {

/// What is over and yet to be told, first come first told. Whatever is left at its end is abandoned.
class completion_queue {
public:
    completion_queue() noexcept = default;
    completion_queue(completion_queue&& other) noexcept
        : first_(std::exchange(other.first_, nullptr)), last_(std::exchange(other.last_, nullptr)) {}
    completion_queue& operator=(completion_queue&&) = delete;
    ~completion_queue() {
        while (completion* over = pop())
            over->abandon();
    }

    bool empty() const noexcept { return first_ == nullptr; }

    void push(completion& over) noexcept {
        over.next_done = nullptr;
        (last_ ? last_->next_done : first_) = &over;
        last_ = &over;
    }

    completion* pop() noexcept {
        completion* over = first_;
        if (over) {
            first_ = over->next_done;
            if (!first_)
                last_ = nullptr;
        }
        return over;
    }

    /// Takes one out that is in it.
    void remove(completion& which) noexcept {
        completion_queue others;
        while (completion* const one = pop())
            if (one != &which)
                others.push(*one);
        put_back(others);
    }

    /// Takes the first ones out into a queue of their own.
    completion_queue pop_some(std::size_t most) noexcept {
        completion_queue some;
        for (; most != 0 && first_; --most)
            some.push(*pop());
        return some;
    }

    /// Puts those others in front of its own.
    void put_back(completion_queue& others) noexcept {
        if (others.empty())
            return;
        others.last_->next_done = first_;
        if (!last_)
            last_ = others.last_;
        first_ = std::exchange(others.first_, nullptr);
        others.last_ = nullptr;
    }

private:
    completion* first_ = nullptr;
    completion* last_ = nullptr;
};

} // namespace procpool::core

#endif
