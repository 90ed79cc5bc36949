// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_ENCLOSED_INPUT_HPP
#define PROCPOOL_SYSTEM_ENCLOSED_INPUT_HPP

#include <procpool/wire/payload.hpp>

#include <system/channel.hpp>
#include <system/segment.hpp>
#include <wire/enclosure.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace procpool::system {

/// The answers of a worker that came by other ways than the pipe alone. Nothing of it is believed.
class enclosed_input {
public:
    /// @param shared where the worker learns that a segment can be used again
    explicit enclosed_input(std::shared_ptr<shared_memory> shared) noexcept : shared_(std::move(shared)) {}

    enum class outcome : std::uint8_t {
        good,
        nonsense, ///< no worker sends this; said() tells what was wrong
        shortage, ///< of an answer: it could not be had, and problem() tells why; what comes behind it can
        lost,     ///< nor can what comes behind it
    };

    /// The worker has memory for results.
    outcome has_segment(std::span<const std::byte> message, int socket);
    outcome dropped_segment(std::span<const std::byte> message);

    /// Makes an answer of a frame's bytes and of what they refer to.
    outcome open(std::span<const std::byte> frame, int socket, wire::payload& answer);

    const char* said() const noexcept { return said_; }
    const std::exception_ptr& problem() const noexcept { return problem_; }

private:
    outcome wrong(const char* how) noexcept {
        said_ = how;
        return outcome::nonsense;
    }
    outcome missed(std::exception_ptr why, std::uint32_t segment) noexcept;
    outcome take(int socket, std::size_t count, std::vector<std::shared_ptr<segment>>& which);

    std::shared_ptr<shared_memory> shared_;
    std::array<std::shared_ptr<segment>, wire::segment_board::segments> segments_;
    std::array<bool, wire::segment_board::segments> missing_{}; ///< the worker has it, but it could not be taken
    std::uint64_t received_ = 0;
    const char* said_ = "";
    std::exception_ptr problem_;
};

} // namespace procpool::system

#endif
