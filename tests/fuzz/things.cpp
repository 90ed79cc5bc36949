// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <fuzz/things.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <string>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

namespace procpool::fuzz {

namespace {

using system::unique_fd;

constexpr int same_size = F_SEAL_SHRINK | F_SEAL_GROW;
constexpr int as_workers_do = same_size | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;

unique_fd memory(std::size_t size, std::size_t held, int seals) {
    unique_fd made(::memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    require(made && ::ftruncate(made.get(), static_cast<off_t>(size)) == 0 &&
                (held == 0 || ::fallocate(made.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(held)) == 0) &&
                (seals == 0 || ::fcntl(made.get(), F_ADD_SEALS, seals) == 0),
            "there is no memory to hand over");
    return made;
}

unique_fd again(const unique_fd& fd, int how) {
    return unique_fd(::open(("/proc/self/fd/" + std::to_string(fd.get())).c_str(), how | O_CLOEXEC));
}

// A socket with something on its way to a peer that does not read, and which whoever closes it waits for.
thing lingering_socket() {
    const unique_fd listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const where = reinterpret_cast<sockaddr*>(&address);
    const int few = 1;
    ::setsockopt(listening.get(), SOL_SOCKET, SO_RCVBUF, &few, sizeof few);
    thing made{unique_fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), 0, 0, {}, true};
    require(::bind(listening.get(), where, size) == 0 && ::listen(listening.get(), 1) == 0 &&
                ::getsockname(listening.get(), where, &size) == 0 && ::connect(made.fd.get(), where, size) == 0,
            "there is no socket to hand over");
    made.peer = unique_fd(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
    ::setsockopt(made.fd.get(), SOL_SOCKET, SO_SNDBUF, &few, sizeof few);
    const std::array<std::byte, 4096> some{};
    while (::send(made.fd.get(), some.data(), some.size(), MSG_DONTWAIT) > 0) {
    }
    const linger a_second{1, 1};
    ::setsockopt(made.fd.get(), SOL_SOCKET, SO_LINGER, &a_second, sizeof a_second);
    return made;
}

thing one_of_a_pair(int (*make)(int[2])) {
    int ends[2];
    require(make(ends) == 0, "there is nothing to hand over");
    return {unique_fd(ends[0]), 0, 0, unique_fd(ends[1]), false};
}

thing sealed(std::size_t size, std::size_t held) {
    thing made{memory(size, held, as_workers_do), size, 0, {}, false};
    struct stat status {};
    ::fstat(made.fd.get(), &status);
    made.held = static_cast<std::size_t>(status.st_blocks) * 512;
    return made;
}

} // namespace

thing make_thing(input& in) {
    const std::size_t kind = in.choice(20);
    const std::size_t size = 1 + in.number<std::uint16_t>();
    switch (kind) {
    default:
        return sealed(size, size);
    case 6: // not all of it is there
        return sealed(16384 + size, size);
    case 7:
        return sealed(std::size_t{1} << 40, 0);
    case 8: // not or not all sealed
        return {memory(size, size, 0), 0, 0, {}, false};
    case 9:
        return {memory(size, size, F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE), 0, 0, {}, false};
    case 10:
        return {memory(size, size, F_SEAL_GROW | F_SEAL_FUTURE_WRITE), 0, 0, {}, false};
    case 11: // sealed in such a way that older systems do not map it
        return {memory(size, size, same_size | F_SEAL_WRITE), 0, 0, {}, false};
    case 12: // not to be read
        return {again(memory(size, size, as_workers_do), O_WRONLY), 0, 0, {}, false};
    case 13:
        return {again(memory(size, size, as_workers_do), O_PATH), 0, 0, {}, false};
    case 14: // none at all
        return {memory(0, 0, as_workers_do), 0, 0, {}, false};
    case 15:
        return one_of_a_pair([](int ends[2]) { return ::pipe2(ends, O_CLOEXEC); });
    case 16:
        return one_of_a_pair([](int ends[2]) { return ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends); });
    case 17:
        return {
            unique_fd(::open(size % 2 == 0 ? "/dev/null" : "/proc/self/fd", O_RDONLY | O_CLOEXEC)), 0, 0, {}, false};
    case 18:
        return {unique_fd(::eventfd(0, EFD_CLOEXEC)), 0, 0, {}, false};
    case 19:
        return lingering_socket();
    }
}

std::vector<thing> make_things(input& in) {
    const std::size_t count = in.choice(16);
    std::vector<thing> made;
    if (count < 12) {
        for (std::size_t i = 0; i != count % 4; ++i)
            made.push_back(make_thing(in));
        return made;
    }
    // As many as one message takes, about.
    made.push_back(make_thing(in));
    const std::size_t many = 246 + in.choice(8);
    while (made.size() != many)
        made.push_back(
            {unique_fd(::fcntl(made.front().fd.get(), F_DUPFD_CLOEXEC, 3)), made.front().size, made.front().held, {}});
    return made;
}

void handed::add(std::vector<thing>&& which) {
    for (thing& one : which) {
        one.fd = unique_fd();
        if (one.peer)
            all_.push_back(std::move(one));
    }
}

void handed::check() const {
    for (const thing& one : all_) {
        int error = 0;
        socklen_t size = sizeof error;
        if (one.lingers && ::getsockopt(one.peer.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0)
            require(error == ECONNRESET, "something is closed in a way that waits for somebody else");
    }
}

bool hand_over(int socket, bytes said, const std::vector<thing>& which) {
    constexpr std::size_t most = 253; // which the system lets one message carry
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(int) * most)> control{};
    iovec text{const_cast<std::byte*>(said.data()), said.size()}; // sendmsg does not write to it
    msghdr message{};
    message.msg_iov = &text;
    message.msg_iovlen = 1;
    if (!which.empty()) {
        message.msg_control = control.data();
        message.msg_controllen = CMSG_SPACE(sizeof(int) * which.size());
        cmsghdr* const header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * which.size());
        for (std::size_t i = 0; i != which.size(); ++i) {
            const int fd = which[i].fd.get();
            std::memcpy(CMSG_DATA(header) + i * sizeof fd, &fd, sizeof fd);
        }
    }
    return ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

bool hand_over(int socket, std::uint64_t number, const std::vector<thing>& which) {
    return hand_over(socket, std::as_bytes(std::span(&number, 1)), which);
}

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

} // namespace procpool::fuzz
