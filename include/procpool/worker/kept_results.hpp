// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_WORKER_KEPT_RESULTS_HPP
#define PROCPOOL_WORKER_KEPT_RESULTS_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace procpool::worker {

/// The results of a chunk's items that are done, in memory that the pool sees: should the worker die, they are not lost.
/**
 * One word says how many items and how many bytes there are, and of which chunk, so that they change together. This is on the way
 * of every item of a batch, which is why it is all in a header.
 */
class kept_results {
public:
    static constexpr unsigned number_bits = 20;
    static constexpr std::size_t room = 64 * 1024;

    kept_results() noexcept = default;
    kept_results(std::atomic<std::uint64_t>& word, std::byte* space, std::uint32_t tag) noexcept
        : word_(&word), space_(space), value_(std::uint64_t{tag} << (2 * number_bits)) {
        word_->store(value_, std::memory_order_release);
    }

    /// One more item is done, with this result. False if there is no room for it.
    bool keep(const std::byte* result, std::size_t size) noexcept {
        if (room - size_ < size)
            return false;
        if (size == sizeof(std::uint32_t)) // the compiler makes one instruction of these
            std::memcpy(space_ + size_, result, sizeof(std::uint32_t));
        else if (size == sizeof(std::uint64_t))
            std::memcpy(space_ + size_, result, sizeof(std::uint64_t));
        else if (size != 0)
            std::memcpy(space_ + size_, result, size);
        size_ += size;
        ++done_;
        value_ += (std::uint64_t{1} << number_bits) + size;
        word_->store(value_, std::memory_order_release);
        return true;
    }

    std::uint32_t items() const noexcept { return done_; }

private:
    std::atomic<std::uint64_t>* word_ = nullptr;
    std::byte* space_ = nullptr;
    std::uint64_t value_ = 0;
    std::size_t size_ = 0;
    std::uint32_t done_ = 0;
};

} // namespace procpool::worker

#endif
