// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_DESCRIPTOR_CHANNEL_HPP
#define PROCPOOL_SYSTEM_DESCRIPTOR_CHANNEL_HPP

#include <system/unique_fd.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace procpool::system {

/// The two ends of a socket through which descriptors go, in both directions.
struct descriptor_channel_ends {
    unique_fd pool;
    unique_fd worker;
};

/// The pool's end does not block, the worker's does. Throws boost::system::system_error.
descriptor_channel_ends make_descriptor_channel();

/// Sends descriptors as one message, the how-manieth is said with it.
/**
 * @return 0, or the system's error: EAGAIN if there is no room just now
 */
int send_descriptors(int socket, std::uint64_t number, std::span<const int> which) noexcept;

enum class received : std::uint8_t {
    all,
    nonsense, ///< they are not there, or not as many, or others
    shortage, ///< this process may not have so many descriptors open: they came, and are gone
    unread,   ///< the system has no memory for them: they are still to come, if anybody wants to go on after that
};

/// Takes what send_descriptors() has sent as its message of this number.
/**
 * @param count how many there should be, from 1 to wire::most_attached
 */
received receive_descriptors(int socket, std::uint64_t number, std::size_t count, std::vector<unique_fd>& which);

} // namespace procpool::system

#endif
