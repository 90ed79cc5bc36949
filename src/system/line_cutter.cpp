// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/line_cutter.hpp>

#include <algorithm>

namespace procpool::system {

std::vector<std::string> line_cutter::add(std::string_view bytes) {
    std::vector<std::string> lines;
    while (!bytes.empty()) {
        const std::size_t room = longest_line - begun_.size();
        const std::size_t end = bytes.find('\n');
        const std::size_t size = std::min({end, room, bytes.size()});
        begun_.append(bytes.substr(0, size));
        const bool whole = size == end;
        bytes.remove_prefix(whole ? size + 1 : size);
        // A line that is as long as may be is not in parts if its end is what comes next.
        if (whole || !bytes.empty())
            lines.push_back(take_rest());
    }
    return lines;
}

} // namespace procpool::system
