// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <core/inbox.hpp>

namespace procpool::core {

machines::schedulable* inbox::take() noexcept {
    interrupted_ = false;
    machines::schedulable* first = first_;
    machines::schedulable* second = std::atomic_ref(first->next).load(std::memory_order_acquire);
    if (first == &stub_) {
        if (!second) {
            interrupted_ = last_.load(std::memory_order_seq_cst) != &stub_;
            return nullptr;
        }
        first_ = first = second;
        second = std::atomic_ref(first->next).load(std::memory_order_acquire);
    }
    if (second) {
        first_ = second;
        return first;
    }
    if (first != last_.load(std::memory_order_seq_cst)) {
        interrupted_ = true; // somebody is about to link itself behind it
        return nullptr;
    }
    // The last one can be given away only with something behind it.
    link(stub_);
    second = std::atomic_ref(first->next).load(std::memory_order_acquire);
    if (!second) {
        interrupted_ = true;
        return nullptr;
    }
    first_ = second;
    return first;
}

} // namespace procpool::core
