// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// What comes from a worker, through its pipe and its ring. None of it is believed.

#include <system/local_link.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>

#include <new>

namespace procpool::system {

namespace asio = boost::asio;

namespace {

// About a quarter of a millisecond's worth.
constexpr std::size_t answers_per_look = 1024;

// An exception of an initializer may have a long text.
constexpr std::size_t longest_other_message = std::size_t{256} << 10;

} // namespace

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
    if (error == asio::error::eof) {
        output_ended_ = true;
        told_->output_ended();
    } else if (error) {
        // The fault is on this side, and the worker may wait for ever for being read. When it is dead, what is in the pipe is
        // tried once more.
        told_->lost("nothing could be read from it any more: " + error.message());
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
        if ((frame.header.flags & wire::call_flags::enclosed) == 0)
            handle_answer(frame.header, std::move(frame).keep());
        else if (judge_answer(frame.header))
            take_enclosure(frame);
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
    case wire::frame_kind::passed_over:
        if (!uses(frame.header))
            return; // it was taken back
        // What it has answered before still counts; there cannot be more than it has tasks.
        for (std::size_t count = 0; count != slots_.size() && take_from_ring(); ++count) {
        }
        give_up_reading(ledger_makes_no_sense);
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

/// Whether that is a task that the worker has, under the number by which it was sent.
bool local_link::uses(const wire::frame_header& header) const noexcept {
    return header.slot < slots_.size() && header.id != 0 && slots_[header.slot].sent == header.id;
}

bool local_link::judge_answer(const wire::frame_header& header) {
    if (uses(header))
        return true;
    give_up_reading("it answered a task that it did not have");
    return false;
}

void local_link::take_enclosure(const wire::frame& frame) {
    using outcome = enclosed_input::outcome;
    wire::payload answer;
    const outcome got = enclosed_input_.open(frame.bytes, descriptors_.socket().native_handle(), answer);
    if (got == outcome::good)
        handle_answer(frame.header, std::move(answer));
    else if (got == outcome::shortage)
        handle_answer(frame.header, {}, enclosed_input_.problem());
    else
        look_at(got);
}

void local_link::look_at(enclosed_input::outcome what) {
    if (what == enclosed_input::outcome::nonsense)
        give_up_reading(enclosed_input_.said());
    if (what == enclosed_input::outcome::lost && !std::exchange(deaf_, true))
        told_->lost("what it handed over could not be taken: the system has no memory for that");
}

void local_link::handle_answer(const wire::frame_header& header, wire::payload&& bytes, std::exception_ptr problem) {
    if (!judge_answer(header))
        return;
    slots_[header.slot].sent = 0;
    free_slots_.push_back(header.slot);
    told_->answered({wire::sending::task(header.id), header.slot, header.kind == wire::frame_kind::failure,
                     std::move(bytes), std::move(problem)});
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
    if (looking_) { // what came through the pipe meanwhile is no reason to look out twice
        looks_out_.store(true, std::memory_order_relaxed);
        return true;
    }
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

} // namespace procpool::system
