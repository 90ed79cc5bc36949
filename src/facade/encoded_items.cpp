// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/detail/encoded_items.hpp>

#include <procpool/core/pool_core.hpp>

#include <wire/enclosure.hpp>

#include <algorithm>
#include <bit>

namespace procpool::detail {

void encoded_items::note_end(std::size_t offset) {
    if (ends_.empty())
        for (std::size_t item = 1; item <= count_; ++item)
            ends_.push_back(item * stride_);
    ends_.push_back(offset);
    ++count_;
}

wire::payload encoded_items::chunk(std::size_t first, std::size_t items) const {
    const std::size_t begin = begin_of(first);
    wire::payload arguments = bytes_.slice(begin, begin_of(first + items) - begin);
    if (before_.empty())
        return arguments;
    wire::payload_builder whole(&core::memory_for_arguments());
    whole.append(before_);
    whole.append(arguments);
    return whole.finish();
}

/// So many of them that no more is attached than one message can have; at least one.
std::size_t encoded_items::with_few_attached(std::size_t first, std::size_t most) const noexcept {
    const auto attached = [&](std::size_t end_of) {
        const wire::attachments all = bytes_.attachments();
        const auto before = [&](std::size_t offset) {
            return std::ranges::lower_bound(all.all, offset + all.shift, {}, &wire::attached::at) - all.all.begin();
        };
        return static_cast<std::size_t>(before(end_of) - before(begin_of(first)));
    };
    std::size_t fits = 0; // what is attached never becomes less with more items
    for (std::size_t step = std::bit_floor(most); step != 0; step /= 2)
        if (fits + step <= most && attached(begin_of(first + fits + step)) <= wire::most_attached)
            fits += step;
    return std::max<std::size_t>(fits, 1);
}

std::size_t encoded_items::fitting(std::size_t first, std::size_t most, std::size_t bytes) const noexcept {
    most = std::min(most, count_ - first);
    if (bytes_.owner() && bytes_.owner()->attachments)
        most = with_few_attached(first, most);
    if (ends_.empty())
        return std::clamp<std::size_t>(stride_ == 0 ? most : bytes / stride_, 1, std::max<std::size_t>(most, 1));
    const std::size_t begin = begin_of(first);
    const std::size_t limit = begin + std::min(bytes, ends_.back() - begin);
    const auto from = ends_.begin() + static_cast<std::ptrdiff_t>(first);
    const auto to = std::upper_bound(from, from + static_cast<std::ptrdiff_t>(most), limit);
    return std::max<std::size_t>(static_cast<std::size_t>(to - from), 1);
}

} // namespace procpool::detail
