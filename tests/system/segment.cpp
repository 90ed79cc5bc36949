// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/descriptor_channel.hpp>
#include <system/descriptor_message.hpp>
#include <system/segment.hpp>
#include <system/segment_cache.hpp>
#include <wire/enclosure.hpp>

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace procpool;
using system::segment_cache;

namespace {

system::unique_fd copy_of(int fd) {
    return system::unique_fd(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

} // namespace

BOOST_AUTO_TEST_SUITE(segments)

BOOST_AUTO_TEST_CASE(what_the_maker_writes_others_read_and_cannot_change) {
    const auto made = system::segment::make(100'000);
    BOOST_REQUIRE(made->provide(50'000));
    std::memset(made->writable(), 7, 50'000);
    BOOST_TEST(!system::segment::adopt(copy_of(made->fd()))); // not sealed yet
    made->seal();
    const auto adopted = system::segment::adopt(copy_of(made->fd()));
    BOOST_REQUIRE(adopted);
    BOOST_TEST(adopted->size() == 100'000u);
    BOOST_TEST(!adopted->writable());
    BOOST_TEST(std::to_integer<int>(adopted->data()[49'999]) == 7);
    std::memset(made->writable(), 8, 10);
    BOOST_TEST(std::to_integer<int>(adopted->data()[0]) == 8);
    BOOST_TEST(adopted->holds(50'000));
    BOOST_TEST(!adopted->holds(100'000));
    BOOST_TEST((::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, adopted->fd(), 0) == MAP_FAILED));
    BOOST_TEST(::pwrite(adopted->fd(), "x", 1, 0) < 0);
    BOOST_TEST(::ftruncate(adopted->fd(), 10) < 0);
    BOOST_TEST(::fallocate(adopted->fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) < 0);
    BOOST_TEST(::madvise(made->writable(), 4096, MADV_REMOVE) < 0);
}

BOOST_AUTO_TEST_CASE(other_things_are_not_adopted) {
    int ends[2];
    BOOST_REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const system::unique_fd other(ends[1]);
    BOOST_TEST(!system::segment::adopt(system::unique_fd(ends[0])));
    const system::unique_fd plain(::memfd_create("plain", MFD_CLOEXEC));
    BOOST_REQUIRE(::ftruncate(plain.get(), 4096) == 0);
    BOOST_TEST(!system::segment::adopt(copy_of(plain.get())));
    BOOST_TEST(!system::segment::adopt(system::unique_fd(::open("/dev/null", O_RDONLY | O_CLOEXEC))));
}

BOOST_AUTO_TEST_CASE(memory_that_cannot_be_mapped_for_reading_is_not_adopted) {
    const auto made = system::segment::make(4096);
    made->seal();
    const std::string name = "/proc/self/fd/" + std::to_string(made->fd());
    BOOST_TEST(system::segment::adopt(system::unique_fd(::open(name.c_str(), O_RDONLY | O_CLOEXEC))));
    BOOST_TEST(!system::segment::adopt(system::unique_fd(::open(name.c_str(), O_WRONLY | O_CLOEXEC))));
    BOOST_TEST(!system::segment::adopt(system::unique_fd(::open(name.c_str(), O_PATH | O_CLOEXEC))));
    const system::unique_fd other(::memfd_create("other", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    BOOST_REQUIRE(::ftruncate(other.get(), 4096) == 0);
    BOOST_REQUIRE(::fcntl(other.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0);
    BOOST_TEST(!system::segment::adopt(copy_of(other.get()))); // before Linux 6.7
}

BOOST_AUTO_TEST_CASE(the_cache_gives_nothing_without_a_pool_and_keeps_nothing_after_it) {
    segment_cache& cache = segment_cache::instance();
    BOOST_TEST(!cache.take(1 << 20));
    wire::payload outlives;
    {
        const segment_cache::user pool;
        wire::payload::block* const first = cache.take(300'000);
        BOOST_REQUIRE(first);
        std::byte* const where = first->bytes();
        wire::payload::release(first);
        wire::payload::block* const again = cache.take(200'000);
        BOOST_REQUIRE(again);
        BOOST_TEST(again->bytes() == where);
        wire::payload::block* const other = cache.take(200'000);
        BOOST_TEST(other->bytes() != where);
        wire::payload::release(other);
        outlives = wire::payload(again, 200'000);
        BOOST_TEST(segment_cache::segment_of(outlives));
        BOOST_TEST(!segment_cache::segment_of(wire::payload()));
    }
    const auto before = cache.generation();
    outlives = {};
    BOOST_TEST(cache.generation() != before);
}

BOOST_AUTO_TEST_CASE(a_builder_moves_into_the_storage_when_it_has_grown) {
    const segment_cache::user pool;
    wire::payload_builder builder(&segment_cache::instance());
    for (std::uint32_t i = 0; i != 500'000; ++i)
        builder.append(&i, sizeof i);
    const wire::payload whole = builder.finish();
    BOOST_TEST(segment_cache::segment_of(whole));
    for (std::uint32_t i = 0; i < 500'000; i += 999)
        BOOST_TEST(std::memcmp(whole.data() + i * sizeof i, &i, sizeof i) == 0);
    BOOST_TEST(segment_cache::segment_of(whole.slice(1'000'000, 500'000)));
}

struct thing : wire::attachment {};

BOOST_AUTO_TEST_CASE(what_is_attached_goes_with_its_bytes) {
    wire::payload_builder builder;
    std::vector<std::shared_ptr<thing>> things;
    for (int i = 0; i != 4; ++i) {
        things.push_back(std::make_shared<thing>());
        builder.append("01", 2);
        builder.attach(things.back());
        builder.append("23456789", 8);
    }
    builder.truncate(32); // the last one is at 32
    BOOST_TEST(builder.attached_so_far().size() == 3u);
    const wire::payload whole = builder.finish();
    BOOST_TEST(whole.attachments().all.size() == 3u);
    BOOST_TEST(whole.attachments().find(12) == things[1]);
    BOOST_TEST(!whole.attachments().find(11));
    const wire::payload part = whole.slice(10, 10);
    BOOST_TEST(part.attachments().all.size() == 1u);
    BOOST_TEST(part.attachments().find(2) == things[1]);
    wire::payload_builder other;
    other.append("x", 1);
    other.append(part);
    BOOST_TEST(other.finish().attachments().find(3) == things[1]);
    BOOST_TEST(whole.slice(3, 9).attachments().all.empty());
}

BOOST_AUTO_TEST_CASE(descriptors_arrive_in_order_and_as_many_as_were_sent) {
    const auto ends = system::make_descriptor_channel();
    const auto memory = system::segment::make(10);
    std::vector<system::unique_fd> got;
    BOOST_TEST((system::receive_descriptors(ends.pool.get(), 1, 1, got) == system::received::nonsense));
    const std::vector<int> many(wire::most_attached, memory->fd());
    BOOST_TEST(system::send_descriptors(ends.worker.get(), 1, many) == 0);
    BOOST_TEST(system::send_descriptors(ends.worker.get(), 2, std::vector{memory->fd()}) == 0);
    BOOST_TEST(system::send_descriptors(ends.worker.get(), 4, std::vector{memory->fd()}) == 0);
    BOOST_TEST((system::receive_descriptors(ends.pool.get(), 1, many.size(), got) == system::received::all));
    BOOST_TEST(got.size() == many.size());
    BOOST_TEST((system::receive_descriptors(ends.pool.get(), 2, 2, got) == system::received::nonsense));
    BOOST_TEST((system::receive_descriptors(ends.pool.get(), 3, 1, got) == system::received::nonsense));
}

BOOST_AUTO_TEST_CASE(a_full_socket_says_so) {
    const auto ends = system::make_descriptor_channel();
    const auto memory = system::segment::make(10);
    std::uint64_t number = 0;
    int error = 0;
    while (number != 100'000 && error == 0)
        error = system::send_descriptors(ends.pool.get(), ++number, std::vector{memory->fd()});
    BOOST_TEST((error == EAGAIN || error == ETOOMANYREFS));
}

// Whoever has sent them before its end is not to be told from one that has sent none, unless that is said first.
BOOST_AUTO_TEST_CASE(descriptors_arrive_although_their_sender_ended_without_taking_what_it_was_sent) {
    auto ends = system::make_descriptor_channel();
    const auto memory = system::segment::make(10);
    BOOST_TEST(system::send_descriptors(ends.pool.get(), 1, std::vector{memory->fd()}) == 0);
    BOOST_TEST(system::send_descriptors(ends.worker.get(), 1, std::vector{memory->fd()}) == 0);
    ends.worker = system::unique_fd();
    std::vector<system::unique_fd> got;
    BOOST_TEST((system::receive_descriptors(ends.pool.get(), 1, 1, got) == system::received::all));
}

// A socket with bytes on their way to somebody who does not read them. To close it takes seconds, unless it was seen to before.
struct lingering {
    lingering() {
        const system::unique_fd listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const where = reinterpret_cast<sockaddr*>(&address);
        BOOST_REQUIRE(::bind(listening.get(), where, size) == 0);
        BOOST_REQUIRE(::listen(listening.get(), 1) == 0);
        BOOST_REQUIRE(::getsockname(listening.get(), where, &size) == 0);
        socket = system::unique_fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        BOOST_REQUIRE(::connect(socket.get(), where, size) == 0);
        peer = system::unique_fd(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
        const std::vector<std::byte> some(65536);
        while (::send(socket.get(), some.data(), some.size(), MSG_DONTWAIT) > 0) {
        }
        const linger seconds{1, 3};
        BOOST_REQUIRE(::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &seconds, sizeof seconds) == 0);
    }

    /// Whether the one who closed it did not wait.
    bool was_cut_off() const {
        int error = 0;
        socklen_t size = sizeof error;
        return ::getsockopt(peer.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == ECONNRESET;
    }

    system::unique_fd socket;
    system::unique_fd peer;
};

BOOST_AUTO_TEST_CASE(to_close_what_was_received_does_not_wait) {
    auto ends = system::make_descriptor_channel();
    std::vector<system::unique_fd> got;

    lingering one_too_many;
    BOOST_TEST(
        system::send_descriptors(ends.worker.get(), 1, std::vector{ends.worker.get(), one_too_many.socket.get()}) == 0);
    one_too_many.socket = system::unique_fd();
    BOOST_TEST((system::receive_descriptors(ends.pool.get(), 1, 1, got) == system::received::nonsense));
    got.clear();
    BOOST_TEST(one_too_many.was_cut_off());

    lingering wrong_number;
    BOOST_TEST(system::send_descriptors(ends.worker.get(), 7, std::vector{wrong_number.socket.get()}) == 0);
    wrong_number.socket = system::unique_fd();
    BOOST_TEST((system::receive_descriptors(ends.pool.get(), 2, 1, got) == system::received::nonsense));
    got.clear();
    BOOST_TEST(wrong_number.was_cut_off());

    // More than belong into one message.
    lingering last;
    alignas(cmsghdr) std::byte control[CMSG_SPACE(sizeof(int) * system::most_in_message)]{};
    msghdr message{};
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * system::most_in_message);
    std::vector<int> many(system::most_in_message, ends.worker.get());
    many.back() = last.socket.get();
    std::memcpy(CMSG_DATA(header), many.data(), sizeof(int) * many.size());
    BOOST_TEST(::sendmsg(ends.worker.get(), &message, 0) == 0);
    last.socket = system::unique_fd();
    BOOST_TEST((system::receive_descriptors(ends.pool.get(), 3, 1, got) == system::received::nonsense));
    got.clear();
    BOOST_TEST(last.was_cut_off());
}

BOOST_AUTO_TEST_CASE(to_close_what_was_never_received_does_not_wait_either) {
    auto ends = system::make_descriptor_channel();
    lingering left_behind;
    BOOST_TEST(::send(ends.worker.get(), nullptr, 0, 0) == 0); // not the end, although it looks like that
    BOOST_TEST(system::send_descriptors(ends.worker.get(), 1, std::vector{left_behind.socket.get()}) == 0);
    left_behind.socket = system::unique_fd();
    system::discard_messages(ends.pool.get());
    BOOST_TEST(left_behind.was_cut_off());
    BOOST_TEST(system::send_descriptors(ends.worker.get(), 2, std::vector{ends.worker.get()}) == EPIPE);
}

BOOST_AUTO_TEST_SUITE_END()
