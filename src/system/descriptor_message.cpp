// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/descriptor_message.hpp>

#include <wire/fork_order.hpp>

#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/uio.h>

namespace procpool::system {

namespace {

constexpr std::size_t most = wire::most_forked_descriptors;

// The system wants it aligned like its own header.
union control_space {
    cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int) * most)];
};

} // namespace

int send_message(int socket, std::span<const std::byte> bytes, std::span<const int> descriptors) noexcept {
    if (descriptors.size() > most)
        return EINVAL;
    iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()}; // sendmsg does not write to it
    control_space control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!descriptors.empty()) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
        cmsghdr* const header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
        std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
    }
    for (;;) {
        if (::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
            return 0;
        if (errno != EINTR)
            return errno;
    }
}

received_message receive_message(int socket, std::span<std::byte> space) {
    received_message got;
    got.descriptors.reserve(most);
    iovec part{space.data(), space.size()};
    control_space control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    ssize_t size = -1;
    do
        size = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_TRUNC);
    while (size < 0 && errno == EINTR);
    if (size < 0) {
        got.error = errno;
        return got;
    }
    got.size = static_cast<std::size_t>(size);
    got.whole = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t index = 0; index != count; ++index) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(header) + index * sizeof fd, sizeof fd);
            got.descriptors.emplace_back(fd);
        }
    }
    return got;
}

} // namespace procpool::system
