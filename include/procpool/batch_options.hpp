// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_BATCH_OPTIONS_HPP
#define PROCPOOL_BATCH_OPTIONS_HPP

#include <cstddef>

namespace procpool {

/// How a batch is to be cut up.
struct batch_options {
    /// How many items travel together, as one task. 0: as many as take about a millisecond, going by what the last ones took; fewer
    /// towards the end.
    std::size_t chunk_size = 0;

    /// Of a stream: how many items may be under way or waiting to be taken. 0: enough to keep the workers busy, and no
    /// more than 8 MiB of arguments.
    std::size_t window = 0;
};

} // namespace procpool

#endif
