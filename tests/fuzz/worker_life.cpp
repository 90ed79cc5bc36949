// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// What may happen to a worker, in any order, as often as it likes and at any distance in time. What must hold is written
// down once, for the test that goes through all short sequences and for this.

#include <fuzz/input.hpp>

#include <machines/worker_life_walker.hpp>

#include <chrono>

namespace procpool::fuzz {

namespace {

using testing::life_event;
using testing::life_walker;

life_walker::duration milliseconds(std::uint64_t count) {
    return std::chrono::milliseconds(count);
}

void require_nothing_wrong(const char* wrong) {
    if (wrong)
        throw violation(std::string("a worker's life: ") + wrong);
}

} // namespace

void worker_life(bytes given) {
    input in(given);
    machines::worker_life::limits limits;
    const std::uint8_t kind = in.number();
    limits.start = milliseconds(in.number<std::uint16_t>());
    limits.exit = milliseconds(in.number<std::uint16_t>());
    limits.has_initializer = (kind & 1) != 0;
    if ((kind & 2) != 0)
        limits.initializer = milliseconds(in.number<std::uint16_t>());

    life_walker life(limits);
    while (!in.empty()) {
        const std::uint8_t word = in.number();
        const auto what = static_cast<life_event>((word & 15) % static_cast<int>(life_event::count));
        // From no time at all to an hour, mostly short.
        const unsigned scale = word >> 4;
        require_nothing_wrong(life.step(what, milliseconds(scale == 0 ? 0 : std::uint64_t{1} << (scale * 3 / 2 - 1))));
    }
    require_nothing_wrong(life.finish());
}

} // namespace procpool::fuzz
