// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_WIRE_DOORBELL_HPP
#define PROCPOOL_TESTS_WIRE_DOORBELL_HPP

#include <array>
#include <chrono>
#include <stdexcept>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace procpool::testing {

/// One thread wakes another with it, as a worker wakes its pool: by a byte in a pipe.
class doorbell {
public:
    doorbell() {
        if (::pipe2(ends_.data(), O_CLOEXEC | O_NONBLOCK) != 0)
            throw std::runtime_error("no pipe could be made");
    }
    doorbell(const doorbell&) = delete;
    doorbell& operator=(const doorbell&) = delete;
    ~doorbell() {
        ::close(ends_[0]);
        ::close(ends_[1]);
    }

    void ring() {
        const char byte = 0;
        if (::write(ends_[1], &byte, 1) != 1)
            throw std::runtime_error("the pipe is full: it was rung far too often");
    }

    /// Blocks until it is rung, and takes one ring away. False if none came within the bound.
    bool wait(std::chrono::milliseconds bound) {
        pollfd until_rung{ends_[0], POLLIN, 0};
        if (::poll(&until_rung, 1, static_cast<int>(bound.count())) != 1)
            return false;
        char byte = 0;
        return ::read(ends_[0], &byte, 1) == 1;
    }

private:
    std::array<int, 2> ends_{};
};

} // namespace procpool::testing

#endif
