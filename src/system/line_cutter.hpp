// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_LINE_CUTTER_HPP
#define PROCPOOL_SYSTEM_LINE_CUTTER_HPP

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace procpool::system {

/// Cuts text that comes in pieces into lines.
class line_cutter {
public:
    /// A longer line comes in pieces, so that memory is bounded.
    static constexpr std::size_t longest_line = std::size_t{64} * 1024;

    /// The lines, without their ends, that these bytes complete.
    std::vector<std::string> add(std::string_view bytes);

    /// What there is of a line that has no end; empty if there is none.
    std::string take_rest() { return std::exchange(begun_, {}); }

private:
    std::string begun_;
};

} // namespace procpool::system

#endif
