// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_ENCLOSED_OUTPUT_HPP
#define PROCPOOL_SYSTEM_ENCLOSED_OUTPUT_HPP

#include <system/output_queue.hpp>
#include <system/segment.hpp>
#include <system/worker_link.hpp>
#include <wire/enclosure.hpp>
#include <wire/frame.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace procpool::system {

/// How calls go to one worker that the pipe alone could not carry, or not as fast.
class enclosed_output {
public:
    explicit enclosed_output(output_queue& to) noexcept : to_(to) {}

    /// Whether this is for it.
    static bool wants(const wire::payload& bytes) noexcept {
        return bytes.owner() && (bytes.size() >= least_in_segment || bytes.owner()->attachments) && carries(bytes);
    }

    /// How many bytes of a pipe such a payload is to count as: more than it takes, for it takes descriptors and mappings, of
    /// which not too many are to be under way to one worker.
    static std::size_t counts_as(const wire::payload& bytes) noexcept {
        return std::min(bytes.size(), least_in_segment) + bytes.attachments().all.size() * std::size_t{16384};
    }

    void add(wire::frame_header header, const outgoing_call& call);

    /// Lets the worker know which segments are gone. Whether there were any.
    bool forget_gone();

private:
    // Part of a batch that lies in a segment goes through the pipe if it is shorter than this.
    static constexpr std::size_t least_in_segment = std::size_t{64} << 10;

    // The worker keeps these mapped.
    static constexpr std::size_t most_segments = 32;

    struct known_segment {
        std::weak_ptr<segment> what;
        std::uint32_t number;
    };

    static bool carries(const wire::payload& bytes) noexcept;
    std::uint32_t announce(const std::shared_ptr<segment>& lies_in);
    void forget(const known_segment& gone);

    output_queue& to_;
    std::vector<known_segment> known_; ///< the one used last at the end
    std::uint32_t last_number_ = 0;
    std::uint64_t seen_generation_ = 0;
};

} // namespace procpool::system

#endif
