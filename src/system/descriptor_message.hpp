// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_DESCRIPTOR_MESSAGE_HPP
#define PROCPOOL_SYSTEM_DESCRIPTOR_MESSAGE_HPP

#include <system/unique_fd.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace procpool::system {

/// A message that came with descriptors.
struct received_message {
    int error = 0;        ///< of the system; then there is nothing else
    std::size_t size = 0; ///< how long it was, which may be more than there was room for; 0 if no more come
    bool whole = true;    ///< false if something of it got lost: bytes, or descriptors for which there was no room
    std::vector<unique_fd> descriptors; ///< which no other program inherits
};

/// Sends a message with descriptors over a socket that keeps messages apart, without waiting. 0, or the system's error.
int send_message(int socket, std::span<const std::byte> bytes, std::span<const int> descriptors) noexcept;

/// Receives one, without waiting. Throws std::bad_alloc.
received_message receive_message(int socket, std::span<std::byte> space);

} // namespace procpool::system

#endif
