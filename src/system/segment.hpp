// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_SEGMENT_HPP
#define PROCPOOL_SYSTEM_SEGMENT_HPP

#include <procpool/wire/payload.hpp>

#include <system/unique_fd.hpp>

#include <atomic>
#include <cstddef>
#include <memory>

namespace procpool::system {

/// Memory without a name that this process shares with others: one writes, the others read.
/**
 * Its size never changes, and nobody can write to it but the process that made it, for all others get it sealed: they can
 * neither map it writable, nor write to it, nor cut it short, nor make holes in it. So whoever reads in it cannot be made to
 * fault. Only its maker may still change it while others read.
 *
 * Any thread may call any const member.
 */
class segment final : public wire::attachment {
public:
    /// New memory, mapped writable, which others cannot have yet. It takes room only as it is touched. Throws
    /// boost::system::system_error.
    static std::shared_ptr<segment> make(std::size_t size);

    /// Memory that another process has handed over. Null if it is anything else, or not sealed, or part of it is not there.
    /// Nothing is mapped yet.
    static std::shared_ptr<segment> adopt(unique_fd fd);

    segment(unique_fd fd, std::size_t size, std::byte* memory) noexcept
        : fd_(std::move(fd)), size_(size), memory_(memory) {}
    ~segment() override;

    /// Touches memory up to this size, so that it is there when it is used. False if the system has not got so much; then
    /// using it would be fatal.
    bool provide(std::size_t size) noexcept;
    std::size_t provided() const noexcept { return provided_; }

    /// From now on others may have it. Throws boost::system::system_error.
    void seal();

    int fd() const noexcept { return fd_.get(); }
    std::size_t size() const noexcept { return size_; }

    /// Where it is in this process; mapped when first asked for. Throws boost::system::system_error.
    const std::byte* data() const;

    /// Where it can be written to; null if others made it.
    std::byte* writable() noexcept { return made_here_ ? memory_.load(std::memory_order_relaxed) : nullptr; }

    /// Gives up its place in this process until it is asked for again. Nobody may be reading there.
    void unmap() noexcept;

    /// Whether at least so many bytes of it are really there, so that to read them takes no further memory.
    bool holds(std::size_t size) const noexcept;

    /// Whether the process that made it is another one, of which this is a copy.
    bool inherited() const noexcept;

private:
    unique_fd fd_;
    std::size_t size_;
    mutable std::atomic<std::byte*> memory_;
    std::size_t provided_ = 0;
    bool made_here_ = memory_.load(std::memory_order_relaxed) != nullptr;
    int maker_ = 0;
};

} // namespace procpool::system

#endif
