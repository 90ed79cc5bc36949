// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_WORKER_LINK_HPP
#define PROCPOOL_SYSTEM_WORKER_LINK_HPP

#include <procpool/output.hpp>
#include <procpool/wire/payload.hpp>
#include <system/child.hpp>
#include <wire/frame.hpp>
#include <wire/handshake.hpp>
#include <wire/ledger.hpp>
#include <wire/run_sheet.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <vector>

namespace procpool::system {

/// What a link needs of a task in order to send it.
struct outgoing_call {
    std::uint64_t id;
    std::uint8_t flags; ///< of wire::call_flags
    wire::call_header header;
    const wire::payload& arguments;
};

/// A task's answer: its result, or its exception in encoded form.
struct answer {
    std::uint64_t id;
    std::uint16_t slot;
    bool failed;
    wire::payload bytes;
    std::exception_ptr problem; ///< why this process could not take it; null if it could
};

/// Whoever holds a link: it is told what comes from the worker.
/**
 * Everything is told between begin_turn() and end_turn(), within which nobody else touches the link or its holder.
 */
class link_holder {
public:
    virtual void begin_turn() = 0;
    virtual void end_turn() = 0;

    virtual void hello(const wire::hello_message& message) = 0;

    /// The initializer has run: with no error, or with this exception in encoded form.
    virtual void initialized(const wire::payload* error) = 0;

    /// A task says how far it is. It may be any task, or none.
    virtual void progressed(std::uint64_t id, wire::progress_message&& message) = 0;

    /// A link passes on only answers to tasks that it was given and that were not answered or withdrawn before.
    virtual void answered(answer&& message) = 0;

    /// The worker sent something that no worker sends; nothing more is read from it.
    virtual void misbehaved(const std::string& how) = 0;

    /// The system does not let this process hear of the worker any more, by no fault of the worker's.
    virtual void lost(const std::string& how) = 0;

    /// It wrote these lines to a stream that is captured. Until go_on_reading(), no more are read from it. Maybe none, if
    /// what it wrote is not a line yet.
    virtual void printed(output_stream where, std::vector<std::string>&& lines) = 0;

    /// The worker will send nothing more.
    virtual void output_ended() = 0;

    /// The worker is gone, and everything that it had sent was told before.
    virtual void exited(const exit_status& status) = 0;

protected:
    ~link_holder() = default;
};

/// How the core speaks to one worker, wherever it runs.
/**
 * All members are called in a turn of the link's holder.
 */
class worker_link {
public:
    enum class withdrawal : std::uint8_t {
        withdrawn, ///< the worker has not begun the task and never will
        refused,   ///< it has begun it, or says what makes no sense, of which the holder was told before
    };

    virtual ~worker_link() = default;

    /// The worker's process id on its machine.
    virtual pid_t pid() const noexcept = 0;

    /// Sends the worker its place in the pool. Before any call.
    virtual void set_up(const wire::setup_message& message) = 0;

    /// Lets the worker run the initializer. After set_up(), and before any call.
    virtual void initialize(const outgoing_call& call) = 0;

    /// Takes note of a task, and answers the slot by which it is known here from now on.
    virtual std::uint16_t admit(std::uint64_t id) noexcept = 0;

    /// Takes an admitted task to be sent with the next flush(). If it throws, the worker is of no use any more, and has not
    /// begun the task.
    virtual void send(std::uint16_t slot, const outgoing_call& call) = 0;

    /// Hands over all that was taken since the last time, in one go.
    virtual void flush() = 0;

    /// Something was sent of which the result may come soon: it is worth a CPU to hear of it without delay.
    virtual void look_out() = 0;

    virtual withdrawal withdraw(std::uint16_t slot, std::uint64_t id) = 0;

    /// After printed(): reads on.
    virtual void go_on_reading(output_stream which) = 0;

    /// What became of a task; final once the worker is gone.
    virtual wire::ledger_state look(std::uint16_t slot, std::uint64_t id) const = 0;

    /// What the worker is doing, or was doing last.
    virtual task_phase phase() const = 0;

    /// When a task that was sent as timed began, or the item of it that runs.
    virtual std::optional<std::chrono::steady_clock::time_point> began_at(std::uint64_t id) const = 0;

    /// Takes the second half of what a chunk has not begun; see wire::run_sheet::split.
    virtual std::optional<std::uint32_t> split(std::uint64_t id, std::uint32_t items) = 0;

    /// How far a chunk has come.
    virtual std::optional<wire::run_sheet::progress> progress(std::uint64_t id, std::uint32_t items) const = 0;

    /// Whether the worker takes more memory than it was allowed.
    virtual bool worn_out() const = 0;

    /// Whether a task has shown that it would notice being asked to stop.
    virtual bool listens(std::uint64_t id) const = 0;
    virtual void ask_to_stop(std::uint64_t id) = 0;

    /// Tells the worker that no more tasks come: it ends after what it has.
    virtual void close_input() = 0;

    /// Sends the worker, and what it started, SIGTERM.
    virtual void terminate() = 0;

    /// Ends the worker and what it started, at once. exited() comes as always.
    virtual void kill() = 0;

    /// Kills the worker, waits for its end no longer than this, and gives up everything. Answers that were there already may be
    /// told meanwhile; afterwards nothing is told any more.
    virtual void destroy(std::chrono::milliseconds bound) = 0;
};

} // namespace procpool::system

#endif
