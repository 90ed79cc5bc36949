// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_OUTPUT_HPP
#define PROCPOOL_OUTPUT_HPP

#include <cstddef>
#include <cstdint>
#include <string>

#include <sys/types.h>

namespace procpool {

/// What becomes of what workers write to one of their standard streams.
enum class output : std::uint8_t {
    inherit, ///< It goes where this program's own goes.
    discard, ///< Nobody gets it.
    capture, ///< The pool reads it: for pool_options::on_output, and the end of standard error for post_mortem.
};

/// One of a worker's standard streams.
enum class output_stream : std::uint8_t { standard_output, standard_error };

/// A line that a worker wrote to a stream that is captured.
struct output_line {
    std::size_t worker;   ///< The worker's index in its pool.
    pid_t pid;            ///< The worker's process id.
    output_stream stream; ///< Where it was written to.
    std::string text;     ///< The line without its end. One of more than 64 KiB comes in several pieces.
};

} // namespace procpool

#endif
