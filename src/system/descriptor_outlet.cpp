// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/descriptor_outlet.hpp>

#include <system/descriptor_channel.hpp>
#include <system/descriptor_message.hpp>

#include <cerrno>

namespace procpool::system {

bool descriptor_outlet::send(const std::vector<std::shared_ptr<segment>>& which) {
    std::vector<int> descriptors;
    descriptors.reserve(which.size());
    for (const auto& one : which)
        descriptors.push_back(one->fd());
    const int error = send_descriptors(socket_.native_handle(), sent_ + 1, descriptors);
    full_ = error == EAGAIN;
    if (full_ || error == ETOOMANYREFS || error == ENOMEM || error == ENOBUFS)
        return false;
    // Any other error means that the worker is gone, or has closed its end: writing to the pipe will tell, or the worker will.
    ++sent_;
    return true;
}

void descriptor_outlet::close() {
    if (socket_.is_open())
        discard_messages(socket_.native_handle());
    boost::system::error_code ignored;
    socket_.close(ignored);
    timer_.cancel();
}

} // namespace procpool::system
