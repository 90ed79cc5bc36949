// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_BATCH_OPTIONS_HPP
#define PROCPOOL_BATCH_OPTIONS_HPP

#include <cstddef>

namespace procpool {

/// How a batch is to be cut up.
/**
 * With g++ 12, give it a name before: braces in the same expression as `co_await` are miscompiled. Later versions do it right.
 */
struct batch_options {
    /// At most so many items travel together, as one task. 0: as many as take about a millisecond, going by what the last ones
    /// took; fewer towards the end.
    /**
     * Either way, a chunk has no more than 1 MiB of arguments, unless a single item has. It ends early once its results take
     * more than 64 KiB or hold a shared_buffer, unless they are reduced to one; and of what a worker has not begun of it, an
     * idle one takes a part.
     */
    std::size_t chunk_size = 0;

    /// Of a stream: how many items may be under way or waiting to be taken. 0: enough to keep the workers busy, and no
    /// more than 8 MiB of arguments. Nothing else has a window.
    std::size_t window = 0;
};

} // namespace procpool

#endif
