// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/local_link.hpp>

#include <system/modules.hpp>
#include <system/spawn_launcher.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <cerrno>
#include <new>
#include <span>

#include <fcntl.h>
#include <unistd.h>

namespace procpool::system {

namespace asio = boost::asio;

namespace {

// About a quarter of a millisecond's worth.
constexpr std::size_t answers_per_look = 1024;

std::span<const std::byte> bytes_of(const auto& object) {
    return std::as_bytes(std::span(&object, 1));
}

} // namespace

std::shared_ptr<local_link> local_link::launch(const asio::any_io_executor& executor, const worker_command& command,
                                               int own_process) {
    shared_mapping shared = shared_mapping::create();
    pipe_ends calls = make_pipe();
    pipe_ends answers = make_pipe();
    set_non_blocking(calls.write.get());
    set_non_blocking(answers.read.get());

    spawn_launcher launcher;
    launcher.give(calls.read.get(), worker_calls_fd);
    launcher.give(answers.write.get(), worker_answers_fd);
    launcher.give(shared.fd(), worker_memory_fd);
    launcher.give(own_process, worker_pool_fd);

    auto link = std::make_shared<local_link>(executor, std::move(shared));
    std::vector<std::string> arguments = command.arguments;
    arguments.emplace_back(worker_argument);
    // Until all is in place, the process object ends the child should anything below fail.
    boost::process::v2::process process = launcher(executor, command.program, arguments);
    link->pid_ = process.id();
    unique_fd pidfd = launcher.take_pidfd();
    link->watched_.assign(pidfd.get());
    pidfd.release();
    link->calls_.assign(calls.write.get());
    calls.write.release();
    link->answers_.assign(answers.read.get());
    answers.read.release();
    link->shared_.close_fd();
    link->closed_ = false;
    process.detach(); // its wait would block, and its descriptor would be a second one for the same thing
    return link;
}

local_link::local_link(const asio::any_io_executor& executor, shared_mapping shared)
    : calls_(executor), answers_(executor), watched_(executor), shared_(std::move(shared)), ring_(shared_->answers) {
    free_slots_.reserve(wire::ledger::slots);
    for (std::size_t slot = wire::ledger::slots; slot != 0; --slot)
        free_slots_.push_back(static_cast<std::uint16_t>(slot - 1));
}

local_link::~local_link() {
    if (!closed_)
        destroy(std::chrono::seconds(5));
}

void local_link::listen(std::weak_ptr<link_holder> holder) {
    holder_ = std::move(holder);
    read();
    watch();
}

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
        } catch (const std::bad_alloc&) {
            give_up_reading("there is not enough memory for what it sent");
        }
        told_ = nullptr;
    }
    holder->end_turn();
}

// Sending -----------------------------------------------------------------------------------------------------------

void local_link::add_header(wire::frame_kind kind, std::size_t size, std::uint16_t slot, std::uint64_t id) {
    const wire::frame_header header{static_cast<std::uint32_t>(size), kind, 0, slot, id};
    output_.add(bytes_of(header));
}

void local_link::add_message(wire::frame_kind kind, const wire::payload& bytes) {
    add_header(kind, bytes.size());
    output_.add(bytes);
}

void local_link::set_up(const wire::setup_message& message) {
    add_message(wire::frame_kind::setup, wire::encode(message));
    flush();
}

// A call may refer to shared libraries in more than one way, so the worker is told of all that were ever met, once each.
void local_link::announce_modules() {
    for (; announced_modules_ != modules_met(); ++announced_modules_) {
        const auto number = static_cast<std::uint16_t>(announced_modules_);
        const module_identity identity = identify_module(number);
        add_message(wire::frame_kind::module,
                    wire::encode(wire::module_message{number, identity.path, identity.build_id}));
    }
}

std::uint16_t local_link::send(const outgoing_call& call) {
    if (announced_modules_ != modules_met())
        announce_modules();
    const std::uint16_t slot = free_slots_.back();
    free_slots_.pop_back();
    slots_[slot] = call.id;
    shared_->ledger.post(slot, call.id);
    add_header(wire::frame_kind::call, sizeof call.header + call.arguments.size(), slot, call.id);
    output_.add(bytes_of(call.header));
    output_.add(call.arguments);
    return slot;
}

void local_link::flush() {
    if (!writing_ && !closed_ && calls_.is_open() && !output_.empty())
        write();
}

void local_link::write() {
    writing_ = true;
    const std::span<const asio::const_buffer> buffers(output_.next());
    calls_.async_write_some(buffers, [self = shared_from_this()](const boost::system::error_code& error,
                                                                 std::size_t size) {
        self->in_turn([&] {
            self->writing_ = false;
            self->output_.written(size);
            if (error) {
                // The worker does not read any more. Its end will tell the rest.
                self->output_.clear();
                self->calls_.close();
            } else if (!self->output_.empty()) {
                self->write();
            } else if (self->closing_input_) {
                self->calls_.close();
            }
        });
    });
}

local_link::withdrawal local_link::withdraw(std::uint16_t slot, std::uint64_t id) {
    if (!shared_->ledger.withdraw(slot, id))
        return withdrawal::refused;
    slots_[slot] = 0;
    free_slots_.push_back(slot);
    return withdrawal::withdrawn;
}

wire::ledger_state local_link::look(std::uint16_t slot, std::uint64_t id) const {
    return shared_->ledger.look(slot, id);
}

task_phase local_link::phase() const {
    return shared_->ledger.phase();
}

void local_link::close_input() {
    closing_input_ = true;
    if (!writing_ && calls_.is_open())
        calls_.close();
}

// Receiving ---------------------------------------------------------------------------------------------------------

void local_link::read() {
    reading_ = true;
    const auto space = input_.writable();
    answers_.async_read_some(
        asio::buffer(space.data(), space.size()),
        [self = shared_from_this()](const boost::system::error_code& error, std::size_t size) {
            self->in_turn([&] { self->read_done(error, size); });
        });
}

void local_link::read_done(const boost::system::error_code& error, std::size_t size) {
    reading_ = false;
    input_.received(size);
    handle_frames();
    if (closed_)
        return;
    if (status_) {
        read_the_rest();
        report_exit();
        return;
    }
    look_into_ring();
    if (closed_)
        return;
    if (error) {
        output_ended_ = true;
        told_->output_ended();
    } else if (!deaf_) {
        read();
    }
}

void local_link::handle_frames() {
    while (!deaf_ && !closed_) {
        auto frame = input_.next();
        if (!frame)
            break;
        handle_frame(std::move(*frame));
    }
    if (input_.broken() && !deaf_ && !closed_)
        give_up_reading("it announced a message larger than any may be");
}

void local_link::handle_frame(wire::frame&& frame) {
    switch (frame.header.kind) {
    case wire::frame_kind::result:
    case wire::frame_kind::failure:
        handle_answer(frame.header, std::move(frame).keep());
        return;
    case wire::frame_kind::doorbell: // the ring is looked into whenever something came
        if (rings_due_ != 0)
            --rings_due_;
        else
            give_up_reading("it rang without having been asked to");
        return;
    case wire::frame_kind::hello:
        if (const auto message = wire::decode_hello(frame.bytes))
            told_->hello(*message);
        else
            give_up_reading("its first message makes no sense");
        return;
    case wire::frame_kind::setup:
    case wire::frame_kind::module:
    case wire::frame_kind::call:
        break;
    }
    give_up_reading("it sent a message of an unknown kind");
}

void local_link::handle_answer(const wire::frame_header& header, wire::payload&& bytes) {
    const auto [size, kind, reserved, slot, id] = header;
    if (slot >= slots_.size() || id == 0 || slots_[slot] != id) {
        give_up_reading("it answered a task that it did not have");
        return;
    }
    slots_[slot] = 0;
    free_slots_.push_back(slot);
    told_->answered({id, slot, kind == wire::frame_kind::failure, std::move(bytes)});
}

// The ring is looked into when the doorbell rang, until it is empty and the worker was asked to ring again. In portions: the
// program's other handlers get their turn in between.
void local_link::look_into_ring() {
    for (std::size_t count = 0; count != answers_per_look; ++count)
        if (!take_from_ring() && (deaf_ || closed_ || fall_asleep()))
            return;
    look_again_soon();
}

bool local_link::fall_asleep() {
    ++rings_due_;
    return ring_.sleep();
}

void local_link::look_again_soon() {
    if (std::exchange(looking_, true))
        return;
    asio::post(answers_.get_executor(), [self = shared_from_this()] {
        self->in_turn([&] {
            self->looking_ = false;
            if (!self->status_)
                self->look_into_ring();
        });
    });
}

bool local_link::take_from_ring() {
    if (deaf_ || closed_)
        return false;
    wire::frame_header header;
    wire::payload bytes;
    switch (ring_.take(header, bytes)) {
    case wire::ring_reader::found::nothing:
        return false;
    case wire::ring_reader::found::answer:
        if (header.kind == wire::frame_kind::result || header.kind == wire::frame_kind::failure) {
            handle_answer(header, std::move(bytes));
            return true;
        }
        [[fallthrough]];
    case wire::ring_reader::found::nonsense:
        break;
    }
    give_up_reading("what it left in the shared memory makes no sense");
    return false;
}

void local_link::give_up_reading(const std::string& how) {
    if (std::exchange(deaf_, true))
        return;
    told_->misbehaved(how);
}

// Watching ----------------------------------------------------------------------------------------------------------

void local_link::watch() {
    watched_.async_wait(asio::posix::stream_descriptor::wait_read,
                        [self = shared_from_this()](const boost::system::error_code& error) {
                            self->in_turn([&] { self->child_changed(error); });
                        });
}

void local_link::child_changed(const boost::system::error_code& error) {
    if (error || status_)
        return;
    status_ = try_reap(pid_, watched_.native_handle());
    if (!status_) {
        watch();
        return;
    }
    if (reading_) {
        // What was read already but not handled yet comes first; read_done() goes on from there.
        answers_.cancel();
    } else {
        read_the_rest();
        report_exit();
    }
}

// The worker is dead, so all that it wrote is in the pipe now. The end of file may never come: something that the worker
// left behind may hold the other end, and may even write.
void local_link::read_the_rest() {
    while (take_from_ring()) {
    }
    if (output_ended_ || deaf_ || !answers_.is_open())
        return;
    const int fd = answers_.native_handle();
    const int capacity = ::fcntl(fd, F_GETPIPE_SZ);
    std::size_t left = capacity > 0 ? static_cast<std::size_t>(capacity) : 0;
    while (left != 0 && !deaf_ && !closed_) {
        const auto space = input_.writable();
        const ssize_t size = ::read(fd, space.data(), std::min(space.size(), left));
        input_.received(size > 0 ? static_cast<std::size_t>(size) : 0);
        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0)
            break;
        left -= static_cast<std::size_t>(size);
        handle_frames();
    }
}

void local_link::report_exit() {
    if (!closed_)
        told_->exited(*status_);
}

void local_link::kill() {
    if (!status_ && !closed_)
        kill_group(pid_);
}

void local_link::destroy(std::chrono::milliseconds bound) {
    if (closed_)
        return;
    if (!status_) {
        kill_group(pid_);
        reap_within(pid_, watched_.native_handle(), bound);
    }
    close_everything();
}

void local_link::close_everything() {
    closed_ = true;
    boost::system::error_code ignored;
    calls_.close(ignored);
    answers_.close(ignored);
    watched_.close(ignored);
    if (!writing_)
        output_.clear();
}

} // namespace procpool::system
