// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// All that comes from a worker, through a real link with its pipes, shared memory and a process. The process does nothing;
// this plays its part, honestly or not, and the part of the core, which holds the link. As long as the worker is honest,
// every answer arrives and nothing is held against it. Whatever it does, nothing is told that the core could not bear.

#include <fuzz/input.hpp>
#include <fuzz/things.hpp>

#include <machines/worker_life.hpp>
#include <system/channel.hpp>
#include <system/local_link.hpp>
#include <system/segment.hpp>
#include <system/segment_cache.hpp>
#include <system/spawn_launcher.hpp>
#include <system/unique_fd.hpp>
#include <system/worker_segments.hpp>
#include <wire/enclosure.hpp>

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace procpool::fuzz {

namespace {

using machines::worker_life;

system::unique_fd copy_of(int fd) {
    system::unique_fd made(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
    require(static_cast<bool>(made), "the worker's end of the link cannot be copied");
    return made;
}

/// The same of a pipe that does not wait.
system::unique_fd not_waiting(system::unique_fd pipe) {
    system::set_non_blocking(pipe.get());
    return pipe;
}

/// Something to be attached to a message, which says where.
std::shared_ptr<system::segment> attachable(std::size_t at) {
    auto made = system::segment::make(1);
    made->provide(1);
    *made->writable() = static_cast<std::byte>(at);
    made->seal();
    return made;
}

/// So many things one by one in front of some bytes.
wire::payload_builder& fill(wire::payload_builder& builder, std::size_t things, bytes some) {
    for (std::size_t at = 0; at != things; ++at) {
        builder.attach(attachable(at));
        builder.append(some.data() + at, 1);
    }
    builder.append(some.data() + things, some.size() - things);
    return builder;
}

/// What is attached to a message can be looked at; whether it is what fill() has made.
bool well_filled(const wire::payload& message, std::size_t things) {
    const wire::attachments with = message.attachments();
    bool good = with.all.size() == things;
    for (std::size_t i = 0; i != with.all.size(); ++i) {
        const auto& memory = static_cast<const system::segment&>(*with.all[i].what);
        const volatile std::byte* const all = memory.data();
        for (std::size_t at = 0; at < memory.size(); at += 4096)
            (void)all[at];
        good = good && with.all[i].at - with.shift == i && memory.size() == 1 && all[0] == static_cast<std::byte>(i);
    }
    return good;
}

/// A process that is to end does so at some time or other; waiting for it makes a fuzzer's inputs mean the same each time.
void wait_for_end(int pidfd) {
    pollfd ended{pidfd, POLLIN, 0};
    while (::poll(&ended, 1, -1) < 0 && errno == EINTR) {
    }
}

/// Not one by one, of which libFuzzer would make much.
bool same(bytes left, bytes right) {
    return left.size() == right.size() && (left.empty() || std::memcmp(left.data(), right.data(), left.size()) == 0);
}

/// The core's side: it holds the link and does what a worker's life says.
class holder final : public system::link_holder {
public:
    struct task {
        std::uint16_t slot;
        std::uint32_t items;
    };

    std::shared_ptr<system::local_link> link;
    system::unique_fd pidfd;
    std::map<std::uint64_t, task> tasks;                 ///< those that the worker has
    std::map<std::uint64_t, std::vector<std::byte>> due; ///< answers of the worker's that were not told yet
    std::map<std::uint64_t, std::size_t> attached;       ///< how many things to those, unless it is none
    std::deque<std::pair<wire::payload, std::vector<std::byte>>> kept; ///< that are not read yet, and what they said
    std::vector<std::string> lines;                                    ///< what it has printed
    std::set<std::uint64_t> doubtful; ///< of those, it was killed in the middle of giving
    bool honest = true;
    bool misbehaves = false;
    bool has_exited = false;
    bool leaving = false; ///< it gets no more tasks
    bool killed = false;
    bool destroyed = false;
    std::string wrong; ///< what should not have been told; not thrown, for the link is in between

    void begin_turn() override {
        expect(!in_turn_, "a turn begins within another");
        in_turn_ = true;
    }
    void end_turn() override {
        expect(in_turn_, "a turn ends that did not begin");
        in_turn_ = false;
    }

    void hello(const wire::hello_message& message) override {
        heard();
        act(life_.hello(now_, message.version == wire::protocol_version && message.build_id == "b"));
    }
    void initialized(const wire::payload* error) override {
        heard();
        act(life_.initialized(!error));
    }
    void progressed(std::uint64_t, wire::progress_message&&) override { heard(); }

    void answered(system::answer&& message) override {
        heard();
        const auto had = tasks.find(message.id);
        if (!expect(had != tasks.end(), "a task is answered that the worker does not have"))
            return;
        expect(had->second.slot == message.slot, "a task is answered in another slot");
        tasks.erase(had);
        if (const auto answer = due.find(message.id); answer != due.end()) {
            expect(!honest || same(message.bytes.bytes(), answer->second), "an answer has other bytes");
            const auto with = attached.extract(message.id);
            const bool filled = well_filled(message.bytes, with ? with.mapped() : 0);
            expect(!honest || filled, "other things are attached to an answer");
            if (message.bytes.size() >= wire::storage::threshold || with)
                kept.emplace_back(std::move(message.bytes), std::move(answer->second));
            due.erase(answer);
            doubtful.erase(message.id);
        } else {
            expect(!honest, "a task is answered that the worker did not answer");
            well_filled(message.bytes, 0);
            const std::vector<std::byte> read(message.bytes.bytes().begin(), message.bytes.bytes().end());
            kept.emplace_back(std::move(message.bytes), read);
        }
    }

    /// Somebody reads an answer, and gives it up.
    void read_answer() {
        if (kept.empty())
            return;
        const auto& [message, said] = kept.front();
        const bool unchanged = same(message.bytes(), said);
        expect(!honest || unchanged, "an answer changes after it was told");
        kept.pop_front();
    }

    void misbehaved(const std::string& how) override {
        heard();
        misbehaves = true;
        if (honest)
            expect(false, "an honest worker is said to misbehave: " + how);
        act(life_.misbehaved());
    }

    void lost(const std::string& how) override {
        heard_end();
        expect(false, "the worker is lost: " + how); // for here the system does not fail
    }

    void printed(output_stream where, std::vector<std::string>&& some) override {
        heard_end();
        for (std::string& line : some)
            lines.push_back(std::move(line));
        link->go_on_reading(where);
    }

    void output_ended() override {
        heard_end();
        act(life_.output_ended(now_));
    }

    void exited(const system::exit_status&) override {
        heard_end();
        has_exited = true;
        expect(life_.exited() == worker_life::action::bury, "a worker is buried twice");
    }

    // What the core does by itself.

    /// Calls the link as the core does, in a turn.
    template <class Work>
    void in_turn(Work work) {
        begin_turn();
        work();
        end_turn();
    }

    void retire() { act(life_.retire(now_)); }
    void kill() { act(life_.kill(worker_life::cause::task_cancelled)); }
    void time_passes() {
        now_ += std::chrono::seconds(31);
        act(life_.time_passed(now_));
    }

private:
    bool expect(bool holds, const std::string& otherwise) {
        if (!holds && wrong.empty())
            wrong = otherwise;
        return holds;
    }
    void heard_end() {
        expect(in_turn_, "something is told outside of a turn");
        expect(!has_exited, "something is told after the worker's end");
        expect(!destroyed, "something is told after the link was given up");
    }
    void heard() {
        heard_end();
        expect(!misbehaves, "something is told of what came after the worker misbehaved");
    }

    void act(worker_life::action action) {
        leaving = leaving || action == worker_life::action::close_input || action == worker_life::action::kill;
        if (action == worker_life::action::close_input)
            link->close_input();
        if (action == worker_life::action::kill) {
            link->kill();
            killed = true;
            wait_for_end(pidfd.get());
        }
    }

    worker_life life_{worker_life::time_point{}};
    worker_life::time_point now_{};
    bool in_turn_ = false;
};

class world {
public:
    world() {
        system::worker_command command;
        command.program = "/bin/sh";
        // Stopped, it does nothing until it is killed; should this process go first, the system ends it.
        command.arguments = {"sh", "-c", "kill -STOP $$"};
        command.standard_output = output::capture;
        const system::unique_fd own_process = system::open_own_process();
        system::prepared_worker prepared = system::prepare_worker(command, own_process.get());
        system::spawn_launcher launcher(prepared.descriptors);
        auto process = launcher(context_.get_executor(), command.program, command.arguments);
        system::started_process started{process.id(), launcher.take_pidfd(), 0};
        process.detach();
        // The worker's ends, which are this side's now.
        core_->pidfd = copy_of(started.pidfd.get());
        calls_ = not_waiting(std::move(prepared.calls.read));
        answers_ = not_waiting(std::move(prepared.answers.write));
        standard_output_ = not_waiting(std::move(prepared.printed.write));
        memory_.emplace(system::shared_mapping::open(copy_of(prepared.shared.fd())));
        ring_.emplace((*memory_)->answers);
        descriptors_ = std::move(prepared.descriptor_channel.worker);
        segments_.emplace(copy_of(descriptors_.get()), (*memory_)->results);
        core_->link = system::local_link::take_over(context_.get_executor(), std::move(prepared), std::move(started));
        core_->link->listen(core_);
        core_->in_turn([&] { core_->link->set_up({0, 0}); });
    }

    ~world() { end(); }

    void step(input& in) {
        switch (in.choice(32)) {
        case 0:
        case 1:
            send(in);
            break;
        case 2:
        case 3:
            answer(in);
            break;
        case 4: // more than one answer before anybody looks
            for (std::size_t more = 2 + in.choice(6); more != 0; --more)
                answer(in);
            break;
        case 5:
            say_hello(in);
            break;
        case 6:
            write_frame(wire::frame_kind::progress, 0, next_id_,
                        wire::encode(wire::progress_message{0.5, std::string(in.number(), 'p')}).bytes());
            break;
        case 7:
            withdraw(in);
            break;
        case 8:
            look(in);
            break;
        case 9:
            read_calls();
            break;
        case 10:
            core_act(in);
            break;
        case 11: // any bytes
            core_->honest = false;
            write(in.some(in.number()));
            break;
        case 12:
        case 13:
            forge_frame(in);
            break;
        case 14:
            forge_ring(in);
            break;
        case 15:
        case 16:
            scribble(in);
            break;
        case 17: // the worker ends, with what it has left behind
            die();
            break;
        case 18:
            print(in.some(in.number()));
            break;
        case 21:
        case 22:
            send_enclosed(in);
            break;
        case 23:
        case 24:
        case 25:
            answer_enclosed(in);
            break;
        case 26:
            core_->read_answer();
            break;
        case 27: // the worker gives up memory
            if (segments_)
                write(segments_->trim(in.choice(4) * wire::storage::threshold));
            break;
        case 28:
            core_->honest = false;
            forge_descriptors(in);
            break;
        case 29:
            forge_memory(in);
            break;
        case 30:
        case 31:
            forge_enclosed(in);
            break;
        default:
            settle();
        }
        check();
    }

    void end() {
        if (!core_->link)
            return;
        core_->in_turn([&] { core_->link->destroy(std::chrono::seconds(20)); });
        core_->destroyed = true;
        core_->link.reset();
        run();
        while (!core_->kept.empty()) // answers outlive the link
            core_->read_answer();
        handed_.check();
    }

    void check() const {
        if (!core_->wrong.empty())
            throw violation(core_->wrong);
    }

    /// Everything that is there to be handled is handled.
    void settle() {
        run();
        check();
        require_all_printed();
        if (!core_->killed) {
            require(!core_->honest || core_->due.empty(), "an honest worker's answer does not arrive");
            return;
        }
        require(core_->has_exited, "the end of a worker is not told");
        for (const auto& [id, answer] : core_->due)
            require(!core_->honest || core_->doubtful.contains(id), "what a worker said before its end is lost");
    }

private:
    void run() {
        do
            context_.restart();
        while (context_.poll() != 0);
    }

    // The core.

    void send(input& in) {
        if (core_->tasks.size() == 100 || core_->leaving || core_->has_exited)
            return;
        const std::uint64_t id = ++next_id_;
        const std::uint32_t items = 1 + static_cast<std::uint32_t>(in.choice(20));
        const std::vector<std::byte> arguments(in.number() * std::size_t{8});
        core_->in_turn([&] {
            const std::uint16_t slot = core_->link->admit(id);
            for (const auto& [other, task] : core_->tasks)
                require(task.slot != slot, "two tasks have the same slot");
            core_->tasks[id] = {slot, items};
            const std::uint8_t flags = items == 1 ? 0 : wire::call_flags::chunk;
            core_->link->send(slot, {id, flags, {1, 2, items, 1}, wire::payload(arguments)});
            core_->link->flush();
        });
    }

    /// The same with arguments that do not go through the pipe alone.
    void send_enclosed(input& in) {
        if (core_->tasks.size() == 100 || core_->leaving || core_->has_exited)
            return;
        const std::uint64_t id = ++next_id_;
        const std::uint8_t how = in.number();
        const std::vector<std::byte> arguments((how & 3) == 3 ? wire::storage::threshold : 8);
        wire::payload_builder builder(&system::segment_cache::instance());
        fill(builder, (how >> 2) % 4, arguments);
        core_->in_turn([&] {
            const std::uint16_t slot = core_->link->admit(id);
            core_->tasks[id] = {slot, 1};
            core_->link->send(slot, {id, 0, {1, 2, 1, 1}, builder.finish()});
            core_->link->flush();
        });
    }

    /// One of the tasks that the worker has.
    std::map<std::uint64_t, holder::task>::iterator any_task(input& in) {
        auto found = core_->tasks.begin();
        std::advance(found, core_->tasks.empty() ? 0 : in.choice(core_->tasks.size()));
        return found;
    }

    void withdraw(input& in) {
        const auto task = any_task(in);
        if (task == core_->tasks.end() || core_->has_exited)
            return;
        const auto [id, what] = *task;
        core_->in_turn([&] {
            const bool begun = core_->link->look(what.slot, id) != wire::ledger_state::waiting;
            const bool withdrawn = core_->link->withdraw(what.slot, id) == system::worker_link::withdrawal::withdrawn;
            require(withdrawn != begun, "a task is withdrawn that was begun, or not although it waits");
            if (withdrawn)
                core_->tasks.erase(id);
        });
    }

    void look(input& in) {
        const auto task = any_task(in);
        if (task == core_->tasks.end())
            return;
        const auto& [id, what] = *task;
        core_->in_turn([&] {
            const system::worker_link& link = *core_->link;
            (void)link.phase();
            (void)link.began_at(id);
            (void)link.worn_out();
            (void)link.listens(id);
            core_->link->ask_to_stop(id);
            if (const auto found = link.progress(id, what.items))
                require(found->done <= found->begun && found->begun <= what.items,
                        "a chunk's progress is such as cannot be");
            if (const auto first = core_->link->split(id, what.items)) {
                require(*first != 0 && *first < what.items, "a chunk is split where it cannot be");
                core_->tasks[id].items = *first;
            }
        });
    }

    void core_act(input& in) {
        core_->in_turn([&] {
            switch (in.choice(4)) {
            case 0:
                core_->retire();
                break;
            case 1:
                core_->kill();
                break;
            case 2:
                core_->time_passes();
                break;
            default:
                core_->link->flush();
            }
        });
    }

    // The worker.

    /// Whether all of it was written before the pool could see any of it.
    bool write(bytes some) {
        bool at_once = true;
        int in_vain = 0;
        while (!some.empty()) {
            const ssize_t written = ::write(answers_.get(), some.data(), some.size());
            if (written > 0) {
                some = some.subspan(static_cast<std::size_t>(written));
                in_vain = 0;
                continue;
            }
            // The pipe is full, unless nobody reads from it any more. That something happened does not mean that it was read: the
            // kernel tells of every attempt to write.
            const bool full = errno == EAGAIN;
            at_once = false;
            context_.restart();
            if (full && context_.poll() != 0 && ++in_vain != 1000)
                continue;
            require(!core_->honest || core_->killed || core_->has_exited, "an honest worker is not listened to");
            break;
        }
        return at_once;
    }

    bool write_frame(wire::frame_kind kind, std::uint16_t slot, std::uint64_t id, bytes payload,
                     std::uint8_t flags = 0) {
        const wire::frame_header header{static_cast<std::uint32_t>(payload.size()), kind, flags, slot, id};
        const bool at_once = write(std::as_bytes(std::span(&header, 1)));
        return write(payload) && at_once;
    }

    bool ring_bell() { return !ring_->must_wake() || write_frame(wire::frame_kind::doorbell, 0, 0, {}); }

    void die() {
        ::syscall(SYS_pidfd_send_signal, core_->pidfd.get(), SIGKILL, nullptr, 0);
        core_->killed = true;
        wait_for_end(core_->pidfd.get());
        // It does not take any more of what it was sent.
        segments_.reset();
        descriptors_ = {};
    }

    void say_hello(input& in) {
        const bool right = in.choice(4) != 0;
        write_frame(wire::frame_kind::hello, 0, 0,
                    wire::encode(wire::hello_message{wire::protocol_version, right ? "b" : "c"}).bytes());
    }

    void print(bytes some) {
        if (core_->has_exited)
            return;
        const ssize_t written = ::write(standard_output_.get(), some.data(), some.size());
        if (written > 0)
            text_.append(reinterpret_cast<const char*>(some.data()), static_cast<std::size_t>(written));
    }

    /// Of what was printed, all whole lines were told; at the worker's end also the one that is not.
    void require_all_printed() const {
        std::string told;
        for (const std::string& line : core_->lines)
            told += line + '\n';
        std::string whole = text_;
        if (!core_->has_exited)
            whole.resize(whole.rfind('\n') + 1);
        else if (!whole.empty() && whole.back() != '\n')
            whole += '\n';
        require(told == whole, "what a worker prints arrives otherwise");
    }

    /// A task is begun and answered, as it should be. Also right after the worker's end, for until the pool has seen that, it
    /// cannot know in which order the two came.
    void answer(input& in) {
        const auto task = any_task(in);
        if (task == core_->tasks.end() || core_->due.contains(task->first) || core_->has_exited)
            return;
        const auto [id, what] = *task;
        auto& ledger = (*memory_)->ledger;
        if (!ledger.claim(what.slot, id))
            return;
        const std::uint8_t how = in.number();
        std::vector<std::byte> result((how & 1) != 0 ? in.number<std::uint16_t>() * std::size_t{4} : in.number());
        if (!result.empty())
            result.front() = static_cast<std::byte>(id);
        const wire::frame_kind kind = (how & 2) != 0 ? wire::frame_kind::failure : wire::frame_kind::result;
        const wire::frame_header header{static_cast<std::uint32_t>(result.size()), kind, 0, what.slot, id};
        core_->due[id] = result;
        bool at_once = true;
        if ((how & 4) == 0 && ring_->put(header, result)) {
            if ((how & 24) == 24) // it ends before it can ring
                die();
            else
                at_once = ring_bell();
        } else {
            at_once = write_frame(kind, what.slot, id, result);
        }
        ledger.finish(what.slot, id);
        if (!at_once && core_->killed) // while it wrote, maybe
            core_->doubtful.insert(id);
    }

    /// Whether so many descriptors as belong to an answer can be sent without waiting.
    bool can_hand_over() {
        if (!segments_)
            return false;
        pollfd socket{descriptors_.get(), POLLOUT, 0};
        if (::poll(&socket, 1, 0) == 1)
            return true;
        run();
        return segments_ && ::poll(&socket, 1, 0) == 1;
    }

    /// A task is answered as it should be, with memory and descriptors.
    void answer_enclosed(input& in) {
        const auto task = any_task(in);
        if (task == core_->tasks.end() || core_->due.contains(task->first) || core_->has_exited || !can_hand_over())
            return;
        const auto found = core_->tasks.find(task->first);
        if (found == core_->tasks.end()) // in the meantime it was answered
            return;
        const auto [id, what] = *found;
        auto& ledger = (*memory_)->ledger;
        if (!ledger.claim(what.slot, id))
            return;
        const std::uint8_t how = in.number();
        const std::size_t size = ((how & 1) != 0 ? wire::storage::threshold : 4) + in.number();
        const std::vector<std::byte> result(size, static_cast<std::byte>(id));
        const std::size_t things = (how >> 1) % 4;
        const std::size_t offset = (how >> 3) % 4;
        std::optional<wire::payload_builder> made(std::in_place, &*segments_);
        wire::payload_builder& builder = *made;
        builder.append(result.data(), offset);
        fill(builder, things, result);
        core_->due[id] = result;
        if (things != 0)
            core_->attached[id] = things;
        bool at_once = true;
        if (system::worker_segments::wants(builder)) {
            auto [frames, answer_at, bytes_follow] = segments_->hand_over(builder, offset);
            sent_ += (answer_at != 0 ? 1U : 0U) + (things != 0 ? 1U : 0U);
            if (bytes_follow)
                frames.insert(frames.end(), result.begin(), result.end());
            const bytes all(frames);
            at_once = write(all.first(answer_at));
            at_once = write_frame((how & 64) != 0 ? wire::frame_kind::failure : wire::frame_kind::result, what.slot, id,
                                  all.subspan(answer_at), wire::call_flags::enclosed) &&
                      at_once;
        } else {
            at_once = write_frame(wire::frame_kind::result, what.slot, id, result);
        }
        ledger.finish(what.slot, id);
        made.reset();           // it uses the worker's memory
        if ((how & 160) == 160) // and that was all
            die();
        if (!at_once && core_->killed)
            core_->doubtful.insert(id);
    }

    void read_calls() {
        std::array<std::byte, 4096> some;
        while (::read(calls_.get(), some.data(), some.size()) > 0) {
        }
        while (descriptors_ && ::recv(descriptors_.get(), some.data(), some.size(), MSG_DONTWAIT) > 0) {
        }
    }

    // The worker, if it is hostile.

    wire::frame_header forged_header(input& in, std::size_t size) {
        constexpr std::array kinds{wire::frame_kind::hello,           wire::frame_kind::result,
                                   wire::frame_kind::failure,         wire::frame_kind::doorbell,
                                   wire::frame_kind::ready,           wire::frame_kind::not_ready,
                                   wire::frame_kind::progress,        wire::frame_kind::call,
                                   static_cast<wire::frame_kind>(99), wire::frame_kind::has_segment,
                                   wire::frame_kind::dropped_segment, wire::frame_kind::segment,
                                   wire::frame_kind::forget_segment};
        wire::frame_header header{static_cast<std::uint32_t>(size), kinds[in.choice(kinds.size())], 0, 0, 0};
        if (const auto task = any_task(in); task != core_->tasks.end()) {
            header.id = task->first;
            header.slot = task->second.slot;
        }
        const std::uint8_t lies = in.number();
        if ((lies & 7) == 1)
            header.id = in.number<std::uint64_t>();
        if ((lies & 7) == 2)
            header.slot = in.number<std::uint16_t>();
        if ((lies & 7) == 3)
            header.size = in.number<std::uint32_t>();
        if ((lies & 7) == 4)
            header.flags = in.number();
        return header;
    }

    /// The size of the first of the things that were handed over, and how many there were.
    std::pair<std::size_t, std::size_t> forge_descriptors(input& in) {
        if (!descriptors_)
            return {};
        std::vector<thing> which = make_things(in);
        const std::uint64_t number = in.choice(16) == 15 ? in.number() : sent_ + 1;
        const std::pair<std::size_t, std::size_t> told{which.empty() ? 0 : which.front().size, which.size()};
        if (hand_over(descriptors_.get(), number, which)) {
            ++sent_;
            handed_.add(std::move(which));
        }
        return told;
    }

    void forge_memory(input& in) {
        core_->honest = false;
        const std::uint8_t how = in.number();
        const std::size_t size = (how & 3) != 3 ? forge_descriptors(in).first : in.number<std::uint16_t>();
        const wire::segment_message message{static_cast<std::uint32_t>(in.choice(18)), 0, size};
        const std::size_t long_as = (how & 12) == 12 ? in.choice(sizeof message) : sizeof message;
        write_frame((how & 48) == 48 ? wire::frame_kind::dropped_segment : wire::frame_kind::has_segment, 0, 0,
                    std::as_bytes(std::span(&message, 1)).first(long_as));
    }

    void forge_enclosed(input& in) {
        core_->honest = false;
        const std::uint8_t how = in.number();
        wire::enclosure_header enclosure{static_cast<std::uint32_t>(in.choice(18)), 0, 0, 0};
        if ((how & 1) != 0)
            enclosure.attached = static_cast<std::uint32_t>(forge_descriptors(in).second);
        if ((how & 6) == 6)
            enclosure.attached = in.number<std::uint16_t>();
        enclosure.offset = (how & 8) != 0 ? in.number<std::uint16_t>() : 0;
        enclosure.size = (how & 16) != 0 ? in.number<std::uint64_t>() : in.number<std::uint16_t>();
        std::vector<std::byte> said(sizeof enclosure);
        std::memcpy(said.data(), &enclosure, sizeof enclosure);
        for (std::uint64_t at = 0; at != std::min(enclosure.attached, 300U); ++at) {
            const bytes place = std::as_bytes(std::span(&at, 1));
            said.insert(said.end(), place.begin(), place.end());
        }
        const bytes more = in.some((how & 32) != 0 ? in.number() : 0);
        said.insert(said.end(), more.begin(), more.end());
        if (enclosure.segment == 0 && (how & 64) != 0)
            said.resize(said.size() + enclosure.size % 65536);
        const wire::frame_header header = forged_header(in, said.size());
        write_frame(wire::frame_kind::result, header.slot, header.id, said, wire::call_flags::enclosed);
    }

    void forge_frame(input& in) {
        core_->honest = false;
        const bytes payload = in.some(in.number());
        const wire::frame_header header = forged_header(in, payload.size());
        write(std::as_bytes(std::span(&header, 1)));
        write(payload);
    }

    void forge_ring(input& in) {
        core_->honest = false;
        const bytes payload = in.some(in.number());
        ring_->put(forged_header(in, payload.size()), payload);
        if (in.choice(2) == 0)
            ring_bell();
        else
            write_frame(wire::frame_kind::doorbell, 0, 0, {});
    }

    void scribble(input& in) {
        core_->honest = false;
        auto* const memory = reinterpret_cast<std::byte*>(&**memory_);
        std::size_t at = 0;
        switch (in.choice(5)) {
        case 4: // the words for memory that is in use
            at = offsetof(system::shared_memory, results) + in.choice(sizeof(wire::segment_board));
            break;
        case 0: // the ring's counts
            at = offsetof(system::shared_memory, answers) + 64 * in.choice(3);
            break;
        case 1: // what lies in the ring
            at = offsetof(system::shared_memory, answers) + 192 + in.number<std::uint16_t>();
            break;
        case 2: // the run sheet
            at = offsetof(system::shared_memory, running) + in.number();
            break;
        default: // the ledger
            at = in.number<std::uint16_t>() % sizeof(wire::ledger);
        }
        const bytes some = in.some(in.number());
        std::memcpy(memory + at, some.data(), std::min(some.size(), sizeof(system::shared_memory) - at));
    }

    boost::asio::io_context context_;
    std::shared_ptr<holder> core_ = std::make_shared<holder>();
    system::unique_fd calls_;
    system::unique_fd answers_;
    system::unique_fd standard_output_;
    std::string text_; ///< what the worker has printed
    std::optional<system::shared_mapping> memory_;
    std::optional<wire::ring_writer> ring_;
    std::uint64_t next_id_ = 0;
    system::segment_cache::user pool_; ///< so that there is memory for arguments
    system::unique_fd descriptors_;    ///< the worker's end, until it has ended
    std::optional<system::worker_segments> segments_;
    std::uint64_t sent_ = 0; ///< messages with descriptors
    handed handed_;
};

} // namespace

void link(bytes given) {
    static const bool pipes_may_break = ::signal(SIGPIPE, SIG_IGN) != SIG_ERR;
    (void)pipes_may_break;
    const std::size_t before = open_descriptors();
    {
        world all;
        input in(given);
        while (!in.empty())
            all.step(in);
        all.settle();
        all.end();
        all.check();
    }
    require(open_descriptors() == before, "descriptors are left over");
}

} // namespace procpool::fuzz
