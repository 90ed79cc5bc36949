// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_WIRE_FRAME_READER_HPP
#define PROCPOOL_WIRE_FRAME_READER_HPP

#include <procpool/wire/payload.hpp>
#include <wire/frame.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

namespace procpool::wire {

/// One whole message.
struct frame {
    frame_header header;
    std::span<const std::byte> bytes; ///< valid until the reader's next writable()
    payload large;                    ///< owns `bytes` when they were too many for the reader's buffer

    /// The message's bytes as something that can be kept.
    payload keep() && { return large.empty() ? payload(bytes) : std::move(large); }
};

/// Cuts a stream of bytes into frames.
/**
 * Takes bytes as they come, in pieces of any size. The stream may be hostile: a header that announces more than
 * `max_payload_size` makes the reader `broken()`, and memory grows only as bytes arrive, never because they are announced.
 *
 * Use: read into writable(), tell received(), call next() until it has nothing more; again.
 */
class frame_reader {
public:
    explicit frame_reader(std::size_t buffer_size = 64 * 1024);

    /// Where the next bytes should be put; never empty. Ends the life of the frames handed out before.
    std::span<std::byte> writable();

    /// So many bytes were put at the start of writable().
    void received(std::size_t size);

    /// The next whole frame, if there is one.
    std::optional<frame> next();

    /// Whether a header made no sense. Nothing more comes out then.
    bool broken() const noexcept { return broken_; }

    /// The header of a large frame of which more is to come, so that it can be judged before it is collected; or null.
    const frame_header* collecting() const noexcept { return expecting_large_ ? &large_header_ : nullptr; }

    /// Whether bytes of an unfinished frame are held.
    bool mid_frame() const noexcept { return begin_ != end_ || expecting_large_; }

private:
    std::unique_ptr<std::byte[]> buffer_;
    std::size_t capacity_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    bool broken_ = false;

    // A frame that does not fit into the buffer is collected apart.
    bool expecting_large_ = false;
    frame_header large_header_{};
    payload_builder large_;
    std::size_t offered_ = 0;
};

} // namespace procpool::wire

#endif
