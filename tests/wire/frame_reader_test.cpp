// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <wire/allocation_watch.hpp>
#include <wire/bytes.hpp>
#include <wire/frame_reader.hpp>

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <random>
#include <vector>

using namespace procpool;
using namespace procpool::testing;

namespace {

// The smallest buffer that a reader accepts, and the largest payload that such a reader takes without collecting it apart.
constexpr std::size_t buffer_size = 256;
constexpr std::size_t fits = buffer_size - sizeof(wire::frame_header);

constexpr std::uint32_t too_large = std::uint32_t{wire::max_payload_size} + 1;

wire::frame_header header_for(std::uint64_t id, std::uint32_t size) {
    return {size, wire::frame_kind::result, 0, static_cast<std::uint16_t>(id % 1000), id};
}

void add_header(std::vector<std::byte>& stream, const wire::frame_header& header) {
    const auto* const bytes = reinterpret_cast<const std::byte*>(&header);
    stream.insert(stream.end(), bytes, bytes + sizeof header);
}

/// Frames of these sizes, one after another; their ids count from 1.
std::vector<std::byte> stream_of(const std::vector<std::size_t>& sizes) {
    std::vector<std::byte> stream;
    std::uint64_t id = 0;
    for (const std::size_t size : sizes) {
        add_header(stream, header_for(++id, static_cast<std::uint32_t>(size)));
        const auto bytes = pattern(id, size);
        stream.insert(stream.end(), bytes.begin(), bytes.end());
    }
    return stream;
}

/// A reader, and all that came out of it, kept.
class receiver {
public:
    wire::frame_reader reader;
    std::vector<wire::payload> kept;
    bool all_right = true;

    explicit receiver(std::size_t size) : reader(size) {}

    /// Lets a piece of the stream arrive at once, as far as the reader offers room for it.
    void arrive(std::span<const std::byte> piece) {
        while (!piece.empty() && !reader.broken()) {
            const auto space = reader.writable();
            if (space.empty()) {
                all_right = false;
                return;
            }
            const std::size_t size = std::min(space.size(), piece.size());
            std::memcpy(space.data(), piece.data(), size);
            reader.received(size);
            piece = piece.subspan(size);
            while (auto frame = reader.next()) {
                const std::uint64_t id = kept.size() + 1;
                all_right = all_right && frame->header.id == id && frame->header.size == frame->bytes.size() &&
                            frame->header.slot == id % 1000 && is_pattern(frame->bytes, id);
                kept.push_back(std::move(*frame).keep());
            }
        }
    }

    /// Whether exactly frames of these sizes came, and what was kept of them is still right.
    bool got(const std::vector<std::size_t>& sizes) const {
        bool right = all_right && kept.size() == sizes.size();
        for (std::size_t index = 0; right && index != sizes.size(); ++index)
            right = kept[index].size() == sizes[index] && is_pattern(kept[index].bytes(), index + 1);
        return right;
    }
};

const std::vector<std::size_t> sizes_around_the_buffers{
    0, 1, fits - 1, fits, fits + 1, 0, buffer_size - 1, buffer_size, buffer_size + 1, 33, 3 * buffer_size, 1, 0};

} // namespace

BOOST_AUTO_TEST_SUITE(frame_reader)

BOOST_AUTO_TEST_CASE(a_stream_cut_at_any_byte_gives_the_same_frames) {
    const auto stream = stream_of(sizes_around_the_buffers);
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        receiver receiver(buffer_size);
        receiver.arrive(std::span(stream).first(cut));
        receiver.arrive(std::span(stream).subspan(cut));
        BOOST_REQUIRE_MESSAGE(receiver.got(sizes_around_the_buffers), "cut at " << cut);
        BOOST_REQUIRE(!receiver.reader.mid_frame());
        BOOST_REQUIRE(!receiver.reader.broken());
    }
}

BOOST_AUTO_TEST_CASE(a_stream_cut_at_any_two_bytes_gives_the_same_frames) {
    const std::vector<std::size_t> sizes{0, 1, fits, fits + 1, 5, 0};
    const auto stream = stream_of(sizes);
    for (std::size_t first = 0; first <= stream.size(); ++first) {
        for (std::size_t second = first; second <= stream.size(); ++second) {
            receiver receiver(buffer_size);
            receiver.arrive(std::span(stream).first(first));
            receiver.arrive(std::span(stream).subspan(first, second - first));
            receiver.arrive(std::span(stream).subspan(second));
            BOOST_REQUIRE_MESSAGE(receiver.got(sizes), "cut at " << first << " and " << second);
        }
    }
}

BOOST_AUTO_TEST_CASE(pieces_of_any_one_size_give_the_same_frames) {
    const auto stream = stream_of(sizes_around_the_buffers);
    for (const std::size_t buffer : {std::size_t{0}, buffer_size, buffer_size + 1, std::size_t{1000}}) {
        for (std::size_t piece = 1; piece <= 600; ++piece) {
            receiver receiver(buffer);
            for (std::size_t at = 0; at < stream.size(); at += piece)
                receiver.arrive(std::span(stream).subspan(at, std::min(piece, stream.size() - at)));
            BOOST_REQUIRE_MESSAGE(receiver.got(sizes_around_the_buffers),
                                  "pieces of " << piece << " into a buffer of " << buffer);
        }
    }
}

BOOST_AUTO_TEST_CASE(random_frames_in_random_pieces_arrive_whole) {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        std::mt19937_64 random(seed);
        std::vector<std::size_t> sizes;
        for (int count = 0; count != 60; ++count)
            sizes.push_back(random() % (random() % 4 == 0 ? 5000 : 300));
        const auto stream = stream_of(sizes);
        receiver receiver(buffer_size + random() % 1000);
        for (std::size_t at = 0; at < stream.size();) {
            const std::size_t piece = std::min<std::size_t>(1 + random() % 700, stream.size() - at);
            receiver.arrive(std::span(stream).subspan(at, piece));
            at += piece;
        }
        BOOST_REQUIRE_MESSAGE(receiver.got(sizes), "seed " << seed);
    }
}

BOOST_AUTO_TEST_CASE(frames_of_several_megabytes_arrive_whole_between_small_ones) {
    const std::size_t usual = std::size_t{64} * 1024;
    const std::vector<std::size_t> sizes{
        3, usual - 17, usual - 16, usual - 15, usual, std::size_t{5} << 20, 0, (std::size_t{3} << 20) + 1, 7};
    const auto stream = stream_of(sizes);
    for (const std::size_t piece : {std::size_t{4096}, std::size_t{65536}, std::size_t{999983}, stream.size()}) {
        receiver receiver(usual);
        for (std::size_t at = 0; at < stream.size(); at += piece)
            receiver.arrive(std::span(stream).subspan(at, std::min(piece, stream.size() - at)));
        BOOST_TEST(receiver.got(sizes), "pieces of " << piece);
    }
}

BOOST_AUTO_TEST_CASE(an_unfinished_frame_is_known_to_be_one) {
    const std::vector<std::size_t> sizes{10, fits + 100};
    const auto stream = stream_of(sizes);
    const std::size_t first_ends = sizeof(wire::frame_header) + 10;
    receiver receiver(buffer_size);
    BOOST_TEST(!receiver.reader.mid_frame());
    for (std::size_t at = 0; at != stream.size(); ++at) {
        receiver.arrive(std::span(stream).subspan(at, 1));
        const bool between = at + 1 == first_ends || at + 1 == stream.size();
        BOOST_TEST(receiver.reader.mid_frame() == !between, "after byte " << at);
    }
}

BOOST_AUTO_TEST_CASE(the_header_of_a_large_frame_can_be_seen_while_its_bytes_arrive) {
    const std::vector<std::size_t> sizes{10, fits, fits + 100, 10};
    const auto stream = stream_of(sizes);
    const std::size_t begins = 3 * sizeof(wire::frame_header) + 10 + fits; // when its header is there
    const std::size_t ends = begins + fits + 100;
    receiver receiver(buffer_size);
    BOOST_TEST(!receiver.reader.collecting());
    for (std::size_t came = 1; came <= stream.size(); ++came) {
        receiver.arrive(std::span(stream).subspan(came - 1, 1));
        const wire::frame_header* const header = receiver.reader.collecting();
        BOOST_REQUIRE((header != nullptr) == (came >= begins && came < ends));
        const bool right = !header || (header->id == 3 && header->size == fits + 100);
        BOOST_REQUIRE(right);
    }
    BOOST_TEST(receiver.got(sizes));
}

BOOST_AUTO_TEST_CASE(an_arrival_of_nothing_changes_nothing) {
    const auto stream = stream_of(sizes_around_the_buffers);
    receiver receiver(buffer_size);
    for (std::size_t at = 0; at != stream.size(); ++at) {
        receiver.reader.writable();
        receiver.reader.received(0); // as when a read is interrupted
        BOOST_REQUIRE(!receiver.reader.next());
        receiver.arrive(std::span(stream).subspan(at, 1));
    }
    BOOST_TEST(receiver.got(sizes_around_the_buffers));
}

BOOST_AUTO_TEST_CASE(what_is_handed_out_is_valid_until_the_next_writable_and_what_is_kept_for_ever) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{32}, std::size_t{33}, fits, fits + 1, 5 * fits}) {
        BOOST_TEST_CONTEXT("a frame of " << size << " bytes") {
            wire::payload kept;
            {
                wire::frame_reader reader(buffer_size);
                const auto stream = stream_of({size, 1});
                std::span<const std::byte> rest(stream);
                std::optional<wire::frame> frame;
                while (!(frame = reader.next())) {
                    const auto space = reader.writable();
                    BOOST_REQUIRE(!space.empty());
                    const std::size_t now = std::min(space.size(), rest.size());
                    std::memcpy(space.data(), rest.data(), now);
                    reader.received(now);
                    rest = rest.subspan(now);
                }
                const auto next = reader.next(); // another one out of the same bytes does not disturb it
                BOOST_TEST(is_pattern(frame->bytes, 1));
                kept = std::move(*frame).keep();
                const auto space = reader.writable();
                std::memset(space.data(), 0xee, space.size());
                BOOST_TEST(is_pattern(kept.bytes(), 1));
            }
            BOOST_TEST(kept.size() == size); // and it outlives the reader
            BOOST_TEST(is_pattern(kept.bytes(), 1));
        }
    }
}

// Hostile streams ---------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_header_that_announces_too_much_breaks_the_reader_for_good) {
    for (const std::uint32_t size : {too_large, std::uint32_t{1} << 31, ~std::uint32_t{0}}) {
        for (const std::size_t piece : {std::size_t{1}, std::size_t{10}, std::size_t{10000}}) {
            const std::vector<std::size_t> good{0, 5, fits + 10};
            auto stream = stream_of(good);
            add_header(stream, header_for(4, size));
            const auto later = stream_of({1, 2, 3});
            stream.insert(stream.end(), later.begin(), later.end());

            receiver receiver(buffer_size);
            for (std::size_t at = 0; at < stream.size(); at += piece)
                receiver.arrive(std::span(stream).subspan(at, std::min(piece, stream.size() - at)));
            BOOST_TEST(receiver.reader.broken());
            BOOST_TEST(receiver.got(good)); // what came before it does come out
            for (int again = 0; again != 3; ++again)
                BOOST_TEST(!receiver.reader.next());
            BOOST_TEST(receiver.reader.broken());
        }
    }
}

BOOST_AUTO_TEST_CASE(the_largest_permitted_announcement_breaks_nothing) {
    std::vector<std::byte> stream;
    add_header(stream, header_for(1, std::uint32_t{wire::max_payload_size}));
    receiver receiver(buffer_size);
    receiver.arrive(stream);
    BOOST_TEST(!receiver.reader.broken());
    BOOST_TEST(receiver.reader.mid_frame());
    BOOST_TEST(!receiver.reader.writable().empty());
}

BOOST_AUTO_TEST_CASE(a_gigabyte_announced_and_ten_bytes_sent_cost_next_to_nothing) {
    const std::size_t buffer = std::size_t{64} * 1024;
    receiver receiver(buffer);
    std::vector<std::byte> stream;
    add_header(stream, header_for(1, std::uint32_t{wire::max_payload_size}));
    stream.resize(stream.size() + 10);

    const allocation_watch watch;
    receiver.arrive(stream);
    const std::size_t offered = receiver.reader.writable().size();
    BOOST_TEST(offered <= buffer);
    BOOST_TEST(watch.largest() <= 2 * buffer);
    BOOST_TEST(watch.count() <= 2u);
}

BOOST_AUTO_TEST_CASE(memory_grows_only_as_bytes_arrive) {
    const std::size_t buffer = 4096;
    for (const std::size_t piece : {std::size_t{1000}, std::size_t{4096}, std::size_t{100000}}) {
        receiver receiver(buffer);
        std::vector<std::byte> stream;
        add_header(stream, header_for(1, std::uint32_t{wire::max_payload_size}));
        receiver.arrive(stream);

        const std::vector<std::byte> bytes(piece);
        const std::size_t arriving = std::size_t{4} << 20;
        const allocation_watch watch;
        for (std::size_t came = 0; came < arriving; came += piece) {
            const auto space = receiver.reader.writable();
            // Twice what came has to fit, and the room for it is doubled each time.
            BOOST_REQUIRE(space.size() <= std::max(buffer, came + piece));
            BOOST_REQUIRE(watch.largest() <= 4 * came + 2 * buffer + 64);
            receiver.reader.received(0);
            receiver.arrive(bytes);
            BOOST_REQUIRE(!receiver.reader.next());
        }
        BOOST_TEST(watch.count() < 40u); // and not with every piece
    }
}

BOOST_AUTO_TEST_CASE(random_bytes_never_do_harm) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        std::mt19937_64 random(seed);
        wire::frame_reader reader(buffer_size);
        std::size_t came = 0;
        std::size_t out = 0;
        for (int step = 0; step != 300 && !reader.broken(); ++step) {
            const auto space = reader.writable();
            BOOST_REQUIRE(!space.empty());
            const std::size_t size = 1 + random() % std::min<std::size_t>(space.size(), 1000);
            for (std::size_t at = 0; at != size; ++at) // many zeros, so that lengths are often possible ones
                space[at] = static_cast<std::byte>(random() % 3 == 0 ? random() % 256 : 0);
            reader.received(size);
            came += size;
            while (const auto frame = reader.next()) {
                BOOST_REQUIRE(frame->bytes.size() == frame->header.size);
                out += sizeof(wire::frame_header) + frame->bytes.size();
                std::byte sum{};
                for (const std::byte byte : frame->bytes)
                    sum ^= byte;
                BOOST_REQUIRE(std::to_integer<int>(sum) < 256);
            }
            BOOST_REQUIRE_MESSAGE(out <= came, "seed " << seed);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
