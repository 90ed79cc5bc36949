// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_CAPTURED_STREAM_HPP
#define PROCPOOL_SYSTEM_CAPTURED_STREAM_HPP

#include <procpool/output.hpp>

#include <system/line_cutter.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <string>
#include <utility>
#include <vector>

namespace procpool::system {

/// The pool's end of a pipe that is a worker's standard output or error.
/**
 * It is waited for and read in two steps, so that nothing that was read is ever on its way elsewhere when the worker ends.
 */
class captured_stream {
public:
    captured_stream(const boost::asio::any_io_executor& executor, output_stream which)
        : which_(which), end_(executor) {}

    /// For the pipe's end to be assigned to, which must not block.
    boost::asio::posix::stream_descriptor& end() noexcept { return end_; }

    output_stream which() const noexcept { return which_; }
    bool is_open() const noexcept { return end_.is_open(); }

    /// Calls the handler with an error_code when there is something to read, or no more comes. One call at a time.
    template <class Handler>
    void async_wait(Handler handler) {
        waiting_ = true;
        end_.async_wait(boost::asio::posix::stream_descriptor::wait_read, std::move(handler));
    }
    bool waiting() const noexcept { return waiting_; }
    void waited() noexcept { waiting_ = false; }

    /// Reads what is there, but not more than some 64 KiB, and answers the lines that are whole. Closed at its end.
    std::vector<std::string> read();

    /// The same when the worker has ended: all that is there. Closes it, though whom the worker left behind may write yet.
    std::vector<std::string> read_the_rest();

    void close() noexcept;

private:
    output_stream which_;
    bool waiting_ = false;
    boost::asio::posix::stream_descriptor end_;
    line_cutter lines_;
};

} // namespace procpool::system

#endif
