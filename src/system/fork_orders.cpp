// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/fork_orders.hpp>

#include <system/channel.hpp>
#include <system/child.hpp>
#include <system/failure.hpp>

#include <boost/system/system_error.hpp>

#include <cerrno>
#include <span>
#include <utility>
#include <vector>

#include <sys/socket.h>

namespace procpool::system {

namespace {

const char* describe(wire::fork_step step) noexcept {
    switch (step) {
    case wire::fork_step::reading_order:
        return "taking over its descriptors in the fork server";
    case wire::fork_step::forking:
        return "forking in the fork server";
    case wire::fork_step::done:
        break;
    }
    return "something in the fork server";
}

std::string reason_for(wire::fork_step step, int error) {
    std::string text = describe(step);
    if (error == EAGAIN)
        text += " (there are as many processes and threads as RLIMIT_NPROC or the control group's pids.max allows; see "
                "ulimit -u)";
    try {
        throw_failure(text.c_str(), error);
    } catch (const boost::system::system_error& failure) {
        return failure.what();
    }
}

wire::fork_order order_for(const descriptor_plan& plan, std::vector<int>& descriptors) {
    wire::fork_order order{};
    const auto add = [&](int number, int fd) {
        if (descriptors.size() == order.numbers.size())
            throw_failure("ordering a worker", E2BIG);
        order.numbers[descriptors.size()] = number;
        descriptors.push_back(fd);
    };
    for (const auto& [fd, number] : plan.given())
        add(number, fd);
    for (const auto& [number, fd] : plan.redirected())
        add(number, fd);
    for (const int stream : plan.discarded())
        order.discard |= 1U << stream;
    order.count = static_cast<std::uint32_t>(descriptors.size());
    return order;
}

} // namespace

fork_orders::fork_orders(const boost::asio::any_io_executor& executor, std::weak_ptr<fork_customer> customer)
    : socket_(executor), customer_(std::move(customer)) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        throw_failure("making the socket to a fork server");
    unique_fd own(ends[0]);
    servers_end_ = unique_fd(ends[1]);
    servers_end_ = above_worker_numbers(std::move(servers_end_));
    boost::system::error_code error;
    socket_.assign(own.get(), error);
    if (error)
        throw_failure("watching the socket to a fork server", error.value());
    own.release();
}

void fork_orders::order(prepared_worker worker, pid_t server) {
    std::vector<int> descriptors;
    wire::fork_order order = order_for(worker.descriptors, descriptors);
    order.number = ++orders_;
    server_ = server;
    limits_.pass_on(server);
    await_reply(); // first, for what was sent cannot be taken back
    if (const int error = send_message(socket_.native_handle(), std::as_bytes(std::span(&order, 1)), descriptors)) {
        boost::system::error_code ignored;
        socket_.cancel(ignored);
        throw_failure("ordering a worker of the fork server", error);
    }
    prepared_.emplace(std::move(worker));
    // They are on their way, so their numbers are free for what comes back.
    prepared_->close_workers_ends();
}

void fork_orders::await_reply() {
    socket_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [self = shared_from_this()](const boost::system::error_code& error) {
                           if (error == boost::asio::error::operation_aborted)
                               return;
                           const auto customer = self->customer_.lock();
                           if (!customer)
                               return;
                           customer->begin_turn();
                           if (!self->closed_ && self->prepared_) {
                               self->told_ = customer.get();
                               try {
                                   self->reply_may_be_there();
                               } catch (const std::exception& failure) { // most likely memory ran out
                                   self->give_up(failure.what());
                               }
                               self->told_ = nullptr;
                           }
                           customer->end_turn();
                       });
}

void fork_orders::reply_may_be_there() {
    wire::fork_reply reply{};
    received_message message = receive_message(socket_.native_handle(), std::as_writable_bytes(std::span(&reply, 1)));
    if (message.error == EAGAIN)
        await_reply();
    else if (message.error != 0)
        give_up("nothing could be read from it any more: " + boost::system::system_category().message(message.error));
    else if (message.size == 0)
        told_->orders_ended();
    else if (message.size != sizeof reply || reply.number != orders_)
        give_up("it answered an order that it did not have");
    else
        handle(reply, message);
}

void fork_orders::handle(const wire::fork_reply& reply, received_message& message) {
    if (reply.error != 0) {
        prepared_.reset();
        told_->not_forked(reason_for(reply.doing, reply.error));
        return;
    }
    if (!message.whole && message.descriptors.empty()) {
        give_up("the worker that it forked got lost on the way, for this process has as many descriptors open as "
                "RLIMIT_NOFILE lets it; see ulimit -n");
        return;
    }
    if (message.descriptors.size() != 1) {
        give_up("it answered an order with something that is not a process");
        return;
    }
    const auto pid = claim_child(message.descriptors.front().get(), server_);
    if (!pid) {
        give_up("what it forked is not a child of this process (a pool_options::worker_program that forks, rather than "
                "become the program, cannot be used with start_method::forkserver)");
        return;
    }
    std::shared_ptr<local_link> made;
    try {
        prepared_worker worker = std::move(*prepared_);
        prepared_.reset();
        made = local_link::take_over(socket_.get_executor(), std::move(worker),
                                     {*pid, std::move(message.descriptors.front()), 0});
    } catch (const std::exception& failure) {
        told_->not_forked(failure.what());
        return;
    }
    told_->forked(std::move(made));
}

void fork_orders::give_up(const std::string& how) {
    told_->orders_misunderstood(how);
}

void fork_orders::close() noexcept {
    closed_ = true;
    prepared_.reset();
    if (socket_.is_open())
        discard_messages(socket_.native_handle());
    boost::system::error_code ignored;
    socket_.close(ignored);
}

} // namespace procpool::system
