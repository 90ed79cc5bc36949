// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_CORE_INBOX_HPP
#define PROCPOOL_CORE_INBOX_HPP

#include <procpool/machines/schedulable.hpp>

#include <atomic>

namespace procpool::core {

/// Where submitted tasks wait to be taken over by the core: any thread puts them in, one at a time takes them out.
/**
 * First in, first out, without a lock and without memory of its own. The algorithm is Dmitry Vyukov's intrusive queue for
 * many producers and one consumer: a producer swaps itself in as the last one and then links its predecessor to it.
 * Between the two the chain is cut for a moment; take() then finds nothing and says that it was interrupted().
 *
 * No wake-up is lost: a producer changes `last_` and then looks whether a wake-up was asked for; the core takes that mark
 * away and then looks at `last_`. All four are sequentially consistent, so one of the two sees what the other did.
 */
class inbox {
public:
    inbox() noexcept : last_(&stub_), first_(&stub_) {}
    inbox(const inbox&) = delete;
    inbox& operator=(const inbox&) = delete;

    /// True if the core is to be woken: exactly one of the producers is told so until the core calls waking().
    bool put(machines::schedulable& task) noexcept {
        link(task);
        return !wake_asked_.load(std::memory_order_seq_cst) && !wake_asked_.exchange(true, std::memory_order_seq_cst);
    }

    /// The core is awake; to be called before it looks with take(), so that whatever it then misses wakes it again.
    void waking() noexcept { wake_asked_.store(false, std::memory_order_seq_cst); }

    /// The first task, or null. One caller at a time.
    machines::schedulable* take() noexcept;

    /// Whether the last take() found nothing although a task is being put in: look again soon, nobody will wake you.
    bool interrupted() const noexcept { return interrupted_; }

private:
    void link(machines::schedulable& task) noexcept {
        std::atomic_ref(task.next).store(nullptr, std::memory_order_relaxed);
        machines::schedulable* const previous = last_.exchange(&task, std::memory_order_seq_cst);
        std::atomic_ref(previous->next).store(&task, std::memory_order_release);
    }

    alignas(64) std::atomic<machines::schedulable*> last_;
    std::atomic<bool> wake_asked_{false};
    alignas(64) machines::schedulable* first_;
    machines::schedulable stub_;
    bool interrupted_ = false;
};

} // namespace procpool::core

#endif
