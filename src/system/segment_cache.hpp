// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_SEGMENT_CACHE_HPP
#define PROCPOOL_SYSTEM_SEGMENT_CACHE_HPP

#include <procpool/wire/payload.hpp>

#include <system/segment.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace procpool::system {

/// A payload's block that lies in a segment.
struct segment_block : wire::payload::block {
    std::shared_ptr<segment> lies_in;
};

/// Segments for the arguments of tasks. They are used again, since memory that is new costs more than copying does.
/**
 * There is one for all pools of the process: arguments are encoded before anybody knows where they go. It gives out
 * nothing unless there is a pool, and keeps nothing when the last one is gone.
 */
class segment_cache final : public wire::storage {
public:
    /// So much memory is kept for later, beside what is in use.
    static constexpr std::size_t most_kept = std::size_t{256} << 20;

    static segment_cache& instance() noexcept;

    wire::payload::block* take(std::size_t capacity) override;
    void give_back(wire::payload::block* unused) noexcept override;

    /// As long as one exists, there is a pool.
    class user {
    public:
        user() noexcept { instance().users_.fetch_add(1, std::memory_order_acq_rel); }
        user(const user&) = delete;
        user& operator=(const user&) = delete;
        ~user() { instance().user_gone(); }
    };

    /// Changes whenever segments cease to exist.
    std::uint64_t generation() const noexcept { return generation_.load(std::memory_order_acquire); }

    /// The segment that a payload lies in; null if it lies in none.
    static const std::shared_ptr<segment>* segment_of(const wire::payload& bytes) noexcept;

private:
    std::shared_ptr<segment> find(std::size_t capacity) noexcept;
    void user_gone() noexcept;
    void drop(std::vector<std::shared_ptr<segment>> unused) noexcept;

    std::atomic<std::size_t> users_{0};
    std::atomic<std::uint64_t> generation_{0};
    std::mutex mutex_;
    std::vector<std::shared_ptr<segment>> idle_; ///< the one used last at the end
    std::size_t idle_bytes_ = 0;
};

} // namespace procpool::system

#endif
