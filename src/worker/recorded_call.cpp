// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <worker/recorded_call.hpp>

#include <system/worker_process.hpp>

namespace procpool::worker {

namespace {

// A chunk that has run for so long ends, and what it has not begun goes back to the pool.
constexpr std::chrono::nanoseconds longest_chunk = std::chrono::milliseconds(4);

// Items that take next to nothing are claimed several at a time, for each claim and look at the clock costs 40 ns.
constexpr std::chrono::nanoseconds short_block = std::chrono::microseconds(4);
constexpr std::chrono::nanoseconds long_block = std::chrono::microseconds(40);
constexpr std::uint32_t largest_block = 64;

} // namespace

recorded_call::recorded_call(const wire::frame_header& frame, const wire::call_header& header,
                             std::span<const std::byte> arguments, wire::attachments attached,
                             wire::payload_builder& result, system::shared_memory& shared,
                             const system::module_table& modules)
    : call(arguments, attached, result, shared.ledger.phase_word(), system::copied()), shared_(shared),
      modules_(modules), function_(header.function), id_(wire::sending::task(frame.id)),
      timed_((frame.flags & wire::call_flags::timed) != 0), whole_((frame.flags & wire::call_flags::whole_chunk) != 0) {
    if (timed_ || (frame.flags & wire::call_flags::chunk) != 0)
        chunk_began_ = block_began_ = clock::now();
    if (timed_)
        leave_word(chunk_began_);
    if ((frame.flags & wire::call_flags::chunk) != 0)
        keep_results_in(shared_.running.begin_chunk(id_, header.items));
}

void recorded_call::leave_word(clock::time_point began) noexcept {
    shared_.running.began(id_,
                          static_cast<std::uint64_t>(
                              std::chrono::duration_cast<std::chrono::nanoseconds>(began.time_since_epoch()).count()));
}

void recorded_call::end_copy() noexcept {
    system::end_at_once(0);
}

bool recorded_call::claim_more() {
    if (done() != 0) {
        const clock::time_point now = clock::now();
        const auto took = now - block_began_;
        block_began_ = now;
        if (at_end() || (!whole_ && now - chunk_began_ > longest_chunk)) {
            shared_.running.give_up_rest();
            return false;
        }
        if (took > long_block)
            block_ = 1;
        else if (took < short_block && block_ < largest_block)
            block_ *= 2;
        if (timed_) {
            block_ = 1;
            leave_word(now);
        }
    }
    const std::uint32_t claimed = shared_.running.claim(block_);
    may_run(claimed);
    return claimed != 0;
}

chunk_report recorded_call::report() const {
    return {done(), 0,
            static_cast<std::uint64_t>(
                std::chrono::duration_cast<std::chrono::nanoseconds>(clock::now() - chunk_began_).count())};
}

} // namespace procpool::worker
