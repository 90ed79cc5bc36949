// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_WORKER_SEGMENTS_HPP
#define PROCPOOL_SYSTEM_WORKER_SEGMENTS_HPP

#include <procpool/wire/payload.hpp>

#include <system/segment.hpp>
#include <system/unique_fd.hpp>
#include <wire/enclosure.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <span>
#include <vector>

namespace procpool::system {

/// A worker's side of what crosses beside the pipes: it takes in what the pool sends, and has memory for results.
/**
 * Used by the thread that serves alone.
 */
class worker_segments final : public wire::storage {
public:
    worker_segments(unique_fd socket, wire::segment_board& board) noexcept
        : socket_(std::move(socket)), board_(board) {}

    // Calls. What the pool sends is believed, but the system may refuse what it takes to make use of it; then the call
    // that needs it fails.

    /// The pool has announced a segment, or forgets one. False if that makes no sense.
    bool announced(std::span<const std::byte> message);
    bool forgotten(std::span<const std::byte> message);

    struct opened {
        std::span<const std::byte> bytes;
        std::vector<wire::attached> attached; ///< by their places in the bytes
        std::exception_ptr problem;           ///< set if the call cannot be run for lack of something
    };

    /// Takes in what a call refers to. False if that makes no sense.
    bool open(std::span<const std::byte> call, opened& made);

    // Results.

    wire::payload::block* take(std::size_t capacity) override;
    void give_back(wire::payload::block* unused) noexcept override;

    /// Whether a result has to go by this way, or should.
    static bool wants(const wire::payload_builder& result) noexcept;

    /// Hands over what a result consists of, from this offset in its memory on.
    /**
     * @return what is to be written to the pipe: a frame that announces memory, if there is need for it, and then, from
     *         `answer_at` on, the answer's frame without its header
     */
    struct handed_over {
        std::vector<std::byte> frames;
        std::size_t answer_at = 0;
        bool bytes_follow = false; ///< the result's bytes belong behind that
    };
    handed_over hand_over(const wire::payload_builder& result, std::size_t offset);

    /// So much memory is kept for later results.
    static constexpr std::size_t most_kept = std::size_t{256} << 20;

    /// Gives up memory in which no result is being made, until no more than this is left.
    /**
     * @return the frames that tell the pool of it
     */
    std::vector<std::byte> trim(std::size_t left);

    /// Has as little as possible mapped. Not while a call runs whose arguments are in a segment.
    void unmap();

private:
    struct result_segment {
        std::shared_ptr<segment> what;
        bool announced = false;
        bool taken = false; ///< a result is being made in it
    };
    struct result_block : wire::payload::block {
        std::size_t index = 0;
    };

    bool in_use(std::size_t index) const noexcept {
        return segments_[index].taken ||
               board_.uses[index].load(std::memory_order_acquire) == wire::segment_board::in_use;
    }

    unique_fd socket_;
    wire::segment_board& board_;
    std::map<std::uint32_t, std::shared_ptr<segment>> known_; ///< null if it could not be taken over
    std::array<result_segment, wire::segment_board::segments> segments_;
    std::uint64_t received_ = 0;
    std::uint64_t sent_ = 0;
};

} // namespace procpool::system

#endif
