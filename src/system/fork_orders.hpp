// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_FORK_ORDERS_HPP
#define PROCPOOL_SYSTEM_FORK_ORDERS_HPP

#include <system/descriptor_message.hpp>
#include <system/local_link.hpp>
#include <system/passed_limits.hpp>
#include <system/prepared_worker.hpp>
#include <system/unique_fd.hpp>
#include <wire/fork_order.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace procpool::system {

/// Whoever orders workers of a fork server. Everything is told between begin_turn() and end_turn(), as by a link.
class fork_customer {
public:
    virtual void begin_turn() = 0;
    virtual void end_turn() = 0;

    /// The worker that was ordered is there.
    virtual void forked(std::shared_ptr<local_link> worker) = 0;

    /// It will not come; the next one may.
    virtual void not_forked(const std::string& why) = 0;

    /// The fork server answered what no fork server answers. It is of no use any more, and maybe there is a worker of which
    /// nothing is known: see reap_group.
    virtual void orders_misunderstood(const std::string& how) = 0;

    /// The fork server takes no more orders.
    virtual void orders_ended() = 0;

protected:
    ~fork_customer() = default;
};

/// The socket between a pool and its fork server. All members are called in a turn of the customer's.
/**
 * What comes from the server is not trusted, for the program's own code has run in it.
 */
class fork_orders final : public std::enable_shared_from_this<fork_orders> {
public:
    /// A socket, of which one end is to be given to a fork server. Throws boost::system::system_error.
    fork_orders(const boost::asio::any_io_executor& executor, std::weak_ptr<fork_customer> customer);

    /// The server's end; give it up with close_servers_end() once the server has it.
    int servers_end() const noexcept { return servers_end_.get(); }
    void close_servers_end() noexcept { servers_end_ = unique_fd(); }

    /// Orders a worker. One at a time. Throws boost::system::system_error, and then nothing was ordered.
    /**
     * @param server its process id, which is that of its group as well
     */
    void order(prepared_worker worker, pid_t server);

    /// Whether a worker was ordered of which nothing was heard yet.
    bool outstanding() const noexcept { return prepared_.has_value(); }

    /// Nothing more is told.
    void close() noexcept;

private:
    void await_reply();
    void reply_may_be_there();
    void handle(const wire::fork_reply& reply, received_message& message);
    void give_up(const std::string& how);

    boost::asio::posix::stream_descriptor socket_;
    unique_fd servers_end_;
    std::weak_ptr<fork_customer> customer_;
    fork_customer* told_ = nullptr; ///< the customer, while in a turn
    std::optional<prepared_worker> prepared_;
    passed_limits limits_;
    std::uint64_t orders_ = 0;
    pid_t server_ = -1;
    bool closed_ = false;
};

} // namespace procpool::system

#endif
