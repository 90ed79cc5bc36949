// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// All that comes from a worker, through a real link with its pipes, shared memory and a process. The process does nothing;
// this plays its part, honestly or not, and the part of the core, which holds the link. As long as the worker is honest,
// every answer arrives and nothing is held against it. Whatever it does, nothing is told that the core could not bear.

#include <fuzz/input.hpp>
#include <fuzz/link_world.hpp>
#include <fuzz/things.hpp>

#include <cstddef>

#include <signal.h>

namespace procpool::fuzz {

void link(bytes given) {
    static const bool pipes_may_break = ::signal(SIGPIPE, SIG_IGN) != SIG_ERR;
    (void)pipes_may_break;
    const std::size_t before = open_descriptors();
    {
        links::world all;
        input in(given);
        while (!in.empty())
            all.step(in);
        all.settle();
        all.end();
        all.check();
    }
    require(open_descriptors() == before, "descriptors are left over");
}

} // namespace procpool::fuzz
