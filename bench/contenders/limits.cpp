// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// What the machine itself can do, as a contender of scripts/bench: posting to threads, messages through pipes, copying memory,
// starting a process.

#include "work.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/writable_pipe.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <atomic>
#include <cstring>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace asio = boost::asio;

namespace {

constexpr std::size_t message_size = 64;
using message = std::array<char, message_size>;

double post(std::size_t count) {
    asio::thread_pool threads(2);
    std::atomic<std::size_t> sum = 0;
    const auto begin = bench::clock::now();
    for (std::size_t i = 0; i != count; ++i)
        asio::post(threads, [&sum, i] { sum.fetch_add(i + 1, std::memory_order_relaxed); });
    threads.join();
    const double took = bench::seconds_since(begin);
    bench::require(sum == count * (count + 1) / 2, "a result is wrong");
    return took;
}

/// A child that sends back what it gets, until there is no more.
class echo {
public:
    echo() {
        int to[2];
        int from[2];
        bench::require(::pipe2(to, O_CLOEXEC) == 0 && ::pipe2(from, O_CLOEXEC) == 0, "no pipe");
        child_ = ::fork();
        if (child_ == 0) {
            ::close(to[1]);
            ::close(from[0]);
            std::array<char, 65536> bytes;
            for (ssize_t size; (size = ::read(to[0], bytes.data(), bytes.size())) > 0;)
                for (ssize_t sent = 0; sent != size;)
                    sent += ::write(from[1], bytes.data() + sent, static_cast<std::size_t>(size - sent));
            ::_exit(0);
        }
        ::close(to[0]);
        ::close(from[1]);
        out = to[1];
        in = from[0];
    }
    echo(const echo&) = delete;
    echo& operator=(const echo&) = delete;
    ~echo() {
        ::close(out);
        ::close(in);
        ::waitpid(child_, nullptr, 0);
    }

    int out;
    int in;

private:
    pid_t child_;
};

asio::awaitable<void> ping(asio::writable_pipe& out, asio::readable_pipe& in, std::size_t count,
                           std::vector<double>& times) {
    message bytes{};
    for (std::size_t i = 0; i != count; ++i) {
        const auto begin = bench::clock::now();
        co_await asio::async_write(out, asio::buffer(bytes), asio::use_awaitable);
        co_await asio::async_read(in, asio::buffer(bytes), asio::use_awaitable);
        times.push_back(bench::seconds_since(begin));
    }
}

/// One message at a time, there and back, by a coroutine over Asio's pipes.
double coroutine_ping_pong(std::size_t count) {
    const echo other;
    asio::io_context context;
    asio::writable_pipe out(context, ::fcntl(other.out, F_DUPFD_CLOEXEC, 3));
    asio::readable_pipe in(context, ::fcntl(other.in, F_DUPFD_CLOEXEC, 3));
    std::vector<double> times;
    asio::co_spawn(context, ping(out, in, count, times), asio::detached);
    context.run();
    return bench::median(std::move(times));
}

/// The same by plain reads and writes that block.
double ping_pong(std::size_t count) {
    const echo other;
    std::vector<double> times;
    message bytes{};
    for (std::size_t i = 0; i != count; ++i) {
        const auto begin = bench::clock::now();
        bench::require(::write(other.out, bytes.data(), bytes.size()) == message_size, "a write failed");
        bench::require(::read(other.in, bytes.data(), bytes.size()) == message_size, "a read failed");
        times.push_back(bench::seconds_since(begin));
    }
    return bench::median(std::move(times));
}

/// Messages one after the other without waiting for their coming back, 512 on the way at most.
double pipelined(std::size_t count) {
    const echo other;
    std::array<char, 512 * message_size> bytes{};
    const auto begin = bench::clock::now();
    for (std::size_t left = count * message_size; left != 0;) {
        const std::size_t size = std::min(left, bytes.size());
        for (std::size_t sent = 0; sent != size; sent += message_size)
            bench::require(::write(other.out, bytes.data() + sent, message_size) == message_size, "a write failed");
        for (std::size_t received = 0; received != size;)
            received += static_cast<std::size_t>(::read(other.in, bytes.data(), size - received));
        left -= size;
    }
    return bench::seconds_since(begin);
}

double copy(std::size_t size) {
    static std::vector<char> from;
    static std::vector<char> to;
    from.resize(size, 'x');
    to.resize(size, 'y');
    const auto begin = bench::clock::now();
    std::memcpy(to.data(), from.data(), size);
    const double took = bench::seconds_since(begin);
    bench::require(to.back() == 'x', "not copied");
    return took;
}

std::string self;

/// This program, started to end at once, and waited for.
double spawn(std::size_t) {
    std::string argument = "end";
    char* argv[] = {self.data(), argument.data(), nullptr};
    const auto begin = bench::clock::now();
    pid_t child = 0;
    bench::require(::posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, argv, environ) == 0, "no process");
    ::waitpid(child, nullptr, 0);
    return bench::seconds_since(begin);
}

} // namespace

int main(int argc, char** argv) {
    if (argc > 1)
        return 0;
    self = argv[0];
    return bench::serve({
        {"post", post},
        {"posts", [](std::size_t count) { return bench::again_and_again(post, count); }},
        {"coroutine_ping_pong", coroutine_ping_pong},
        {"ping_pong", ping_pong},
        {"pipelined", pipelined},
        {"copy", copy},
        {"spawn", spawn},
    });
}
