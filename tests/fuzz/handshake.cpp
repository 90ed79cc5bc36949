// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// The messages of the handshake, and progress. Each has one encoding, so whatever can be decoded is encoded to the same
// bytes again.

#include <fuzz/input.hpp>
#include <fuzz/memory_watch.hpp>

#include <wire/handshake.hpp>

#include <algorithm>

namespace procpool::fuzz {

namespace {

template <class Decode>
void try_message(bytes given, Decode decode) {
    const memory_watch memory;
    const auto message = decode(given);
    if (message) {
        const wire::payload again = wire::encode(*message);
        require(std::ranges::equal(again.bytes(), given),
                "a message is encoded to other bytes than it was decoded from");
        require(decode(again.bytes()).has_value(), "an encoded message cannot be decoded");
    }
    require(memory.most() <= 16 * given.size() + 4096, "a small message takes much memory");
}

} // namespace

void handshake(bytes given) {
    try_message(given, &wire::decode_hello);
    try_message(given, &wire::decode_setup);
    try_message(given, &wire::decode_module);
    try_message(given, &wire::decode_progress);
}

} // namespace procpool::fuzz
