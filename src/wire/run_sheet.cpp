// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <wire/run_sheet.hpp>

#include <algorithm>
#include <cstring>

namespace procpool::wire {

// The time is believed only if the id is the same before and after.
std::optional<std::uint64_t> run_sheet::began_at(std::uint64_t id) const noexcept {
    if (began_id_.load(std::memory_order_acquire) != id)
        return std::nullopt;
    const std::uint64_t at = began_at_.load(std::memory_order_acquire);
    if (began_id_.load(std::memory_order_relaxed) != id)
        return std::nullopt;
    return at;
}

void run_sheet::began(std::uint64_t id, std::uint64_t at) noexcept {
    if (began_id_.load(std::memory_order_relaxed) != id)
        began_id_.store(0, std::memory_order_relaxed);
    began_at_.store(at, std::memory_order_release);
    began_id_.store(id, std::memory_order_release);
}

std::optional<std::uint32_t> run_sheet::split(std::uint64_t id, std::uint32_t items) noexcept {
    std::uint64_t seen = items_.load(std::memory_order_acquire);
    for (;;) {
        const auto [tag, next, end] = unpack(seen);
        // Of a chunk that was not begun, the first item stays: an answer for none would make no sense.
        if (tag != tag_of(id) || next >= end || end != items || end == 1)
            return std::nullopt;
        const std::uint32_t kept = std::max(next + (end - next) / 2, std::uint32_t{1});
        if (items_.compare_exchange_weak(seen, pack({tag, next, kept}), std::memory_order_acq_rel))
            return kept;
    }
}

std::optional<run_sheet::progress> run_sheet::look(std::uint64_t id, std::uint32_t items) const {
    // In this order: an item is claimed before it is done, so the worker may go on between the two.
    const auto [done_tag, done, size] = unpack(done_.load(std::memory_order_acquire));
    const auto [tag, begun, end] = unpack(items_.load(std::memory_order_acquire));
    if (tag != tag_of(id) || done_tag != tag || begun > end || end > items || done > begun || size > room_for_results)
        return std::nullopt;
    progress now{begun, done, payload(std::span(results_).first(size))};
    // Results are only ever added while one chunk runs, so if it still does, what was copied is whole.
    std::atomic_thread_fence(std::memory_order_acquire);
    if (unpack(done_.load(std::memory_order_relaxed)).tag != tag)
        return std::nullopt;
    return now;
}

worker::kept_results run_sheet::begin_chunk(std::uint64_t id, std::uint32_t items) noexcept {
    worker::kept_results results(done_, results_, tag_of(id));
    // Before any result of this chunk: whoever copies some of those finds out by the tag.
    std::atomic_thread_fence(std::memory_order_release);
    items_.store(pack({tag_of(id), 0, items}), std::memory_order_release);
    return results;
}

std::uint32_t run_sheet::claim(std::uint32_t most) noexcept {
    std::uint64_t seen = items_.load(std::memory_order_acquire);
    for (;;) {
        const auto [tag, next, end] = unpack(seen);
        const std::uint32_t count = std::min(most, end - next);
        if (count == 0 || items_.compare_exchange_weak(seen, pack({tag, next + count, end}), std::memory_order_acq_rel))
            return count;
    }
}

void run_sheet::give_up_rest() noexcept {
    std::uint64_t seen = items_.load(std::memory_order_acquire);
    for (;;) {
        const auto [tag, next, end] = unpack(seen);
        if (items_.compare_exchange_weak(seen, pack({tag, next, next}), std::memory_order_acq_rel))
            return;
    }
}

} // namespace procpool::wire
