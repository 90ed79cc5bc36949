// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_WIRE_CHUNK_KEEPER_HPP
#define PROCPOOL_TESTS_WIRE_CHUNK_KEEPER_HPP

#include <wire/run_sheet.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace procpool::testing {

/// The chunk that was begun last. A test has one worker, whichever thread that is.
inline worker::kept_results current_chunk;

inline void begin_chunk(wire::run_sheet& sheet, std::uint64_t id, std::uint32_t items) {
    current_chunk = sheet.begin_chunk(id, items);
}

inline bool keep(std::span<const std::byte> result) {
    return current_chunk.keep(result.data(), result.size());
}

} // namespace procpool::testing

#endif
