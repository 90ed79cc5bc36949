// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// A stream of bytes in pieces of any size. The frames have to be those that a few plain lines find in the whole of it,
// and memory has to stay in proportion to what has come.

#include <fuzz/input.hpp>
#include <fuzz/memory_watch.hpp>

#include <wire/frame_reader.hpp>

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

namespace procpool::fuzz {

namespace {

constexpr std::size_t header_size = sizeof(wire::frame_header);

wire::frame_header header_at(bytes stream) {
    wire::frame_header header;
    std::memcpy(&header, stream.data(), sizeof header);
    return header;
}

/// The stream as it has to be understood.
class expected {
public:
    explicit expected(bytes stream) : stream_(stream) {}

    /// The next frame that ends within the first `received` bytes.
    std::optional<bytes> next(std::size_t received) {
        const bytes held = stream_.subspan(at_, received - at_);
        if (held.size() < header_size || held.size() - header_size < header_at(held).size)
            return std::nullopt;
        const bytes whole = held.first(header_size + header_at(held).size);
        at_ += whole.size();
        return whole;
    }

    /// What is there of the frame that is not whole.
    bytes begun(std::size_t received) const { return stream_.subspan(at_, received - at_); }

private:
    bytes stream_;
    std::size_t at_ = 0;
};

bool same(bytes left, bytes right) {
    return std::ranges::equal(left, right);
}

void check_frame(wire::frame&& frame, const std::optional<bytes>& wanted) {
    require(wanted.has_value(), "a frame comes out before it has come in");
    require(std::memcmp(&frame.header, wanted->data(), header_size) == 0, "a frame has another header");
    require(same(frame.bytes, wanted->subspan(header_size)), "a frame has other bytes");
    const wire::payload kept = std::move(frame).keep();
    require(same(kept.bytes(), wanted->subspan(header_size)), "a frame that is kept has other bytes");
}

/// After everything that was whole has come out.
void check_state(const wire::frame_reader& reader, bytes begun, std::size_t buffer_size) {
    const bool known = begun.size() >= header_size;
    const wire::frame_header header = known ? header_at(begun) : wire::frame_header{};
    require(reader.broken() == (header.size > wire::max_payload_size),
            "the reader is broken without a reason, or whole although it should not be");
    if (reader.broken())
        return;
    require(reader.mid_frame() == !begun.empty(), "the reader is wrong about being in the middle of a frame");
    const bool large = header.size > buffer_size - header_size;
    require((reader.collecting() != nullptr) == large,
            "the reader collects what it should not, or the other way round");
    if (large)
        require(std::memcmp(reader.collecting(), &header, header_size) == 0, "the reader collects something else");
}

} // namespace

void frame_reader(bytes given) {
    input in(given);
    constexpr std::size_t smallest_buffer = 256;
    const std::size_t buffer_size = smallest_buffer + in.number() * std::size_t{16};
    const bytes sizes = in.some(1 + in.choice(8));
    const bytes stream = in.rest();

    expected wanted(stream);
    const memory_watch memory;
    wire::frame_reader reader(buffer_size);
    std::size_t received = 0;
    std::size_t idle = 0;
    for (std::size_t piece = 0; received != stream.size(); ++piece) {
        const std::span<std::byte> space = reader.writable();
        require(!space.empty(), "there is nowhere to put the next bytes");
        // Short pieces one by one, long ones in steps; and if all of them are zero, as much as there is room for.
        std::size_t size = sizes.empty() ? 0 : std::to_integer<std::size_t>(sizes[piece % sizes.size()]);
        size = size < 128 ? size : (size - 127) * 64;
        idle = size == 0 ? idle + 1 : 0;
        if (idle > sizes.size())
            size = space.size();
        size = std::min({size, space.size(), stream.size() - received});
        if (size != 0)
            std::memcpy(space.data(), stream.data() + received, size);
        reader.received(size);
        received += size;

        while (auto frame = reader.next())
            check_frame(std::move(*frame), wanted.next(received));
        check_state(reader, wanted.begun(received), buffer_size);
        if (reader.broken()) {
            require(!reader.next(), "a broken reader gives frames");
            break;
        }
        require(!wanted.next(received), "a frame does not come out although it is whole");
        require(memory.most() <= 4 * buffer_size + 8 * received + 1024,
                "a stream takes more memory than its bytes are worth");
    }
}

} // namespace procpool::fuzz
