// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/local_link.hpp>

#include <system/failure.hpp>
#include <system/modules.hpp>
#include <system/process.hpp>
#include <system/spawn_launcher.hpp>
#include <system/word_wait.hpp>

#include <boost/asio/buffer.hpp>

#include <algorithm>
#include <cerrno>
#include <span>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

namespace procpool::system {

namespace asio = boost::asio;

namespace {

std::span<const std::byte> bytes_of(const auto& object) {
    return std::as_bytes(std::span(&object, 1));
}

// The object takes the descriptor over, or says why not.
template <class Object>
void adopt(Object& object, unique_fd& fd) {
    boost::system::error_code error;
    object.assign(fd.get(), error);
    if (error)
        throw_failure("watching a worker", error.value());
    fd.release();
}

} // namespace

std::shared_ptr<local_link> local_link::launch(const asio::any_io_executor& executor, const worker_command& command,
                                               int own_process) {
    prepared_worker prepared = prepare_worker(command, own_process);
    std::vector<std::string> arguments = command.arguments;
    if (command.orders >= 0)
        prepared.descriptors.give(command.orders, fork_server_orders_fd);
    arguments.emplace_back(command.orders >= 0 ? fork_server_argument : worker_argument);
    spawn_launcher launcher(prepared.descriptors);
    boost::process::v2::process process = launcher(executor, command.program, arguments);
    started_process started{process.id(), launcher.take_pidfd(), most_resident_memory()};
    // Its wait would block, or leave a zombie if a signal comes; and its descriptor would be a second one for the same thing.
    process.detach();
    return take_over(executor, std::move(prepared), std::move(started));
}

std::shared_ptr<local_link> local_link::take_over(const asio::any_io_executor& executor, prepared_worker prepared,
                                                  started_process started) {
    std::shared_ptr<local_link> link;
    try {
        link = std::make_shared<local_link>(executor, std::move(prepared.shared));
        adopt(link->watched_, started.pidfd);
    } catch (...) {
        end_unwatched_child(started.pid);
        throw;
    }
    link->pid_ = started.pid;
    link->own_size_ = started.own_size;
    link->closed_ = false; // from here on the link ends the child should anything below fail
    adopt(link->calls_, prepared.calls.write);
    adopt(link->answers_, prepared.answers.read);
    adopt(link->descriptors_.socket(), prepared.descriptor_channel.pool);
    if (prepared.printed.read)
        adopt(link->standard_output_.end(), prepared.printed.read);
    if (prepared.complained.read)
        adopt(link->standard_error_.end(), prepared.complained.read);
    link->shared_.close_fd();
    return link;
}

local_link::local_link(const asio::any_io_executor& executor, shared_mapping shared)
    : calls_(executor), answers_(executor), watched_(executor), descriptors_(executor),
      standard_output_(executor, output_stream::standard_output),
      standard_error_(executor, output_stream::standard_error), shared_(std::move(shared)), ring_(shared_->answers),
      enclosed_input_(shared_.share()) {
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
    go_on_reading(output_stream::standard_output);
    go_on_reading(output_stream::standard_error);
}

void local_link::recover_from(const char* what) noexcept {
    try {
        deaf_ = true;
        if (closed_)
            return; // whoever was told has given it up already
        told_->lost(std::string("what it sent could not be dealt with: ") + what);
        if (!watching_ && !status_)
            end_here();
        if (status_ && !reading_)
            report_exit();
    } catch (const std::exception&) {
        // There is not even memory for saying so. The deadlines of the worker's life remain.
    }
}

// Sending -----------------------------------------------------------------------------------------------------------

void local_link::add_header(wire::frame_kind kind, std::size_t size, std::uint16_t slot, std::uint64_t id,
                            std::uint8_t flags) {
    const wire::frame_header header{static_cast<std::uint32_t>(size), kind, flags, slot, id};
    output_.add(bytes_of(header));
}

void local_link::add_message(wire::frame_kind kind, const wire::payload& bytes) {
    add_header(kind, bytes.size());
    output_.add(bytes);
}

void local_link::set_up(const wire::setup_message& message) {
    spin_ = spin_window(std::chrono::nanoseconds(message.spin));
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

std::uint16_t local_link::admit(std::uint64_t id) noexcept {
    const std::uint16_t slot = free_slots_.back();
    free_slots_.pop_back();
    slots_[slot].sent = sent_as(slot, id);
    shared_->ledger.post(slot, slots_[slot].sent);
    return slot;
}

void local_link::send(std::uint16_t slot, const outgoing_call& call) {
    add_call(wire::frame_kind::call, slot, sent_as(slot, call.id), call);
}

void local_link::initialize(const outgoing_call& call) {
    add_call(wire::frame_kind::initialize, 0, call.id, call);
    flush();
}

void local_link::add_call(wire::frame_kind kind, std::uint16_t slot, std::uint64_t sent, const outgoing_call& call) {
    if (announced_modules_ != modules_met())
        announce_modules();
    if (enclosed_output::wants(call.arguments)) {
        enclosed_output_.add({0, kind, call.flags, slot, sent}, call);
        return;
    }
    add_header(kind, sizeof call.header + call.arguments.size(), slot, sent, call.flags);
    output_.add(bytes_of(call.header));
    output_.add(call.arguments);
}

void local_link::flush() {
    if (!writing_ && !closed_ && calls_.is_open() && !output_.empty())
        write();
}

/// What descriptors go before the next bytes are sent. False if they have to wait; then it goes on by itself.
bool local_link::send_due_descriptors() {
    while (const auto* const due = output_.due()) {
        if (!descriptors_.send(*due)) {
            descriptors_.async_wait([self = shared_from_this()] {
                self->in_turn([&] {
                    self->writing_ = false;
                    self->flush();
                });
            });
            writing_ = true;
            return false;
        }
        output_.due_sent();
    }
    return true;
}

void local_link::write() {
    if (!send_due_descriptors())
        return;
    const std::span<const asio::const_buffer> buffers(output_.next());
    calls_.async_write_some(buffers,
                            [self = shared_from_this()](const boost::system::error_code& error, std::size_t size) {
                                self->in_turn([&] {
                                    self->writing_ = false;
                                    self->output_.written(size);
                                    if (error)
                                        self->output_failed();
                                    else if (!self->output_.empty())
                                        self->write();
                                    else if (self->closing_input_)
                                        self->calls_.close();
                                });
                            });
    writing_ = true;
}

// The worker does not read any more. Nothing that is sent would reach it, so it is as good as one that has ended.
void local_link::output_failed() {
    output_.clear();
    boost::system::error_code ignored;
    calls_.close(ignored);
    told_->output_ended();
}

local_link::withdrawal local_link::withdraw(std::uint16_t slot, std::uint64_t id) {
    if (!shared_->ledger.withdraw(slot, sent_as(slot, id))) {
        const wire::ledger_state state = look(slot, id);
        if (state != wire::ledger_state::running && state != wire::ledger_state::done && !std::exchange(deaf_, true))
            if (const auto holder = holder_.lock())
                holder->misbehaved(ledger_makes_no_sense);
        return withdrawal::refused;
    }
    slots_[slot].sent = 0;
    ++slots_[slot].taken_back;
    free_slots_.push_back(slot);
    return withdrawal::withdrawn;
}

wire::ledger_state local_link::look(std::uint16_t slot, std::uint64_t id) const {
    return shared_->ledger.look(slot, sent_as(slot, id));
}

task_phase local_link::phase() const {
    return shared_->ledger.phase();
}

std::optional<std::chrono::steady_clock::time_point> local_link::began_at(std::uint64_t id) const {
    const auto since_epoch = shared_->running.began_at(id);
    if (!since_epoch)
        return std::nullopt;
    return std::chrono::steady_clock::time_point(
        std::chrono::nanoseconds(static_cast<std::chrono::nanoseconds::rep>(*since_epoch)));
}

std::optional<std::uint32_t> local_link::split(std::uint64_t id, std::uint32_t items) {
    return shared_->running.split(id, items);
}

std::optional<wire::run_sheet::progress> local_link::progress(std::uint64_t id, std::uint32_t items) const {
    return shared_->running.look(id, items);
}

bool local_link::worn_out() const {
    return shared_->running.worn_out();
}

bool local_link::listens(std::uint64_t id) const {
    return shared_->running.listens(id);
}

void local_link::ask_to_stop(std::uint64_t id) {
    shared_->running.ask_to_stop(id);
    wake_waiters(shared_->running.stops());
}

void local_link::close_input() {
    if (std::exchange(closing_input_, true) || !calls_.is_open())
        return;
    // A message as well as the end of the pipe, of which a copy of this process made by fork may hold another end.
    add_header(wire::frame_kind::finish, 0);
    flush();
}

// Watching ----------------------------------------------------------------------------------------------------------

void local_link::watch() {
    watched_.async_wait(asio::posix::stream_descriptor::wait_read,
                        [self = shared_from_this()](const boost::system::error_code& error) {
                            self->in_turn([&] {
                                self->watching_ = false;
                                self->child_changed(error);
                            });
                        });
    watching_ = true;
}

void local_link::child_changed(const boost::system::error_code& error) {
    if (status_ || error == asio::error::operation_aborted)
        return;
    if (error) {
        told_->lost("its process could not be watched: " + error.message());
        end_here();
    } else {
        status_ = try_reap(pid_, watched_.native_handle());
    }
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

// A worker of whose end nobody would hear is of no use, and its end has to be waited for.
void local_link::end_here() {
    kill();
    status_ = reap_within(pid_, watched_.native_handle(), std::chrono::seconds(5)).value_or(exit_status{});
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
    if (status_->usage && status_->usage->most_resident <= own_size_)
        status_->usage->most_resident.reset();
    for (captured_stream* const stream : {&standard_output_, &standard_error_})
        if (!closed_ && stream->is_open())
            told_->printed(stream->which(), stream->read_the_rest());
    if (!closed_)
        told_->exited(*status_);
}

void local_link::terminate() {
    if (!status_ && !closed_)
        signal_group(pid_, watched_.native_handle(), SIGTERM);
}

void local_link::kill() {
    if (!status_ && !closed_)
        kill_group(pid_, watched_.native_handle());
}

void local_link::destroy(std::chrono::milliseconds bound) {
    if (closed_)
        return;
    if (!status_) {
        kill_group(pid_, watched_.native_handle());
        reap_within(pid_, watched_.native_handle(), bound);
        // Answers that wait in the ring still count. What is in the pipe belongs to a read that is under way.
        if (const auto holder = holder_.lock()) {
            told_ = holder.get();
            while (take_from_ring()) {
            }
            told_ = nullptr;
        }
    }
    close_everything();
}

void local_link::close_everything() {
    closed_ = true;
    looks_out_.store(false, std::memory_order_relaxed);
    boost::system::error_code ignored;
    calls_.close(ignored);
    answers_.close(ignored);
    watched_.close(ignored);
    descriptors_.close();
    standard_output_.close();
    standard_error_.close();
    if (!writing_)
        output_.clear();
}

} // namespace procpool::system
