// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/local_link.hpp>

#include <system/descriptor_channel.hpp>
#include <system/failure.hpp>
#include <system/modules.hpp>
#include <system/process.hpp>
#include <system/spawn_launcher.hpp>
#include <system/word_wait.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <cerrno>
#include <new>
#include <span>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

namespace procpool::system {

namespace asio = boost::asio;

namespace {

// About a quarter of a millisecond's worth.
constexpr std::size_t answers_per_look = 1024;

// An exception of an initializer may have a long text.
constexpr std::size_t longest_other_message = std::size_t{256} << 10;

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

void local_link::recover_from(const char* what) noexcept {
    try {
        deaf_ = true;
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
    slots_[slot] = id;
    shared_->ledger.post(slot, id);
    return slot;
}

void local_link::send(std::uint16_t slot, const outgoing_call& call) {
    add_call(wire::frame_kind::call, slot, call);
}

void local_link::initialize(const outgoing_call& call) {
    add_call(wire::frame_kind::initialize, 0, call);
    flush();
}

void local_link::add_call(wire::frame_kind kind, std::uint16_t slot, const outgoing_call& call) {
    if (announced_modules_ != modules_met())
        announce_modules();
    if (enclosed_output::wants(call.arguments)) {
        enclosed_output_.add({0, kind, call.flags, slot, call.id}, call);
        return;
    }
    add_header(kind, sizeof call.header + call.arguments.size(), slot, call.id, call.flags);
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

// Receiving ---------------------------------------------------------------------------------------------------------

void local_link::read() {
    const auto space = input_.writable();
    answers_.async_read_some(asio::buffer(space.data(), space.size()),
                             [self = shared_from_this()](const boost::system::error_code& error, std::size_t size) {
                                 self->in_turn([&] { self->read_done(error, size); });
                             });
    reading_ = true;
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
        if (error != asio::error::eof) // the fault is on this side, and the worker may wait for ever for being read
            told_->lost("nothing could be read from it any more: " + error.message());
        else
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
    if (deaf_ || closed_)
        return;
    if (input_.broken())
        give_up_reading("it announced a message larger than any may be");
    else if (const wire::frame_header* const header = input_.collecting())
        judge(*header); // before its payload is collected
}

void local_link::handle_frame(wire::frame&& frame) {
    switch (frame.header.kind) {
    case wire::frame_kind::result:
    case wire::frame_kind::failure:
        if ((frame.header.flags & wire::call_flags::enclosed) == 0) {
            handle_answer(frame.header, std::move(frame).keep());
        } else if (const wire::frame_header header = frame.header; judge_answer(header)) {
            wire::payload answer;
            if (take_enclosure(std::move(frame), answer))
                handle_answer(header, std::move(answer));
        }
        return;
    case wire::frame_kind::has_segment:
        look_at(enclosed_input_.has_segment(frame.bytes, descriptors_.socket().native_handle()));
        return;
    case wire::frame_kind::dropped_segment:
        look_at(enclosed_input_.dropped_segment(frame.bytes));
        return;
    case wire::frame_kind::doorbell: // the ring is looked into whenever something came
        ++rings_;
        if (!ring_.rang())
            give_up_reading("it rang without having been asked to");
        return;
    case wire::frame_kind::ready:
        told_->initialized(nullptr);
        return;
    case wire::frame_kind::not_ready: {
        const wire::payload error = std::move(frame).keep();
        told_->initialized(&error);
        return;
    }
    case wire::frame_kind::progress:
        if (auto message = wire::decode_progress(frame.bytes))
            told_->progressed(frame.header.id, std::move(*message));
        else
            give_up_reading("it reported progress that makes no sense");
        return;
    case wire::frame_kind::hello:
        if (const auto message = wire::decode_hello(frame.bytes))
            told_->hello(*message);
        else
            give_up_reading("its first message makes no sense");
        return;
    default:
        give_up_reading("it sent a message of an unknown kind");
    }
}

// Whether a message that is not whole yet is worth its memory.
bool local_link::judge(const wire::frame_header& header) {
    if (header.kind == wire::frame_kind::result || header.kind == wire::frame_kind::failure)
        return judge_answer(header);
    if (header.size <= longest_other_message)
        return true;
    give_up_reading("it sent a message that makes no sense");
    return false;
}

bool local_link::judge_answer(const wire::frame_header& header) {
    if (header.slot < slots_.size() && header.id != 0 && slots_[header.slot] == header.id)
        return true;
    give_up_reading("it answered a task that it did not have");
    return false;
}

bool local_link::take_enclosure(wire::frame&& frame, wire::payload& answer) {
    return look_at(enclosed_input_.open(frame.bytes, descriptors_.socket().native_handle(), answer));
}

bool local_link::look_at(enclosed_input::outcome what) {
    if (what == enclosed_input::outcome::nonsense)
        give_up_reading(enclosed_input_.said());
    if (what == enclosed_input::outcome::shortage && !std::exchange(deaf_, true))
        told_->lost(
            "what it handed over could not be taken: this process has as many descriptors open as RLIMIT_NOFILE "
            "lets it (see ulimit -n)");
    return what == enclosed_input::outcome::good;
}

void local_link::handle_answer(const wire::frame_header& header, wire::payload&& bytes) {
    if (!judge_answer(header))
        return;
    slots_[header.slot] = 0;
    free_slots_.push_back(header.slot);
    told_->answered({header.id, header.slot, header.kind == wire::frame_kind::failure, std::move(bytes)});
    if (enclosed_output_.forget_gone())
        flush();
}

// The ring is looked into when the doorbell rang, until it is empty and the worker was asked to ring again. In portions: the
// program's other handlers get their turn in between.
void local_link::look_into_ring() {
    bool was_empty = false;
    for (std::size_t count = 0; count != answers_per_look; ++count) {
        if (take_from_ring()) {
            was_empty = false;
            continue;
        }
        if (deaf_ || closed_)
            return;
        if (go_on_looking_out())
            return;
        if (ring_.sleep()) {
            if (rings_ > answers_from_ring_)
                give_up_reading("it rang without having answered");
            return;
        }
        if (std::exchange(was_empty, true)) {
            give_up_reading("what it left in the shared memory comes and goes");
            return;
        }
    }
    look_again_soon();
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

void local_link::look_out() {
    if (looking_ || deaf_ || closed_)
        return; // the ring is looked into soon anyway
    const auto longest = spin_.next();
    if (longest == longest.zero())
        return;
    look_out_until_ = std::chrono::steady_clock::now() + longest;
    looks_out_.store(true, std::memory_order_relaxed);
    if (go_on_looking_out())
        ring_.wake();
}

// While there is something to look out for. False also if there is no memory for it, so that the worker has to ring.
bool local_link::go_on_looking_out() {
    if (!looks_out_.load(std::memory_order_relaxed))
        return false;
    looks_out_.store(false, std::memory_order_relaxed);
    const bool expects = free_slots_.size() != slots_.size();
    if (!expects || std::chrono::steady_clock::now() >= look_out_until_)
        return false;
    try {
        asio::post(answers_.get_executor(),
                   [self = shared_from_this(), until = look_out_until_] { peek(self, until); });
    } catch (const std::bad_alloc&) {
        return false;
    }
    looks_out_.store(true, std::memory_order_relaxed);
    looking_ = true;
    return true;
}

// Until there is something to see not in a turn, which takes longer than a look.
void local_link::peek(const std::shared_ptr<local_link>& self, std::chrono::steady_clock::time_point until) {
    const bool found = self->ring_.may_hold_something();
    if (!found && self->looks_out_.load(std::memory_order_relaxed) && std::chrono::steady_clock::now() < until) {
        try {
            asio::post(self->answers_.get_executor(), [self, until] { peek(self, until); });
            return;
        } catch (const std::bad_alloc&) {
            // Then this was the last look before the worker has to ring.
        }
    }
    self->in_turn([&] {
        self->looking_ = false;
        if (found)
            self->spin_.worked_out();
        else
            self->spin_.was_in_vain();
        if (!self->status_)
            self->look_into_ring();
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
            ++answers_from_ring_;
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

void local_link::go_on_reading(output_stream which) {
    captured_stream& from = which == output_stream::standard_output ? standard_output_ : standard_error_;
    if (closed_ || !from.is_open() || from.waiting())
        return;
    from.async_wait([self = shared_from_this(), &from](const boost::system::error_code& error) {
        self->in_turn([&] {
            if (error)
                from.close();
            self->read_lines(from);
        });
    });
}

void local_link::read_lines(captured_stream& from) {
    from.waited();
    if (from.is_open())
        told_->printed(from.which(), from.read());
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
