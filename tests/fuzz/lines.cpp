// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// What a worker prints, in pieces of any size. Whatever the pieces, the lines are those of the whole text, and those that are
// too long come in parts.

#include <fuzz/input.hpp>

#include <system/line_cutter.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace procpool::fuzz {

namespace {

constexpr std::size_t longest = system::line_cutter::longest_line;

/// The lines as they have to come.
std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        std::size_t at = 0;
        do { // an empty line is one too
            lines.emplace_back(line.substr(at, longest));
            at += longest;
        } while (at < line.size());
    }
    return lines;
}

} // namespace

void lines(bytes given) {
    input in(given);
    // Runs of one character each, for lines can be long. And where to cut, which may be in the middle of a run.
    std::string text;
    std::vector<std::size_t> cuts;
    while (!in.empty() && text.size() < 4 * longest) {
        const char what = static_cast<char>(in.number());
        const std::uint8_t how = in.number();
        std::size_t size = how >> 2;
        if ((how & 2) != 0) { // about as long as a line may be
            const std::size_t begun = (text.size() - (text.rfind('\n') + 1)) % longest;
            const std::size_t wanted = longest - 2 + size % 5;
            size = wanted - std::min(wanted, begun);
        }
        text.append(size, what);
        if ((how & 1) != 0)
            cuts.push_back(text.size());
    }

    system::line_cutter cutter;
    std::vector<std::string> found;
    const auto add = [&](std::string_view piece) {
        for (std::string& line : cutter.add(piece))
            found.push_back(std::move(line));
    };
    std::size_t at = 0;
    for (const std::size_t cut : cuts) {
        add(std::string_view(text).substr(at, cut - at));
        at = cut;
    }
    add(std::string_view(text).substr(at));
    if (std::string rest = cutter.take_rest(); !rest.empty())
        found.push_back(std::move(rest));

    require(std::ranges::all_of(found, [](const std::string& line) { return line.size() <= longest; }),
            "a line is longer than any may be");
    require(found == lines_of(text), "lines depend on the pieces in which they come");
}

} // namespace procpool::fuzz
