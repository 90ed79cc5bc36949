// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/descriptor_channel.hpp>

#include <system/channel.hpp>
#include <system/descriptor_message.hpp>
#include <system/failure.hpp>

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstring>

namespace procpool::system {

namespace {

// Room for what comes with one message, aligned as the system wants it.
union control_space {
    cmsghdr header;
    std::byte bytes[CMSG_SPACE(sizeof(int) * most_in_message)];
};

} // namespace

descriptor_channel_ends make_descriptor_channel() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        throw_failure("making a socket to a worker");
    descriptor_channel_ends made{unique_fd(ends[0]), unique_fd(ends[1])};
    made.pool = above_worker_numbers(std::move(made.pool));
    made.worker = above_worker_numbers(std::move(made.worker));
    set_non_blocking(made.pool.get());
    return made;
}

int send_descriptors(int socket, std::uint64_t number, std::span<const int> which) noexcept {
    control_space control{};
    iovec said{&number, sizeof number};
    msghdr message{};
    message.msg_iov = &said;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * which.size());
    cmsghdr* const first = CMSG_FIRSTHDR(&message);
    first->cmsg_level = SOL_SOCKET;
    first->cmsg_type = SCM_RIGHTS;
    first->cmsg_len = CMSG_LEN(sizeof(int) * which.size());
    std::memcpy(CMSG_DATA(first), which.data(), sizeof(int) * which.size());
    while (::sendmsg(socket, &message, MSG_NOSIGNAL) < 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

received receive_descriptors(int socket, std::uint64_t number, std::size_t count, std::vector<unique_fd>& which) {
    which.clear();
    which.reserve(most_in_message);
    control_space control{};
    std::uint64_t said = 0;
    iovec text{&said, sizeof said};
    msghdr message{};
    message.msg_iov = &text;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    const ssize_t size = receive(socket, message, 0);
    if (size < 0)
        return errno == ENOMEM || errno == ENOBUFS ? received::unread : received::nonsense;
    take_descriptors(message, which); // first of all, whatever they are
    if (size != sizeof said || said != number || which.size() > count)
        return received::nonsense;
    if (which.size() == count)
        return received::all;
    return (message.msg_flags & MSG_CTRUNC) != 0 ? received::shortage : received::nonsense;
}

} // namespace procpool::system
