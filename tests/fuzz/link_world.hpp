// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_FUZZ_LINK_WORLD_HPP
#define PROCPOOL_TESTS_FUZZ_LINK_WORLD_HPP

#include <fuzz/input.hpp>
#include <fuzz/link_core.hpp>
#include <fuzz/things.hpp>

#include <system/channel.hpp>
#include <system/segment_cache.hpp>
#include <system/unique_fd.hpp>
#include <system/worker_segments.hpp>
#include <wire/answer_ring.hpp>
#include <wire/frame.hpp>
#include <wire/ledger.hpp>

#include <boost/asio/io_context.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace procpool::fuzz::links {

/// A worker and the core, with the link between them.
class world {
public:
    world();
    ~world() { end(); }

    void step(input& in);
    void end();
    void check() const;

    /// Everything that is there to be handled is handled.
    void settle();

private:
    void run();

    // The core.

    void send(input& in);

    /// The same with arguments that do not go through the pipe alone.
    void send_enclosed(input& in);

    /// One of the tasks that the worker has.
    std::map<std::uint64_t, holder::task>::iterator any_task(input& in);

    void withdraw(input& in);
    void look(input& in);
    void core_act(input& in);

    // The worker (link_worker.cpp).

    /// Whether all of it was written before the pool could see any of it.
    bool write(bytes some);
    bool write_frame(wire::frame_kind kind, std::uint16_t slot, std::uint64_t sent, bytes payload,
                     std::uint8_t flags = 0);
    bool ring_bell() { return !ring_->must_wake() || write_frame(wire::frame_kind::doorbell, 0, 0, {}); }
    void die();
    void say_hello(input& in);
    void print(bytes some);

    /// Of what was printed, all whole lines were told; at the worker's end also the one that is not.
    void require_all_printed() const;

    /// A task is begun and answered, as it should be. Also right after the worker's end, for until the pool has seen that, it
    /// cannot know in which order the two came.
    void answer(input& in);

    /// Whether so many descriptors as belong to an answer can be sent without waiting.
    bool can_hand_over();

    /// A task is answered as it should be, with memory and descriptors.
    void answer_enclosed(input& in);

    void read_calls();

    // The worker, if it is hostile (link_forger.cpp).

    wire::frame_header forged_header(input& in, std::size_t size);

    /// The size of the first of the things that were handed over, and how many there were.
    std::pair<std::size_t, std::size_t> forge_descriptors(input& in);

    void forge_memory(input& in);
    void forge_enclosed(input& in);
    void forge_frame(input& in);
    void forge_ring(input& in);
    void scribble(input& in);

    boost::asio::io_context context_;
    std::shared_ptr<holder> core_ = std::make_shared<holder>();
    system::unique_fd calls_;
    system::unique_fd answers_;
    system::unique_fd standard_output_;
    std::string text_; ///< what the worker has printed
    std::optional<system::shared_mapping> memory_;
    std::optional<wire::ring_writer> ring_;
    std::uint64_t next_id_ = 0;
    std::array<std::uint64_t, wire::ledger::slots> taken_back_{}; ///< how often, from each slot
    system::segment_cache::user pool_;                            ///< so that there is memory for arguments
    system::unique_fd descriptors_;                               ///< the worker's end, until it has ended
    std::optional<system::worker_segments> segments_;
    std::uint64_t sent_ = 0; ///< messages with descriptors
    handed handed_;
};

} // namespace procpool::fuzz::links

#endif
