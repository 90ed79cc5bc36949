// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_FUZZ_SUBJECTS_HPP
#define PROCPOOL_TESTS_FUZZ_SUBJECTS_HPP

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>

/// What the fuzzers try out. Each subject takes any bytes at all, and throws `violation` if something is not as it has to be.
/**
 * The fuzzers call one subject each, and the replaying test all of them, so they are ordinary functions. All of them are
 * linked into each fuzzer: which classes a program carries pointers to decides how it encodes them, and so the seeds would
 * mean something else in one program than in the other.
 */
namespace procpool::fuzz {

using bytes = std::span<const std::byte>;

/// Something that must hold whatever the bytes are does not. Not a std::exception, so that nobody takes it for one of the library's.
class violation {
public:
    explicit violation(std::string what) : what_(std::move(what)) {}
    const std::string& what() const noexcept { return what_; }

private:
    std::string what_;
};

inline void require(bool holds, const char* otherwise) {
    if (!holds)
        throw violation(otherwise);
}

void frame_reader(bytes input);  ///< a stream of bytes, cut into frames
void handshake(bytes input);     ///< the small messages
void values(bytes input);        ///< values without pointers
void graphs(bytes input);        ///< objects that point to one another
void exceptions(bytes input);    ///< exceptions
void worker_life(bytes input);   ///< what happens to a worker, in any order
void shared_memory(bytes input); ///< ring, ledger and run sheet, and a worker that writes into them what it likes
void answers(bytes input);       ///< answers to the chunks of batches and streams
void lines(bytes input);         ///< what a worker prints
void enclosures(bytes input);    ///< what a worker says of memory and hands over
void fork_replies(bytes input);  ///< what a fork server answers
void link(bytes input);          ///< all that comes from a worker, together

} // namespace procpool::fuzz

#endif
