// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <worker/serve.hpp>

#include <procpool/error.hpp>
#include <procpool/serialization/exceptions.hpp>
#include <procpool/worker/call.hpp>

#include <system/modules.hpp>
#include <wire/frame_reader.hpp>
#include <wire/handshake.hpp>
#include <worker/worker_mode.hpp>

#include <cstdio>
#include <cstring>
#include <string>

namespace procpool::worker {

namespace {

constexpr int pool_sent_nonsense = 70; // EX_SOFTWARE
constexpr std::size_t memory_kept_between_calls = std::size_t{1} << 20;

class server {
public:
    explicit server(system::worker_channel channel)
        : channel_(std::move(channel)), answers_(channel_.shared->answers) {}

    /// Serves until the pool has no more to do, and answers with the exit code.
    int run() {
        answer(wire::frame_kind::hello,
               wire::encode(wire::hello_message{wire::protocol_version, system::main_build_id()}));
        for (;;) {
            while (auto frame = input_.next()) {
                if (frame->header.kind == wire::frame_kind::finish)
                    return 0;
                if (!handle(*frame))
                    return pool_sent_nonsense;
            }
            if (input_.broken())
                return pool_sent_nonsense;
            // Nothing to do: what tasks printed should not wait here, where the worker may be killed as being idle.
            std::fflush(stdout);
            const std::size_t size = channel_.read(input_.writable());
            input_.received(size);
            if (size == 0)
                return 0;
        }
    }

private:
    class recorded_call final : public call {
    public:
        recorded_call(std::span<const std::byte> arguments, const wire::call_header& header,
                      wire::payload_builder& result, wire::ledger& page, const system::module_table& modules) noexcept
            : call(arguments, header.items, result), page_(page), modules_(modules), function_(header.function) {}
        void enter(task_phase phase) noexcept override { page_.enter(phase); }
        const void* function() const override { return modules_.find_function(function_); }

    private:
        wire::ledger& page_;
        const system::module_table& modules_;
        std::uint64_t function_;
    };

    bool handle(const wire::frame& frame) {
        switch (frame.header.kind) {
        case wire::frame_kind::setup:
            if (const auto message = wire::decode_setup(frame.bytes)) {
                role().index = message->worker_index;
                return true;
            }
            return false;
        case wire::frame_kind::module:
            if (const auto message = wire::decode_module(frame.bytes)) {
                modules_.add(message->number, {message->path, message->build_id});
                return true;
            }
            return false;
        case wire::frame_kind::call:
            return run_call(frame);
        default:
            return false;
        }
    }

    bool run_call(const wire::frame& frame) {
        wire::call_header header;
        if (frame.header.slot >= wire::ledger::slots || frame.bytes.size() < sizeof header)
            return false;
        wire::ledger& page = channel_.shared->ledger;
        if (!page.claim(frame.header.slot, frame.header.id))
            return true; // withdrawn meanwhile
        std::memcpy(&header, frame.bytes.data(), sizeof header);
        page.enter(task_phase::decoding);

        // Header and result are made in one piece, so that they leave in one write.
        wire::frame_kind kind = wire::frame_kind::result;
        output_.truncate(0);
        output_.extend(sizeof(wire::frame_header));
        try {
            const void* const function = modules_.find_function(header.entry);
            recorded_call made(frame.bytes.subspan(sizeof header), header, output_, page, modules_);
            reinterpret_cast<entry_function>(const_cast<void*>(function))(made);
            if (output_.size() - sizeof(wire::frame_header) > wire::max_payload_size)
                throw pool_error(errc::not_serializable,
                                 "the result takes " + std::to_string(output_.size() - sizeof(wire::frame_header)) +
                                     " bytes; no message may be larger than " + std::to_string(wire::max_payload_size));
        } catch (...) {
            kind = wire::frame_kind::failure;
            const wire::payload thrown = serialization::encode_exception(std::current_exception());
            output_.truncate(sizeof(wire::frame_header));
            output_.append(thrown.data(), thrown.size());
        }
        // A copy that a task made of this process has no business with the pool: the original answers.
        if (system::is_copy_of_worker())
            system::end_at_once(0);
        page.enter(task_phase::writing);
        page.finish(frame.header.slot, frame.header.id);
        send(kind, frame.header.slot, frame.header.id);
        page.enter(task_phase::unknown);
        return true;
    }

    void answer(wire::frame_kind kind, const wire::payload& bytes) {
        output_.truncate(0);
        output_.extend(sizeof(wire::frame_header));
        output_.append(bytes.data(), bytes.size());
        const wire::frame_header header{static_cast<std::uint32_t>(bytes.size()), kind, 0, 0, 0};
        std::memcpy(output_.data(), &header, sizeof header);
        channel_.write({output_.data(), output_.size()});
    }

    void send(wire::frame_kind kind, std::uint16_t slot, std::uint64_t id) {
        const wire::frame_header header{static_cast<std::uint32_t>(output_.size() - sizeof(wire::frame_header)), kind,
                                        0, slot, id};
        if (answers_.put(header, {output_.data() + sizeof header, output_.size() - sizeof header})) {
            if (answers_.must_wake())
                ring_doorbell();
        } else {
            std::memcpy(output_.data(), &header, sizeof header);
            channel_.write({output_.data(), output_.size()});
        }
        if (output_.capacity() > memory_kept_between_calls)
            output_.finish();
    }

    void ring_doorbell() {
        const wire::frame_header header{0, wire::frame_kind::doorbell, 0, 0, 0};
        channel_.write(std::as_bytes(std::span(&header, 1)));
    }

    system::worker_channel channel_;
    wire::ring_writer answers_;
    system::module_table modules_;
    wire::frame_reader input_;
    wire::payload_builder output_;
};

} // namespace

int serve(system::worker_channel channel) {
    server served(std::move(channel));
    return served.run();
}

} // namespace procpool::worker
