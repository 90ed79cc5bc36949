// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/descriptor_message.hpp>

#include <wire/fork_order.hpp>

#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/socket.h>
#include <sys/uio.h>

namespace procpool::system {

namespace {

constexpr std::size_t most = wire::most_forked_descriptors;

// The system wants it aligned like its own header.
template <std::size_t Descriptors>
union control_space {
    cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int) * Descriptors) + CMSG_SPACE(sizeof(ucred))];
};

} // namespace

int send_message(int socket, std::span<const std::byte> bytes, std::span<const int> descriptors) noexcept {
    if (descriptors.size() > most)
        return EINVAL;
    iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()}; // sendmsg does not write to it
    control_space<most> control{};
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
    got.descriptors.reserve(most_in_message);
    iovec part{space.data(), space.size()};
    control_space<most_in_message> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    const ssize_t size = receive(socket, message, MSG_DONTWAIT | MSG_TRUNC);
    if (size < 0) {
        got.error = errno;
        return got;
    }
    got.size = static_cast<std::size_t>(size);
    got.whole = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
    take_descriptors(message, got.descriptors);
    return got;
}

ssize_t receive(int socket, msghdr& message, int flags) noexcept {
    for (int without_memory = 0;;) {
        const ssize_t size = ::recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
        // What was sent is still there then, and so may the memory be a moment later.
        if (size < 0 && (errno == ENOMEM || errno == ENOBUFS) && ++without_memory != 10)
            continue;
        // That the other side has ended without taking all it was sent is said once, before what it sent itself.
        if (size >= 0 || (errno != EINTR && errno != ECONNRESET))
            return size;
    }
}

namespace {

template <class Keep>
void for_each_descriptor(msghdr& message, Keep keep) noexcept {
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t index = 0; index != count; ++index) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(header) + index * sizeof fd, sizeof fd);
            // Were it a socket that is set to linger, to close it would wait for whoever is at its other end.
            const linger at_once{1, 0};
            ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
            keep(unique_fd(fd));
        }
    }
}

} // namespace

void take_descriptors(msghdr& message, std::vector<unique_fd>& to) noexcept {
    for_each_descriptor(message, [&to](unique_fd fd) { to.push_back(std::move(fd)); });
}

void discard_messages(int socket) noexcept {
    // A message that is empty says at least who sent it, which tells it from the end.
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes);
    ::shutdown(socket, SHUT_RDWR);
    for (;;) {
        control_space<most_in_message> control{};
        msghdr message{};
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        if (receive(socket, message, MSG_DONTWAIT) < 0 || message.msg_controllen == 0)
            return;
        for_each_descriptor(message, [](const unique_fd&) {});
    }
}

} // namespace procpool::system
