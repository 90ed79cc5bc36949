// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <worker/serve.hpp>

#include <procpool/error.hpp>
#include <procpool/serialization/exceptions.hpp>
#include <procpool/worker/call.hpp>

#include <system/fork_service.hpp>
#include <system/modules.hpp>
#include <system/process.hpp>
#include <system/spin_window.hpp>
#include <system/worker_segments.hpp>
#include <wire/frame_reader.hpp>
#include <wire/handshake.hpp>
#include <worker/current_task.hpp>
#include <worker/recorded_call.hpp>
#include <worker/worker_mode.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace procpool::worker {

namespace {

constexpr int pool_sent_nonsense = 70; // EX_SOFTWARE
constexpr std::size_t memory_kept_between_calls = std::size_t{1} << 20;
constexpr std::size_t longest_progress_text = 1024;

class server final : public progress_reporter {
public:
    /// @param forks what a fork server does, if this is one
    explicit server(system::worker_channel channel, system::fork_service* forks = nullptr)
        : channel_(std::move(channel)), answers_(channel_.shared->answers), forks_(forks),
          segments_(std::move(channel_.descriptors), channel_.shared->results), output_(&segments_) {
        current_task::instance().serve(channel_.shared->running, *this);
    }

    /// Serves until the pool has no more to do, and answers with the exit code. No value if this is a new worker.
    std::optional<int> run() {
        answer(wire::frame_kind::hello,
               wire::encode(wire::hello_message{wire::protocol_version, system::main_build_id()}));
        for (;;) {
            while (auto frame = input_.next()) {
                switch (handle(*frame)) {
                case next_step::go_on:
                    break;
                case next_step::end:
                    return 0;
                case next_step::give_up:
                    return pool_sent_nonsense;
                }
            }
            if (input_.broken())
                return pool_sent_nonsense;
            if (const wire::frame_header* const large = input_.collecting())
                claim_early(*large);
            // Nothing to do: what tasks printed should not wait here, where the worker may be killed as being idle.
            std::fflush(stdout);
            if (forks_) {
                const auto happened = forks_->wait(channel_.calls.get());
                if (happened == system::fork_service::event::forked)
                    return std::nullopt;
                if (happened == system::fork_service::event::over)
                    return 0;
            }
            if (std::exchange(ran_, false))
                channel_.look_out(spin_);
            const std::size_t size = channel_.read(input_.writable());
            input_.received(size);
            if (size == 0)
                return 0;
        }
    }

    // What is in the pipe may be seen later than what is in the ring; so the answer of a task that has reported follows its
    // reports through the pipe.
    void report(std::uint64_t task, double fraction, std::string_view text) override {
        if (system::is_copy_of_worker())
            return;
        reported_.store(true, std::memory_order_relaxed);
        const wire::payload bytes =
            wire::encode(wire::progress_message{fraction, std::string(text.substr(0, longest_progress_text))});
        wire::payload_builder whole;
        const wire::frame_header header{static_cast<std::uint32_t>(bytes.size()), wire::frame_kind::progress, 0, 0,
                                        task};
        whole.append(&header, sizeof header);
        whole.append(bytes.data(), bytes.size());
        write({whole.data(), whole.size()});
    }

private:
    enum class next_step { go_on, end, give_up };

    next_step handle(const wire::frame& frame) {
        switch (frame.header.kind) {
        case wire::frame_kind::setup:
            if (const auto message = wire::decode_setup(frame.bytes)) {
                role().index = message->worker_index;
                memory_limit_ = message->memory_limit;
                spin_ = system::spin_window(std::chrono::nanoseconds(message->spin));
                return next_step::go_on;
            }
            return next_step::give_up;
        case wire::frame_kind::module:
            if (const auto message = wire::decode_module(frame.bytes)) {
                modules_.add(message->number, {message->path, message->build_id});
                return next_step::go_on;
            }
            return next_step::give_up;
        case wire::frame_kind::initialize:
            return initialize(frame);
        case wire::frame_kind::call:
            return run_call(frame) ? next_step::go_on : next_step::give_up;
        case wire::frame_kind::segment:
            return segments_.announced(frame.bytes) ? next_step::go_on : next_step::give_up;
        case wire::frame_kind::forget_segment:
            return segments_.forgotten(frame.bytes) ? next_step::go_on : next_step::give_up;
        case wire::frame_kind::finish:
            return next_step::end;
        default:
            return next_step::give_up;
        }
    }

    /// Splits a call's frame into its parts, and takes in what belongs to it.
    bool open(const wire::frame& frame, wire::call_header& header) {
        if (frame.bytes.size() < sizeof header)
            return false;
        std::memcpy(&header, frame.bytes.data(), sizeof header);
        const auto behind = frame.bytes.subspan(sizeof header);
        if ((frame.header.flags & wire::call_flags::enclosed) != 0)
            return segments_.open(behind, opened_);
        opened_.bytes = behind;
        return true;
    }

    /// After a call: what came with it is given up.
    void close_opened() {
        opened_.attached.clear();
        opened_.problem = nullptr;
    }

    next_step initialize(const wire::frame& frame) {
        wire::call_header header;
        if (!open(frame, header))
            return next_step::give_up;
        const auto call = [&] {
            wire::payload_builder result; // which nobody wants
            recorded_call made(frame.header, header, opened_.bytes, {opened_.attached}, result, *channel_.shared,
                               modules_);
            call_entry(header, made);
        };
        try {
            if (!forks_)
                call();
            else if (header.entry != 0)
                forks_->prepare(call);
            else
                forks_->prepare(nullptr);
        } catch (...) {
            if (system::is_copy_of_worker())
                system::end_at_once(0);
            answer(wire::frame_kind::not_ready, serialization::encode_exception(std::current_exception()));
            return next_step::end;
        }
        if (system::is_copy_of_worker())
            system::end_at_once(0);
        close_opened();
        answer(wire::frame_kind::ready, {});
        return next_step::go_on;
    }

    // A task whose arguments do not come at once begins with the reading of them: should there not be the memory for it, then
    // this task is to blame, and not whichever is found in the next worker that tries.
    void claim_early(const wire::frame_header& large) {
        if (large.kind != wire::frame_kind::call || large.slot >= wire::ledger::slots || claimed_early_ == large.id)
            return;
        wire::ledger& page = channel_.shared->ledger;
        if (!page.claim(large.slot, large.id))
            return; // withdrawn, which run_call() will find once more
        claimed_early_ = large.id;
        page.enter(task_phase::reading);
    }

    bool run_call(const wire::frame& frame) {
        wire::call_header header;
        if (frame.header.slot >= wire::ledger::slots || !open(frame, header))
            return false;
        wire::ledger& page = channel_.shared->ledger;
        if (std::exchange(claimed_early_, 0) != frame.header.id && !page.claim(frame.header.slot, frame.header.id)) {
            close_opened();
            if (page.look(frame.header.slot, frame.header.id) != wire::ledger_state::withdrawn)
                pass_over(frame.header);
            return true;
        }
        ran_ = true;
        page.enter(task_phase::decoding);
        current_task::instance().begin(wire::sending::task(frame.header.id), header.attempt);
        const wire::frame_kind kind = call_and_encode(frame, header);
        close_opened();
        current_task::instance().end();
        // A copy that a task made of this process has no business with the pool: the original answers.
        if (system::is_copy_of_worker())
            system::end_at_once(0);
        page.enter(task_phase::writing);
        if (memory_limit_ != 0 && system::resident_memory() > memory_limit_ && !shrink())
            channel_.shared->running.wear_out();
        page.finish(frame.header.slot, frame.header.id);
        send(kind, frame.header.slot, frame.header.id);
        page.enter(task_phase::unknown);
        return true;
    }

    /// Gives back what is only kept for being used again. Whether that is enough.
    bool shrink() {
        segments_.unmap();
        write(segments_.trim(0));
        system::give_back_memory();
        return system::resident_memory() <= memory_limit_;
    }

    // Header and result are made in one piece, so that they leave in one write.
    wire::frame_kind call_and_encode(const wire::frame& frame, const wire::call_header& header) {
        const bool is_chunk = (frame.header.flags & wire::call_flags::chunk) != 0;
        const std::size_t before_result = sizeof(wire::frame_header) + (is_chunk ? sizeof(chunk_report) : 0);
        output_.truncate(0);
        output_.extend(before_result);
        recorded_call made(frame.header, header, opened_.bytes, {opened_.attached}, output_, *channel_.shared,
                           modules_);
        wire::frame_kind kind = wire::frame_kind::result;
        try {
            if (opened_.problem)
                std::rethrow_exception(opened_.problem);
            call_entry(header, made);
            if (output_.size() - sizeof(wire::frame_header) > wire::max_payload_size)
                throw pool_error(errc::not_serializable,
                                 "the result takes " + std::to_string(output_.size() - before_result) +
                                     " bytes; no message may be larger than " + std::to_string(wire::max_payload_size));
            if (output_.attached_so_far().size() > wire::most_attached)
                throw pool_error(errc::not_serializable, "the result holds " +
                                                             std::to_string(output_.attached_so_far().size()) +
                                                             " shared buffers; no message may have more than " +
                                                             std::to_string(wire::most_attached));
        } catch (...) {
            kind = wire::frame_kind::failure;
            const wire::payload thrown = serialization::encode_exception(std::current_exception());
            output_.truncate(before_result);
            output_.append(thrown.data(), thrown.size());
        }
        if (is_chunk) {
            const chunk_report report = made.report();
            std::memcpy(output_.data() + sizeof(wire::frame_header), &report, sizeof report);
        }
        return kind;
    }

    void call_entry(const wire::call_header& header, recorded_call& made) {
        const void* const function = modules_.find_function(header.entry);
        reinterpret_cast<entry_function>(const_cast<void*>(function))(made);
    }

    void answer(wire::frame_kind kind, const wire::payload& bytes) {
        output_.truncate(0);
        output_.extend(sizeof(wire::frame_header));
        output_.append(bytes.data(), bytes.size());
        const wire::frame_header header{static_cast<std::uint32_t>(bytes.size()), kind, 0, 0, 0};
        std::memcpy(output_.data(), &header, sizeof header);
        write({output_.data(), output_.size()});
    }

    void send(wire::frame_kind kind, std::uint16_t slot, std::uint64_t id) {
        const wire::frame_header header{static_cast<std::uint32_t>(output_.size() - sizeof(wire::frame_header)), kind,
                                        0, slot, id};
        const bool reported = reported_.exchange(false, std::memory_order_relaxed);
        if (system::worker_segments::wants(output_)) [[unlikely]] {
            send_enclosed(kind, slot, id);
            return;
        }
        if (!reported && answers_.put(header, {output_.data() + sizeof header, output_.size() - sizeof header})) {
            if (answers_.must_wake())
                ring_doorbell();
        } else {
            std::memcpy(output_.data(), &header, sizeof header);
            write({output_.data(), output_.size()});
        }
        if (output_.capacity() > memory_kept_between_calls || (output_.block() && output_.block()->from))
            output_.finish();
    }

    void send_enclosed(wire::frame_kind kind, std::uint16_t slot, std::uint64_t id) {
        const auto made = segments_.hand_over(output_, sizeof(wire::frame_header));
        const std::span<const std::byte> frames(made.frames);
        const auto before_bytes = frames.subspan(made.answer_at);
        const std::size_t following = made.bytes_follow ? output_.size() - sizeof(wire::frame_header) : 0;
        const wire::frame_header header{static_cast<std::uint32_t>(before_bytes.size() + following), kind,
                                        wire::call_flags::enclosed, slot, id};
        wire::payload_builder answer;
        answer.append(frames.data(), made.answer_at);
        answer.append(&header, sizeof header);
        answer.append(before_bytes.data(), before_bytes.size());
        answer.append(output_.data() + sizeof header, following);
        write({answer.data(), answer.size()});
        output_.finish();
        write(segments_.trim(system::worker_segments::most_kept));
    }

    // Its slot may be another task's by now, which the pool knows. If it is not, then something has written over the ledger, and
    // the pool would wait for the task for ever.
    void pass_over(const wire::frame_header& call) {
        const wire::frame_header header{0, wire::frame_kind::passed_over, 0, call.slot, call.id};
        write(std::as_bytes(std::span(&header, 1)));
    }

    void ring_doorbell() {
        const wire::frame_header header{0, wire::frame_kind::doorbell, 0, 0, 0};
        write(std::as_bytes(std::span(&header, 1)));
    }

    // A task may report its progress from threads of its own, meanwhile or later.
    void write(std::span<const std::byte> bytes) {
        const std::lock_guard lock(writing_);
        channel_.write(bytes);
    }

    system::worker_channel channel_;
    wire::ring_writer answers_;
    system::fork_service* const forks_;
    system::module_table modules_;
    wire::frame_reader input_;
    system::worker_segments segments_;
    system::worker_segments::opened opened_; ///< the call that runs
    wire::payload_builder output_;
    std::mutex writing_;
    std::atomic<bool> reported_{false};
    std::uint64_t memory_limit_ = 0;
    system::spin_window spin_;
    bool ran_ = false;                ///< something since it looked for input last
    std::uint64_t claimed_early_ = 0; ///< the task whose arguments are being read; 0 if none is
};

} // namespace

int serve(system::worker_channel channel) {
    // Whole lines at once, wherever they go: those of several workers do not mix, and what a task printed before it crashed is
    // not lost.
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    system::keep_large_memory();
    // Never destroyed: threads of tasks, and the one that watches for stops, may outlive it.
    return (new server(std::move(channel)))->run().value();
}

std::optional<system::worker_channel> serve_forks(system::fork_server_channel channel) {
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    system::fork_service forks(std::move(channel.pool_process), std::move(channel.orders));
    {
        server serving(std::move(channel.channel), &forks);
        if (const auto exit_code = serving.run())
            forks.leave(*exit_code);
        // Nothing of the server's is left here: no descriptor, and not its memory.
    }
    return system::take_over_channel(forks.take_given(), system::this_process());
}

} // namespace procpool::worker
