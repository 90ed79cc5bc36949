// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_INTEGRATION_OWN_PLACE_HPP
#define PROCPOOL_TESTS_INTEGRATION_OWN_PLACE_HPP

#include <procpool/procpool.hpp>

#include <support/proc.hpp>
#include <system/channel.hpp>
#include <wire/ledger.hpp>

#include <cstdint>
#include <stdexcept>

#include <fcntl.h>

namespace procpool::testing {

/// In a worker: the memory that it shares with its pool.
inline system::shared_memory& shared_memory() {
    for (const auto& [address, line] : mappings_of("memfd:procpool-worker"))
        return *reinterpret_cast<system::shared_memory*>(address);
    throw std::runtime_error("the worker shares no memory");
}

/// In a worker: its end of the pipe for calls, which is read (O_RDONLY), or of that for answers, which is written (O_WRONLY).
inline int own_pipe(int direction) {
    for (const auto& [fd, target] : open_descriptors())
        if (fd > 2 && target.starts_with("pipe:") && (::fcntl(fd, F_GETFL) & O_ACCMODE) == direction)
            return fd;
    throw std::runtime_error("the worker has no such pipe");
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
