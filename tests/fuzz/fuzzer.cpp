// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// What libFuzzer calls. Compiled once for each subject.

#include <fuzz/subjects.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        procpool::fuzz::PROCPOOL_FUZZ_SUBJECT(std::as_bytes(std::span(data, size)));
    } catch (const procpool::fuzz::violation& wrong) {
        std::fprintf(stderr, "VIOLATION: %s\n", wrong.what().c_str());
        std::abort();
    }
    return 0;
}
