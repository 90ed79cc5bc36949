// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_OUTPUT_QUEUE_HPP
#define PROCPOOL_SYSTEM_OUTPUT_QUEUE_HPP

#include <procpool/wire/payload.hpp>

#include <system/segment.hpp>

#include <boost/asio/buffer.hpp>

#include <cstddef>
#include <deque>
#include <memory>
#include <span>
#include <vector>

namespace procpool::system {

/// The bytes that are yet to be written to a pipe, in order.
/**
 * Short pieces are gathered, so that many of them leave as one write; a large payload is not copied but kept alive until
 * it is written.
 */
class output_queue {
public:
    /// A payload of at least this size is not copied.
    static constexpr std::size_t large = 16 * 1024;

    void add(std::span<const std::byte> bytes);
    void add(const wire::payload& bytes);

    /// Descriptors that are to be sent by other means before anything that is added after them is written.
    void add(std::vector<std::shared_ptr<segment>> descriptors);

    /// What is to be sent by other means before next() is asked; null if nothing is.
    const std::vector<std::shared_ptr<segment>>* due() const noexcept {
        return pieces_.empty() || pieces_.front().descriptors.empty() ? nullptr : &pieces_.front().descriptors;
    }
    void due_sent() { pieces_.pop_front(); }

    bool empty() const noexcept { return pieces_.empty() && gathered_.empty(); }

    /// What to write next. Stays valid and unchanged, whatever is added, until written() is told.
    const std::vector<boost::asio::const_buffer>& next();

    /// So many bytes of what next() answered were written.
    void written(std::size_t size);

    void clear();

private:
    struct piece {
        std::vector<std::byte> gathered;
        wire::payload large;
        std::vector<std::shared_ptr<segment>> descriptors;
        std::span<const std::byte> bytes() const noexcept {
            return large.empty() ? std::span<const std::byte>(gathered) : large.bytes();
        }
    };

    void close_gathered();

    static constexpr std::size_t pieces_per_write = 16;

    std::vector<std::byte> gathered_;
    std::vector<std::byte> spare_; ///< memory to gather into, used before
    std::deque<piece> pieces_;
    std::size_t offset_ = 0; ///< how much of the first piece was written
    std::vector<boost::asio::const_buffer> buffers_;
};

} // namespace procpool::system

#endif
