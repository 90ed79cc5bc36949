// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_DETAIL_ENCODED_ITEMS_HPP
#define PROCPOOL_DETAIL_ENCODED_ITEMS_HPP

#include <procpool/wire/payload.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace procpool::detail {

/// The arguments of several calls of one function, encoded one after the other.
class encoded_items {
public:
    /// @param before what has to stand in front of every chunk: of a function object with a state
    explicit encoded_items(wire::payload before = {}) noexcept : before_(std::move(before)) {}

    /// One more item, which ends here.
    void item_ends(std::size_t offset) {
        if (count_ == 0)
            stride_ = offset;
        if (ends_.empty() && offset == (count_ + 1) * stride_) {
            ++count_;
            return;
        }
        note_end(offset);
    }

    /// So many items at once, all of that size.
    void items_of(std::size_t size, std::size_t count) noexcept {
        stride_ = size;
        count_ = count;
    }

    void bytes(wire::payload all) noexcept { bytes_ = std::move(all); }

    std::size_t size() const noexcept { return count_; }

    /// The bytes of a chunk. Copied only if something has to stand in front of them.
    wire::payload chunk(std::size_t first, std::size_t items) const;

    /// How many items from this one on take no more bytes than that; at least one.
    std::size_t fitting(std::size_t first, std::size_t most, std::size_t bytes) const noexcept;

private:
    void note_end(std::size_t offset);
    std::size_t with_few_attached(std::size_t first, std::size_t most) const noexcept;
    std::size_t begin_of(std::size_t item) const noexcept {
        return ends_.empty() ? item * stride_ : item == 0 ? 0 : ends_[item - 1];
    }

    wire::payload before_;
    wire::payload bytes_;
    std::size_t count_ = 0;
    std::size_t stride_ = 0;        ///< of all items, as long as all take as many bytes
    std::vector<std::size_t> ends_; ///< empty until one does not
};

} // namespace procpool::detail

#endif
