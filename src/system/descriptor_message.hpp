// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_DESCRIPTOR_MESSAGE_HPP
#define PROCPOOL_SYSTEM_DESCRIPTOR_MESSAGE_HPP

#include <system/unique_fd.hpp>

#include <cstddef>
#include <span>
#include <vector>

#include <sys/socket.h>

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

/// So many descriptors the system lets one message carry. There has to be room for all of them, for what finds none is closed
/// by the system, however long that takes.
inline constexpr std::size_t most_in_message = 253;

/// recvmsg, which gets no descriptor that another program would inherit.
ssize_t receive(int socket, msghdr& message, int flags) noexcept;

/// Takes what came with a message into care, and sees to it that whatever it is, to close it does not wait for anybody. There
/// has to be room for most_in_message more.
void take_descriptors(msghdr& message, std::vector<unique_fd>& to) noexcept;

/// Closes all that is still on its way to this end of a socket, to which nobody can send any more afterwards.
void discard_messages(int socket) noexcept;

} // namespace procpool::system

#endif
