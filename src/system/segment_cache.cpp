// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/segment_cache.hpp>

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <bit>
#include <new>

namespace procpool::system {

namespace {

// Few sizes, so that a segment fits again. What is not touched takes no memory.
constexpr std::size_t least_size = std::size_t{1} << 20;
constexpr std::size_t greatest_size = std::size_t{2} << 30;

} // namespace

segment_cache& segment_cache::instance() noexcept {
    // Never destroyed: a payload may outlive everything else.
    alignas(segment_cache) static std::byte place[sizeof(segment_cache)]; // not on the heap, which may be full
    static segment_cache& the_one = *::new (static_cast<void*>(place)) segment_cache;
    return the_one;
}

std::shared_ptr<segment> segment_cache::find(std::size_t capacity) noexcept {
    const std::lock_guard lock(mutex_);
    // Best one that has touched enough, else the one that has touched most; of those alike, the one used last.
    auto best = idle_.end();
    const auto better = [capacity](const segment& one, const segment& other) {
        const bool enough = one.provided() >= capacity;
        if (enough != (other.provided() >= capacity))
            return enough;
        return enough ? one.provided() <= other.provided() : one.provided() >= other.provided();
    };
    for (auto at = idle_.begin(); at != idle_.end(); ++at)
        if ((*at)->size() >= capacity && (best == idle_.end() || better(**at, **best)))
            best = at;
    if (best == idle_.end())
        return nullptr;
    std::shared_ptr<segment> found = std::move(*best);
    idle_.erase(best);
    idle_bytes_ -= found->provided();
    return found;
}

wire::payload::block* segment_cache::take(std::size_t capacity) {
    if (users_.load(std::memory_order_acquire) == 0 || capacity > greatest_size)
        return nullptr;
    auto block = std::make_unique<segment_block>();
    std::shared_ptr<segment> found = find(capacity);
    if (found && found->inherited())
        found.reset(); // this is a copy of the process, and the memory is still the original's
    try {
        if (!found) {
            found = segment::make(std::max(std::bit_ceil(capacity), least_size));
            found->seal();
        }
    } catch (const boost::system::system_error&) {
        return nullptr; // the heap will do
    }
    if (!found->provide(capacity))
        return nullptr;
    block->capacity = capacity;
    block->memory = found->writable();
    block->from = this;
    block->lies_in = std::move(found);
    return block.release();
}

void segment_cache::give_back(wire::payload::block* unused) noexcept {
    const std::unique_ptr<segment_block> block(static_cast<segment_block*>(unused));
    std::vector<std::shared_ptr<segment>> dropped;
    try {
        const std::lock_guard lock(mutex_);
        const std::size_t size = block->lies_in->provided();
        if (users_.load(std::memory_order_acquire) != 0 && size <= most_kept && !block->lies_in->inherited()) {
            idle_.reserve(idle_.size() + 1);
            dropped.reserve(idle_.size());
            while (idle_bytes_ + size > most_kept) {
                idle_bytes_ -= idle_.front()->provided();
                dropped.push_back(std::move(idle_.front()));
                idle_.erase(idle_.begin());
            }
            idle_.push_back(std::move(block->lies_in));
            idle_bytes_ += size;
        }
    } catch (const std::bad_alloc&) {
        // Then it is not kept.
    }
    if (block->lies_in || !dropped.empty()) {
        block->lies_in.reset();
        drop(std::move(dropped));
    }
}

void segment_cache::user_gone() noexcept {
    std::vector<std::shared_ptr<segment>> dropped;
    {
        const std::lock_guard lock(mutex_);
        if (users_.fetch_sub(1, std::memory_order_acq_rel) != 1)
            return;
        dropped.swap(idle_);
        idle_bytes_ = 0;
    }
    drop(std::move(dropped));
}

void segment_cache::drop(std::vector<std::shared_ptr<segment>> unused) noexcept {
    unused.clear();
    generation_.fetch_add(1, std::memory_order_acq_rel);
}

const std::shared_ptr<segment>* segment_cache::segment_of(const wire::payload& bytes) noexcept {
    const wire::payload::block* const owner = bytes.owner();
    return owner && owner->from == &instance() ? &static_cast<const segment_block*>(owner)->lies_in : nullptr;
}

} // namespace procpool::system
