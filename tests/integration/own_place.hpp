// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_INTEGRATION_OWN_PLACE_HPP
#define PROCPOOL_TESTS_INTEGRATION_OWN_PLACE_HPP

#include <procpool/procpool.hpp>

#include <system/channel.hpp>
#include <wire/ledger.hpp>

#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>

namespace procpool::testing {

/// In a worker: the memory that it shares with its pool.
inline system::shared_memory& shared_memory() {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);)
        if (line.find("memfd:procpool-worker") != line.npos)
            return *reinterpret_cast<system::shared_memory*>(std::stoull(line, nullptr, 16));
    throw std::runtime_error("the worker shares no memory");
}

struct place {
    std::uint16_t slot;
    std::uint64_t sent; ///< as what the pool knows the task
};

/// In a worker: where the task that runs stands in the ledger.
inline place own_place() {
    const wire::ledger& page = shared_memory().ledger;
    for (std::uint64_t taken_back = 0; taken_back != wire::sending::numbers; ++taken_back) {
        const std::uint64_t sent = wire::sending::of(this_task::id(), taken_back);
        for (std::uint16_t slot = 0; slot != wire::ledger::slots; ++slot)
            if (page.look(slot, sent) == wire::ledger_state::running)
                return {slot, sent};
    }
    throw std::runtime_error("the task is not to be found");
}

} // namespace procpool::testing

#endif
