// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_WORKER_RECORDED_CALL_HPP
#define PROCPOOL_WORKER_RECORDED_CALL_HPP

#include <procpool/worker/call.hpp>

#include <system/channel.hpp>
#include <system/modules.hpp>
#include <wire/frame.hpp>

#include <chrono>

namespace procpool::worker {

/// A call whose progress can be followed, and in part be steered, from the pool's process.
class recorded_call final : public call {
public:
    /// @param result to which results are added; what it holds already is left alone
    recorded_call(const wire::frame_header& frame, const wire::call_header& header,
                  std::span<const std::byte> arguments, wire::attachments attached, wire::payload_builder& result,
                  system::shared_memory& shared, const system::module_table& modules);

    const void* function() const override { return modules_.find_function(function_); }
    const void* function(std::uint64_t name) const override { return modules_.find_function(name); }

    /// How far a chunk has come.
    chunk_report report() const;

private:
    using clock = std::chrono::steady_clock;

    bool claim_more() override;
    [[noreturn]] void end_copy() noexcept override;
    void leave_word(clock::time_point began) noexcept;

    system::shared_memory& shared_;
    const system::module_table& modules_;
    const std::uint64_t function_;
    const std::uint64_t id_;
    const bool timed_;
    const bool whole_; ///< a chunk that is not to end early

    clock::time_point chunk_began_;
    clock::time_point block_began_;
    std::uint32_t block_ = 1; ///< so many items are claimed at a time
};

} // namespace procpool::worker

#endif
