// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_LOCAL_LINK_HPP
#define PROCPOOL_SYSTEM_LOCAL_LINK_HPP

#include <system/captured_stream.hpp>
#include <system/channel.hpp>
#include <system/descriptor_outlet.hpp>
#include <system/enclosed_input.hpp>
#include <system/enclosed_output.hpp>
#include <system/output_queue.hpp>
#include <system/prepared_worker.hpp>
#include <system/spin_window.hpp>
#include <system/worker_link.hpp>
#include <wire/frame_reader.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/writable_pipe.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace procpool::system {

/// The link to a worker that is a child process: two pipes, a shared page, and a pidfd.
class local_link final : public worker_link, public std::enable_shared_from_this<local_link> {
public:
    /// Starts a worker. Throws boost::system::system_error if that cannot be done; then nothing is left of the attempt.
    /**
     * @param own_process a descriptor from open_own_process()
     */
    static std::shared_ptr<local_link> launch(const boost::asio::any_io_executor& executor,
                                              const worker_command& command, int own_process);

    /// The link to a worker that was started by other means, with what was prepared for it. If that throws, the worker is ended.
    static std::shared_ptr<local_link> take_over(const boost::asio::any_io_executor& executor, prepared_worker prepared,
                                                 started_process started);

    ~local_link() override;

    /// How many bytes of a pipe a payload is to count as.
    static std::size_t bytes_in_pipe(const wire::payload& bytes) noexcept {
        return enclosed_output::wants(bytes) ? enclosed_output::counts_as(bytes) : bytes.size();
    }

    /// Begins to read from the worker and to watch it. The holder is told of it all for as long as it exists.
    void listen(std::weak_ptr<link_holder> holder);

    pid_t pid() const noexcept override { return pid_; }
    void set_up(const wire::setup_message& message) override;
    void initialize(const outgoing_call& call) override;
    std::uint16_t admit(std::uint64_t id) noexcept override;
    void send(std::uint16_t slot, const outgoing_call& call) override;
    void flush() override;
    void look_out() override;
    withdrawal withdraw(std::uint16_t slot, std::uint64_t id) override;
    wire::ledger_state look(std::uint16_t slot, std::uint64_t id) const override;
    void go_on_reading(output_stream which) override;
    task_phase phase() const override;
    std::optional<std::chrono::steady_clock::time_point> began_at(std::uint64_t id) const override;
    std::optional<std::uint32_t> split(std::uint64_t id, std::uint32_t items) override;
    std::optional<wire::run_sheet::progress> progress(std::uint64_t id, std::uint32_t items) const override;
    bool worn_out() const override;
    bool listens(std::uint64_t id) const override;
    void ask_to_stop(std::uint64_t id) override;
    void close_input() override;
    void terminate() override;
    void kill() override;
    void destroy(std::chrono::milliseconds bound) override;

    /// A link that is made but has no worker yet. For take_over() alone.
    local_link(const boost::asio::any_io_executor& executor, shared_mapping shared);

private:
    static constexpr const char* ledger_makes_no_sense =
        "something has written over the memory in which it tells the pool what it has begun";

    template <class Work>
    void in_turn(Work work);

    void recover_from(const char* what) noexcept;
    void announce_modules();
    void add_header(wire::frame_kind kind, std::size_t size, std::uint16_t slot = 0, std::uint64_t id = 0,
                    std::uint8_t flags = 0);
    void add_call(wire::frame_kind kind, std::uint16_t slot, std::uint64_t sent, const outgoing_call& call);
    void add_message(wire::frame_kind kind, const wire::payload& bytes);
    void write();
    bool send_due_descriptors();
    void read();
    void read_done(const boost::system::error_code& error, std::size_t size);
    void handle_frames();
    void look_into_ring();
    void look_again_soon();
    bool go_on_looking_out();
    static void peek(const std::shared_ptr<local_link>& self, std::chrono::steady_clock::time_point until);
    bool take_from_ring();
    void handle_frame(wire::frame&& frame);
    bool judge(const wire::frame_header& header);
    bool uses(const wire::frame_header& header) const noexcept;
    bool judge_answer(const wire::frame_header& header);
    void take_enclosure(const wire::frame& frame);
    void look_at(enclosed_input::outcome what);
    void handle_answer(const wire::frame_header& header, wire::payload&& bytes, std::exception_ptr problem = nullptr);
    void give_up_reading(const std::string& how);
    void read_lines(captured_stream& from);
    void watch();
    void child_changed(const boost::system::error_code& error);
    void end_here();
    void read_the_rest();
    void report_exit();
    void output_failed();
    void close_everything();

    boost::asio::writable_pipe calls_;
    boost::asio::readable_pipe answers_;
    boost::asio::posix::stream_descriptor watched_;
    descriptor_outlet descriptors_;
    captured_stream standard_output_;
    captured_stream standard_error_;
    shared_mapping shared_;
    wire::ring_reader ring_;
    pid_t pid_ = -1;
    std::weak_ptr<link_holder> holder_;
    link_holder* told_ = nullptr; ///< the holder, while in a turn

    struct slot_use {
        std::uint64_t sent = 0; ///< the task that uses the slot, as what it was sent; 0 for none, so ids start at 1
        std::uint64_t taken_back = 0; ///< how often one was
    };
    std::uint64_t sent_as(std::uint16_t slot, std::uint64_t id) const noexcept {
        return wire::sending::of(id, slots_[slot].taken_back);
    }

    std::array<slot_use, wire::ledger::slots> slots_{};
    std::vector<std::uint16_t> free_slots_;
    std::size_t announced_modules_ = 1; ///< the main program needs no announcing

    // A worker rings for an answer. More rings than answers make no sense.
    std::uint64_t rings_ = 0;
    std::uint64_t answers_from_ring_ = 0;

    output_queue output_;
    enclosed_output enclosed_output_{output_};
    wire::frame_reader input_;
    enclosed_input enclosed_input_;
    bool writing_ = false;
    bool reading_ = false;
    bool watching_ = false;
    bool looking_ = false; ///< another look into the ring is posted
    spin_window spin_;
    std::chrono::steady_clock::time_point look_out_until_{};
    std::atomic<bool> looks_out_{false};
    bool output_ended_ = false; ///< the worker's, that is our input
    bool deaf_ = false;         ///< nothing that the worker sends is believed any more
    bool closing_input_ = false;
    bool closed_ = true;
    std::optional<exit_status> status_;
    std::size_t own_size_ = 0; ///< this process's when it started the worker
};

template <class Work>
void local_link::in_turn(Work work) {
    const auto holder = holder_.lock();
    if (!holder)
        return;
    holder->begin_turn();
    if (!closed_) {
        told_ = holder.get();
        try {
            work();
        } catch (const std::exception& error) {
            // Most likely memory ran out. What was to be read next is not known any more, so the worker has to go.
            recover_from(error.what());
        }
        told_ = nullptr;
    }
    holder->end_turn();
}

} // namespace procpool::system

#endif
