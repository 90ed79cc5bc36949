// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_DESCRIPTOR_OUTLET_HPP
#define PROCPOOL_SYSTEM_DESCRIPTOR_OUTLET_HPP

#include <system/segment.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace procpool::system {

/// The pool's end of the socket through which descriptors go to a worker, and come from it.
class descriptor_outlet {
public:
    explicit descriptor_outlet(const boost::asio::any_io_executor& executor) : socket_(executor), timer_(executor) {}

    boost::asio::posix::stream_descriptor& socket() noexcept { return socket_; }

    /// Sends them as one message. False if that is not possible just now.
    bool send(const std::vector<std::shared_ptr<segment>>& which);

    /// Calls back when it is worth being tried again, or when the outlet is closed.
    template <class Handler>
    void async_wait(Handler handler) {
        if (full_) {
            socket_.async_wait(boost::asio::posix::stream_descriptor::wait_write,
                               [handler = std::move(handler)](const boost::system::error_code&) { handler(); });
        } else {
            timer_.expires_after(pause);
            timer_.async_wait([handler = std::move(handler)](const boost::system::error_code&) { handler(); });
        }
    }

    void close();

private:
    /// The system does not tell when a user may have more descriptors on their way again.
    static constexpr std::chrono::milliseconds pause{5};

    boost::asio::posix::stream_descriptor socket_;
    boost::asio::steady_timer timer_;
    std::uint64_t sent_ = 0;
    bool full_ = false; ///< it is the socket that has no room
};

} // namespace procpool::system

#endif
