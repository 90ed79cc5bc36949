// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/detail/batch.hpp>

#include <algorithm>
#include <limits>

namespace procpool::detail {

namespace {

// As many bytes make a chunk, however few items they are: enough for the cost of a message not to matter.
constexpr std::size_t bytes_per_chunk = std::size_t{4} << 20;
constexpr std::size_t chunks_per_worker = 4;

std::size_t even_size(std::size_t items, std::size_t workers) {
    return std::max<std::size_t>(1, (items + chunks_per_worker * workers - 1) / (chunks_per_worker * workers));
}

} // namespace

chunk_cutter::chunk_cutter(std::size_t chunk_size, std::size_t expected, std::size_t workers)
    : workers_(workers), chunk_size_(chunk_size != 0 || expected == 0 ? chunk_size : even_size(expected, workers)) {
}

void chunk_cutter::item_ends(std::size_t offset) {
    ++items_;
    if (chunk_size_ == 0) {
        undecided_.push_back(offset);
        return;
    }
    open_.end = offset;
    ++open_.items;
    if (open_.items >= chunk_size_ || open_.end - open_.begin >= bytes_per_chunk ||
        open_.items == std::numeric_limits<std::uint32_t>::max())
        cut();
}

void chunk_cutter::cut() {
    chunks_.push_back(open_);
    open_ = {open_.end, open_.end, 0};
}

std::vector<chunk_cut> chunk_cutter::finish() {
    if (chunk_size_ == 0) {
        chunk_size_ = even_size(items_, workers_);
        items_ = 0;
        for (const std::size_t offset : undecided_)
            item_ends(offset);
    }
    if (open_.items != 0)
        cut();
    return std::move(chunks_);
}

wire::payload chunk_payload(const prepared_batch& batch, const chunk_cut& chunk) {
    wire::payload items = batch.bytes.slice(chunk.begin, chunk.end - chunk.begin);
    if (batch.shared.empty())
        return items;
    wire::payload_builder whole;
    whole.append(batch.shared.data(), batch.shared.size());
    whole.append(items.data(), items.size());
    return whole.finish();
}

} // namespace procpool::detail
