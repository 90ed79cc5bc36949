// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_FUZZ_THINGS_HPP
#define PROCPOOL_TESTS_FUZZ_THINGS_HPP

#include <fuzz/input.hpp>

#include <system/unique_fd.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace procpool::fuzz {

/// Something with a descriptor that a worker hands over.
struct thing {
    system::unique_fd fd;
    std::size_t size = 0;   ///< 0 if it is not memory that the pool may believe
    std::size_t held = 0;   ///< so much of the memory is really there
    system::unique_fd peer; ///< what it is connected to, should it be that
    bool lingers = false;   ///< to close it would wait
};

/// Memory as a worker hands it over, or what looks like that, or anything else.
thing make_thing(input& in);

/// So many of them; sometimes far more, all of them the same.
std::vector<thing> make_things(input& in);

/// What is left of things that were handed over.
class handed {
public:
    void add(std::vector<thing>&& which);

    /// After the pool has closed all it had: nothing was closed in a way that waits.
    void check() const;

private:
    std::vector<thing> all_; ///< without what was handed over itself
};

/// Sends them as one message, without waiting. False if there is no room.
bool hand_over(int socket, bytes said, const std::vector<thing>& which);

/// The same as a worker does that says the how-manieth message it is.
bool hand_over(int socket, std::uint64_t number, const std::vector<thing>& which);

/// How many descriptors this process has open.
std::size_t open_descriptors();

} // namespace procpool::fuzz

#endif
