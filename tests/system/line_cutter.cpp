// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/line_cutter.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using procpool::system::line_cutter;

namespace {

using texts = std::vector<std::string>;

/// All lines, with what is left at the end.
texts cut(const texts& pieces) {
    line_cutter cutter;
    texts lines;
    for (const std::string& piece : pieces)
        for (std::string& line : cutter.add(piece))
            lines.push_back(std::move(line));
    if (std::string rest = cutter.take_rest(); !rest.empty())
        lines.push_back(std::move(rest));
    return lines;
}

} // namespace

BOOST_AUTO_TEST_SUITE(lines)

BOOST_AUTO_TEST_CASE(lines_are_the_same_whatever_the_pieces) {
    const std::string text = "one\n\ntwo\nthree";
    const texts whole{"one", "", "two", "three"};
    for (std::size_t first = 0; first <= text.size(); ++first)
        for (std::size_t second = first; second <= text.size(); ++second)
            BOOST_TEST(
                (cut({text.substr(0, first), text.substr(first, second - first), text.substr(second)}) == whole));
}

BOOST_AUTO_TEST_CASE(a_line_that_is_too_long_comes_in_parts) {
    const std::string longest(line_cutter::longest_line, 'x');
    for (std::size_t less = 0; less != 3; ++less) {
        const std::string text = longest.substr(less) + "\n" + longest + "yz\n";
        const texts whole{longest.substr(less), longest, "yz"};
        BOOST_TEST((cut({text}) == whole));
        // In two pieces, one of which ends where a line does or nearly so.
        for (const std::size_t end : {longest.size() - less, 2 * longest.size() - less + 1})
            for (std::size_t at = end - 2; at != end + 3; ++at)
                BOOST_TEST((cut({text.substr(0, at), text.substr(at)}) == whole));
    }
}

BOOST_AUTO_TEST_SUITE_END()
