// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/captured_stream.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

namespace procpool::system {

namespace {

constexpr std::size_t piece = std::size_t{16} * 1024;
constexpr std::size_t most_at_once = std::size_t{64} * 1024;

/// What a read found: at least one byte, or 0 at the end, or -1 if nothing is there now.
ssize_t read_piece(int fd, std::array<char, piece>& into) {
    for (;;) {
        const ssize_t size = ::read(fd, into.data(), into.size());
        if (size >= 0 || errno == EAGAIN || errno == EWOULDBLOCK)
            return size;
        if (errno != EINTR)
            return 0; // nothing more will come of it
    }
}

void add(std::vector<std::string>& to, std::vector<std::string>&& lines) {
    for (std::string& line : lines)
        to.push_back(std::move(line));
}

} // namespace

std::vector<std::string> captured_stream::read() {
    std::vector<std::string> lines;
    std::array<char, piece> bytes;
    for (std::size_t count = 0; count < most_at_once && is_open();) {
        const ssize_t size = read_piece(end_.native_handle(), bytes);
        if (size < 0)
            break;
        if (size == 0) {
            if (std::string rest = lines_.take_rest(); !rest.empty())
                lines.push_back(std::move(rest));
            close();
            break;
        }
        add(lines, lines_.add(std::string_view(bytes.data(), static_cast<std::size_t>(size))));
        count += static_cast<std::size_t>(size);
    }
    return lines;
}

std::vector<std::string> captured_stream::read_the_rest() {
    std::vector<std::string> lines;
    std::array<char, piece> bytes;
    const int capacity = is_open() ? ::fcntl(end_.native_handle(), F_GETPIPE_SZ) : 0;
    for (int left = capacity; left > 0;) {
        const ssize_t size = read_piece(end_.native_handle(), bytes);
        if (size <= 0)
            break;
        add(lines, lines_.add(std::string_view(bytes.data(), static_cast<std::size_t>(size))));
        left -= static_cast<int>(size);
    }
    if (std::string rest = lines_.take_rest(); !rest.empty())
        lines.push_back(std::move(rest));
    close();
    return lines;
}

void captured_stream::close() noexcept {
    boost::system::error_code ignored;
    end_.close(ignored);
}

} // namespace procpool::system
