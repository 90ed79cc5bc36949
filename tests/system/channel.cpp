// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/channel.hpp>
#include <system/output_queue.hpp>

#include <boost/system/system_error.hpp>
#include <boost/test/unit_test.hpp>

#include <cstring>
#include <exception>
#include <random>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace procpool;

namespace {

bool close_on_exec(int fd) {
    return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

std::vector<std::byte> bytes_of(std::size_t size, std::mt19937::result_type seed) {
    std::vector<std::byte> bytes(size);
    std::mt19937 random(seed);
    for (std::byte& byte : bytes)
        byte = static_cast<std::byte>(random());
    return bytes;
}

} // namespace

BOOST_AUTO_TEST_SUITE(channel)

BOOST_AUTO_TEST_CASE(every_descriptor_is_close_on_exec_and_above_the_numbers_that_a_worker_finds_its_own_under) {
    // With the low numbers free, as in a program that closed its standard descriptors.
    const int saved = ::fcntl(0, F_DUPFD_CLOEXEC, 100);
    ::close(0);
    {
        const system::pipe_ends pipe = system::make_pipe();
        const system::unique_fd own = system::open_own_process();
        const auto shared = system::shared_mapping::create();
        for (const int fd : {pipe.read.get(), pipe.write.get(), own.get(), shared.fd()}) {
            BOOST_TEST(close_on_exec(fd));
            BOOST_TEST(fd >= system::worker_first_free_fd);
        }
    }
    ::dup2(saved, 0);
    ::close(saved);
}

BOOST_AUTO_TEST_CASE(both_ends_of_the_shared_memory_see_the_same) {
    auto pool = system::shared_mapping::create();
    auto worker = system::shared_mapping::open(system::unique_fd(::fcntl(pool.fd(), F_DUPFD_CLOEXEC, 0)));
    pool->ledger.post(3, 77);
    BOOST_TEST(worker->ledger.claim(3, 77));
    BOOST_TEST(!pool->ledger.withdraw(3, 77));
    BOOST_TEST((pool->ledger.look(3, 77) == wire::ledger_state::running));
}

BOOST_AUTO_TEST_CASE(nobody_can_change_the_size_of_the_shared_memory) {
    auto shared = system::shared_mapping::create();
    BOOST_TEST(::ftruncate(shared.fd(), 0) == -1);
    BOOST_TEST(::ftruncate(shared.fd(), 1 << 20) == -1);
    BOOST_TEST(::fcntl(shared.fd(), F_ADD_SEALS, F_SEAL_WRITE) == -1);
}

BOOST_AUTO_TEST_CASE(memory_of_another_size_is_not_taken_for_the_shared_memory) {
    system::unique_fd other(::memfd_create("other", MFD_CLOEXEC));
    BOOST_TEST(::ftruncate(other.get(), 100) == 0);
    BOOST_CHECK_THROW(system::shared_mapping::open(std::move(other)), boost::system::system_error);
    BOOST_CHECK_THROW(system::shared_mapping::open(system::unique_fd()), boost::system::system_error);
}

BOOST_AUTO_TEST_CASE(running_out_of_descriptors_is_an_error_at_every_step_and_leaks_none) {
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const int next = ::dup(0); // the lowest free number
    ::close(next);
    for (int more = 0; more != 12; ++more) {
        rlimit tight = before;
        tight.rlim_cur = static_cast<rlim_t>(next + more);
        ::setrlimit(RLIMIT_NOFILE, &tight);
        std::exception_ptr caught;
        try {
            const auto shared = system::shared_mapping::create();
            const auto calls = system::make_pipe();
            const auto answers = system::make_pipe();
        } catch (...) {
            caught = std::current_exception(); // looked at when there are descriptors again, which a sanitizer needs
        }
        ::setrlimit(RLIMIT_NOFILE, &before);
        try {
            if (caught)
                std::rethrow_exception(caught);
        } catch (const boost::system::system_error& error) {
            BOOST_TEST(error.code().value() == EMFILE);
        }
        const int now = ::dup(0);
        BOOST_TEST(now == next);
        ::close(now);
    }
}

BOOST_AUTO_TEST_CASE(an_output_queue_gives_out_every_byte_in_order_whatever_pieces_go_in_and_out) {
    std::mt19937 random(7);
    system::output_queue queue;
    std::vector<std::byte> in;
    std::vector<std::byte> out;
    for (int round = 0; round != 2000; ++round) {
        const std::size_t size = round % 50 == 0 ? 200'000 : random() % 300;
        const auto piece = bytes_of(size, random());
        in.insert(in.end(), piece.begin(), piece.end());
        if (round % 2 == 0)
            queue.add(std::span<const std::byte>(piece));
        else
            queue.add(wire::payload(piece));
        if (!queue.empty() && random() % 3 != 0) {
            const auto buffers = queue.next();
            // What was offered stays as it is, whatever is added before it is written.
            queue.add(std::span<const std::byte>(piece));
            in.insert(in.end(), piece.begin(), piece.end());
            std::size_t budget = random() % 100'000;
            std::size_t written = 0;
            for (const auto& buffer : buffers) {
                const std::size_t part = std::min(budget, buffer.size());
                const auto* const data = static_cast<const std::byte*>(buffer.data());
                out.insert(out.end(), data, data + part);
                budget -= part;
                written += part;
            }
            queue.written(written);
        }
    }
    while (!queue.empty()) {
        const auto& buffers = queue.next();
        const auto* const data = static_cast<const std::byte*>(buffers.front().data());
        out.insert(out.end(), data, data + buffers.front().size());
        queue.written(buffers.front().size());
    }
    BOOST_TEST((in == out));
}

BOOST_AUTO_TEST_SUITE_END()
