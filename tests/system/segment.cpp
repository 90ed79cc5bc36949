// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/descriptor_channel.hpp>
#include <system/segment.hpp>
#include <system/segment_cache.hpp>
#include <wire/enclosure.hpp>

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
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

BOOST_AUTO_TEST_SUITE_END()
