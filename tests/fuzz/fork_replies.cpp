// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// What a fork server answers to the orders that it gets. This plays its part, honestly or not: with processes that it really
// made, others, and whatever else has a descriptor. Each order is answered by a worker exactly if there is one.

#include <fuzz/input.hpp>
#include <fuzz/things.hpp>

#include <system/fork_orders.hpp>
#include <system/prepared_worker.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace procpool::fuzz {

namespace {

using system::unique_fd;

/// A process that does nothing, and has become no other program: a child that a fork server might have made.
class child {
public:
    /// @param group of which it is to be; 0: one of its own
    explicit child(pid_t group) {
        int ends[2];
        require(::pipe2(ends, O_CLOEXEC) == 0, "there is no pipe to be had");
        const unique_fd closed(ends[0]);
        unique_fd open(ends[1]);
        // Its memory is this process's, for to copy that takes long.
        pid_ = ::clone(&do_nothing, stack_.data() + stack_.size(), CLONE_VM | SIGCHLD, nullptr);
        require(pid_ > 1, "there is no process to be had");
        open = {};
        char none = 0;
        while (::read(closed.get(), &none, 1) < 0 && errno == EINTR) { // until it has none of this process's any more
        }
        pidfd_ = unique_fd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
        ::setpgid(pid_, group);
    }
    child(const child&) = delete;
    child& operator=(const child&) = delete;
    ~child() {
        kill();
        siginfo_t info{};
        ::waitid(static_cast<idtype_t>(3), static_cast<id_t>(pidfd_.get()), &info, WEXITED); // unless a link has
    }

    void kill() const { ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0); }
    pid_t pid() const { return pid_; }
    unique_fd pidfd() const { return unique_fd(::fcntl(pidfd_.get(), F_DUPFD_CLOEXEC, 3)); }

private:
    static int do_nothing(void*) {
        ::syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        ::syscall(SYS_close_range, 0U, ~0U, 0U); // no end of anything is to stay open for its sake
        for (;;)
            ::syscall(SYS_ppoll, nullptr, 0, nullptr, nullptr, 0);
    }

    alignas(64) std::array<std::byte, 16384> stack_;
    pid_t pid_ = -1;
    unique_fd pidfd_;
};

enum class outcome { none, forked, not_forked, misunderstood, ended };

/// The core's side. What is wrong is not thrown, for the orders are in between.
class customer final : public system::fork_customer {
public:
    void begin_turn() override { expect(!std::exchange(in_turn_, true), "a turn begins within another"); }
    void end_turn() override { expect(std::exchange(in_turn_, false), "a turn ends that did not begin"); }
    void forked(std::shared_ptr<system::local_link> worker) override {
        told(outcome::forked);
        workers.push_back(std::move(worker));
    }
    void not_forked(const std::string& why) override {
        told(outcome::not_forked);
        expect(!why.empty(), "there is no reason why there is no worker");
    }
    void orders_misunderstood(const std::string&) override { told(outcome::misunderstood); }
    void orders_ended() override { told(outcome::ended); }

    std::vector<std::shared_ptr<system::local_link>> workers;
    outcome last = outcome::none;
    std::string wrong;

private:
    void told(outcome what) {
        expect(in_turn_, "something is told outside of a turn");
        expect(last == outcome::none, "an order is answered twice");
        last = what;
    }
    void expect(bool holds, const char* otherwise) {
        if (!holds && wrong.empty())
            wrong = otherwise;
    }

    bool in_turn_ = false;
};

class pool_and_server {
public:
    pool_and_server() {
        orders_ = std::make_shared<system::fork_orders>(context_.get_executor(), customer_);
        server_end_ = unique_fd(::fcntl(orders_->servers_end(), F_DUPFD_CLOEXEC, 3));
        orders_->close_servers_end();
    }

    void step(input& in) {
        switch (in.choice(8)) {
        case 0:
        case 1:
            order(in);
            break;
        case 2: // as it should be
            reply({orders_given_, 0, wire::fork_step::done}, sizeof(wire::fork_reply), new_child(), {});
            break;
        case 3:
        case 4:
            forge(in);
            break;
        case 5:
            if (in.choice(8) == 0)
                server_end_ = {};
            break;
        case 6: // what it was sent
            take_orders();
            break;
        default:
            settle();
        }
    }

    void settle() {
        context_.restart();
        while (context_.poll() != 0) {
        }
        if (!customer_->wrong.empty())
            throw violation(customer_->wrong);
        const outcome wanted = expected();
        require(customer_->last == wanted, "an order is answered otherwise than it should be");
        if (wanted == outcome::forked)
            require(customer_->workers.back()->pid() == claimed_, "a worker is another process than was forked");
        if (wanted != outcome::none) {
            ordered_ = false;
            over_ = wanted == outcome::misunderstood || wanted == outcome::ended;
            customer_->last = outcome::none;
        }
    }

    void end() {
        settle();
        customer_->begin_turn();
        orders_->close();
        for (const auto& worker : customer_->workers)
            worker->destroy(std::chrono::seconds(20));
        customer_->end_turn();
        customer_->workers.clear();
        orders_.reset();
        settle();
        handed_.check();
    }

private:
    void take_orders() {
        std::array<std::byte, 256> some;
        while (server_end_ && ::recv(server_end_.get(), some.data(), some.size(), MSG_DONTWAIT) > 0) {
        }
    }

    void order(input& in) {
        if (ordered_ || over_)
            return;
        system::worker_command command;
        command.standard_output = in.choice(2) == 0 ? output::capture : output::discard;
        const unique_fd own_process = system::open_own_process();
        customer_->begin_turn();
        try {
            orders_->order(system::prepare_worker(command, own_process.get()), server_.pid());
            ordered_ = true;
        } catch (const boost::system::system_error&) {
            over_ = true;
        }
        customer_->end_turn();
        ++orders_given_;
        require(ordered_ || !server_end_, "an order cannot be given");
        require(orders_->outstanding() == ordered_, "it is not known whether an order was given");
    }

    /// The process that is offered next, in the server's group.
    const child* new_child() {
        if (children_.size() < 8) // they cost the most
            children_.push_back(std::make_unique<child>(server_.pid()));
        return children_.back().get();
    }

    void forge(input& in) {
        const std::uint8_t how = in.number();
        wire::fork_reply said{orders_given_, 0, static_cast<wire::fork_step>(in.number() % 8)};
        if ((how & 3) == 3)
            said.number += in.number<std::uint64_t>() % 4 - 2;
        if ((how & 12) == 12)
            said.error = static_cast<std::int32_t>(in.number<std::uint32_t>());
        const std::size_t size = (how & 48) == 48 ? in.choice(40) : sizeof said;
        const child* offered = nullptr;
        std::vector<thing> things;
        switch (in.choice(8)) {
        case 0:
            offered = new_child();
            break;
        case 1:
            offered = new_child();
            offered->kill();
            break;
        case 2: // the same once more
            offered = children_.empty() ? nullptr : children_.back().get();
            break;
        case 3:
            offered = &server_;
            break;
        case 4:
            offered = &stranger_;
            break;
        case 5: // this process
            things.push_back({system::open_own_process(), 0, 0, {}, false});
            break;
        default:
            things = make_things(in);
        }
        if ((how & 192) == 192)
            things.push_back(make_thing(in));
        reply(said, size, offered, std::move(things));
    }

    void reply(const wire::fork_reply& said, std::size_t size, const child* offered, std::vector<thing> which) {
        if (offered)
            which.insert(which.begin(), thing{offered->pidfd(), 0, 0, {}, false});
        if (which.size() > 253 || !server_end_)
            return;
        std::vector<std::byte> text(64);
        std::memcpy(text.data(), &said, sizeof said);
        if (!hand_over(server_end_.get(), bytes(text).first(size), which))
            return;
        under_way_.push_back({said, size, which.size(), offered});
        handed_.add(std::move(which));
    }

    /// What the next message means for the order that is given.
    outcome expected() {
        if (!ordered_)
            return outcome::none;
        if (under_way_.empty())
            return server_end_ ? outcome::none : outcome::ended;
        const message next = under_way_.front();
        under_way_.pop_front();
        if (next.size == 0)
            return outcome::ended;
        if (next.size != sizeof next.said || next.said.number != orders_given_)
            return outcome::misunderstood;
        if (next.said.error != 0)
            return outcome::not_forked;
        const bool made_by_server =
            next.offered && next.offered != &server_ && next.offered != &stranger_ && next.descriptors == 1;
        if (!made_by_server || !all_claimed_.insert(next.offered->pid()).second)
            return outcome::misunderstood;
        claimed_ = next.offered->pid();
        return outcome::forked;
    }

    struct message {
        wire::fork_reply said;
        std::size_t size;
        std::size_t descriptors;
        const child* offered;
    };

    boost::asio::io_context context_;
    std::shared_ptr<customer> customer_ = std::make_shared<customer>();
    std::shared_ptr<system::fork_orders> orders_;
    child server_{0};
    child stranger_{0};
    std::vector<std::unique_ptr<child>> children_;
    unique_fd server_end_;
    std::deque<message> under_way_;
    handed handed_;
    std::set<pid_t> all_claimed_;
    pid_t claimed_ = -1;
    std::uint64_t orders_given_ = 0;
    bool ordered_ = false;
    bool over_ = false;
};

} // namespace

void fork_replies(bytes given) {
    const std::size_t before = open_descriptors();
    {
        input in(given);
        pool_and_server both;
        while (!in.empty())
            both.step(in);
        both.end();
    }
    require(open_descriptors() == before, "descriptors are left over");
}

} // namespace procpool::fuzz
