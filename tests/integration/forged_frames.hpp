// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_INTEGRATION_FORGED_FRAMES_HPP
#define PROCPOOL_TESTS_INTEGRATION_FORGED_FRAMES_HPP

#include <integration/own_place.hpp>

#include <wire/frame.hpp>

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <stdexcept>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

// How a task in a worker says what it likes to the pool, past the worker.

namespace procpool::testing {

inline void write_all(std::span<const std::byte> bytes) {
    const int fd = own_pipe(O_WRONLY);
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written <= 0)
            throw std::runtime_error("cannot write to the pool");
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
}

inline void write_header(std::uint32_t size, wire::frame_kind kind, std::uint16_t slot, std::uint64_t id) {
    const wire::frame_header header{size, kind, 0, slot, id};
    write_all(std::as_bytes(std::span(&header, 1)));
}

inline std::vector<std::byte> garbage(std::size_t size, unsigned seed) {
    std::vector<std::byte> bytes(size);
    std::mt19937 random(seed);
    for (std::byte& byte : bytes)
        byte = static_cast<std::byte>(random());
    return bytes;
}

[[noreturn]] inline void wait_for_the_end() {
    for (;;)
        ::pause();
}

} // namespace procpool::testing

#endif
