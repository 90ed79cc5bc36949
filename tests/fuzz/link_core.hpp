// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_FUZZ_LINK_CORE_HPP
#define PROCPOOL_TESTS_FUZZ_LINK_CORE_HPP

#include <fuzz/subjects.hpp>

#include <machines/worker_life.hpp>
#include <system/local_link.hpp>
#include <system/unique_fd.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// The subject `link` in parts.
namespace procpool::fuzz::links {

/// So many things one by one in front of some bytes.
wire::payload_builder& fill(wire::payload_builder& builder, std::size_t things, bytes some);

/// What is attached to a message can be looked at; whether it is what fill() has made.
bool well_filled(const wire::payload& message, std::size_t things);

/// A process that is to end does so at some time or other; waiting for it makes a fuzzer's inputs mean the same each time.
void wait_for_end(int pidfd);

/// The core's side: it holds the link and does what a worker's life says.
class holder final : public system::link_holder {
    using worker_life = machines::worker_life;

public:
    struct task {
        std::uint16_t slot;
        std::uint64_t sent; ///< as what the worker knows it
        std::uint32_t items;
    };

    std::shared_ptr<system::local_link> link;
    system::unique_fd pidfd;
    std::map<std::uint64_t, task> tasks;                 ///< those that the worker has
    std::map<std::uint64_t, std::vector<std::byte>> due; ///< answers of the worker's that were not told yet
    std::map<std::uint64_t, std::size_t> attached;       ///< how many things to those, unless it is none
    std::deque<std::pair<wire::payload, std::vector<std::byte>>> kept; ///< that are not read yet, and what they said
    std::vector<std::string> lines;                                    ///< what it has printed
    std::set<std::uint64_t> doubtful; ///< of those, it was killed in the middle of giving
    bool honest = true;
    bool misbehaves = false;
    bool has_exited = false;
    bool leaving = false; ///< it gets no more tasks
    bool killed = false;
    bool destroyed = false;
    std::string wrong; ///< what should not have been told; not thrown, for the link is in between

    void begin_turn() override;
    void end_turn() override;

    void hello(const wire::hello_message& message) override;
    void initialized(const wire::payload* error) override;
    void progressed(std::uint64_t, wire::progress_message&&) override { heard(); }
    void answered(system::answer&& message) override;
    void misbehaved(const std::string& how) override;
    void lost(const std::string& how) override;
    void printed(output_stream where, std::vector<std::string>&& some) override;
    void output_ended() override;
    void exited(const system::exit_status& status) override;

    // What the core does by itself.

    /// Calls the link as the core does, in a turn.
    template <class Work>
    void in_turn(Work work) {
        begin_turn();
        work();
        end_turn();
    }

    void retire() { act(life_.retire(now_)); }
    void kill() { act(life_.kill(worker_life::cause::task_cancelled)); }
    void time_passes();

    /// Somebody reads an answer, and gives it up.
    void read_answer();

private:
    bool expect(bool holds, const std::string& otherwise);
    void heard_end();
    void heard();
    void act(worker_life::action action);

    worker_life life_{worker_life::time_point{}};
    worker_life::time_point now_{};
    bool in_turn_ = false;
};

} // namespace procpool::fuzz::links

#endif
