// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_WIRE_HANDSHAKE_HPP
#define PROCPOOL_WIRE_HANDSHAKE_HPP

#include <procpool/wire/payload.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace procpool::wire {

/// A worker's first message: what it is.
struct hello_message {
    std::uint32_t version = 0;
    std::string build_id; ///< of the main program, raw bytes
};

/// The pool's first message: what the worker is to be.
struct setup_message {
    std::uint64_t worker_index = 0;
    std::uint64_t memory_limit = 0; ///< bytes resident, beyond which it is to say that it is worn out; 0: none
    std::uint64_t spin = 0;         ///< so many nanoseconds it is to look out for the next task before it sleeps
};

/// How far a task says that it is.
struct progress_message {
    double fraction = 0;
    std::string text;
};

/// A shared library that calls refer to by number.
struct module_message {
    std::uint16_t number = 0;
    std::string path;
    std::string build_id;
};

payload encode(const hello_message& message);
payload encode(const setup_message& message);
payload encode(const module_message& message);
payload encode(const progress_message& message);

// Each answers nothing if the bytes are not exactly such a message.
std::optional<hello_message> decode_hello(std::span<const std::byte> bytes);
std::optional<setup_message> decode_setup(std::span<const std::byte> bytes);
std::optional<module_message> decode_module(std::span<const std::byte> bytes);
std::optional<progress_message> decode_progress(std::span<const std::byte> bytes);

} // namespace procpool::wire

#endif
