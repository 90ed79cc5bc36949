// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_BATCH_OPTIONS_HPP
#define PROCPOOL_BATCH_OPTIONS_HPP

#include <cstddef>

namespace procpool {

/// How a batch is to be cut up.
struct batch_options {
    /// How many items travel together, as one task. 0: a quarter of each worker's share, as in Python's Pool.map.
    std::size_t chunk_size = 0;
};

} // namespace procpool

#endif
