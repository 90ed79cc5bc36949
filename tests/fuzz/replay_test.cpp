// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// What the fuzzers start from, and what they have found, in the ordinary test runs: each file of the corpus, and what is left
// of it after each of its bytes.

#include <fuzz/subjects.hpp>

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

using namespace procpool;

namespace {

std::vector<std::byte> content_of(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::vector<std::byte> content;
    for (auto at = std::istreambuf_iterator<char>(in); at != std::istreambuf_iterator<char>(); ++at)
        content.push_back(static_cast<std::byte>(*at));
    return content;
}

void replay(const char* name, void (*subject)(fuzz::bytes), std::size_t beginnings) {
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(PROCPOOL_FUZZ_CORPUS) / name)) {
        ++files;
        const std::vector<std::byte> whole = content_of(entry.path());
        const std::size_t step = whole.size() / beginnings + 1;
        for (std::size_t less = 0; less <= whole.size(); less += step) {
            // A copy of its own, so that reading beyond its end is seen.
            const std::vector<std::byte> part(whole.begin(), whole.end() - static_cast<std::ptrdiff_t>(less));
            try {
                subject(part);
            } catch (const fuzz::violation& wrong) {
                BOOST_ERROR(entry.path() << " without its last " << less << " bytes: " << wrong.what());
            }
        }
    }
    BOOST_TEST(files != 0u);
}

} // namespace

BOOST_AUTO_TEST_SUITE(fuzz_replay)

#define PROCPOOL_REPLAY(subject, beginnings)                                                                           \
    BOOST_AUTO_TEST_CASE(subject) {                                                                                    \
        replay(#subject, &fuzz::subject, beginnings);                                                                  \
    }

PROCPOOL_REPLAY(frame_reader, 1000)
PROCPOOL_REPLAY(handshake, 1000)
PROCPOOL_REPLAY(values, 1000)
PROCPOOL_REPLAY(graphs, 1000)
PROCPOOL_REPLAY(exceptions, 1000)
PROCPOOL_REPLAY(worker_life, 1000)
PROCPOOL_REPLAY(shared_memory, 1000)
PROCPOOL_REPLAY(answers, 1000)
PROCPOOL_REPLAY(lines, 1000)
PROCPOOL_REPLAY(enclosures, 100)
PROCPOOL_REPLAY(fork_replies, 8)
PROCPOOL_REPLAY(link, 8) // starts a process each time

BOOST_AUTO_TEST_SUITE_END()
