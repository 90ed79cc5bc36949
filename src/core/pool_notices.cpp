// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <core/pool.hpp>

#include <procpool/pool_options.hpp>

#include <new>
#include <string>
#include <utility>

// What the program is told besides results: what workers print, and what becomes of them.

namespace procpool::core {

using machines::worker_life;

namespace {

// What is kept of a worker's standard error for its post-mortem.
constexpr std::size_t most_last_lines = 20;
constexpr std::size_t most_last_bytes = 4096;

std::string process(const worker& of) {
    return "process " + std::to_string(of.link->pid());
}

/// Why a worker that the pool wanted to end has ended.
std::string reason_to_end(const worker& dead) {
    switch (dead.life->why()) {
    case worker_life::cause::terminated:
        return "the pool was terminated";
    case worker_life::cause::task_cancelled:
        return "the task that it ran was called off";
    case worker_life::cause::task_timed_out:
        return "the task that it ran took longer than its time limit";
    default:
        return dead.retired_for ? dead.retired_for : "it was told to end";
    }
}

} // namespace

/// Stands in the row of what is over, and has the notices told when it is its turn. There is one at a time.
class pool::notices_to_tell final : public completion {
public:
    explicit notices_to_tell(std::weak_ptr<pool> of) : of_(std::move(of)) {}

    void complete() override {
        const std::unique_ptr<notices_to_tell> self(this);
        if (const auto told = of_.lock())
            told->tell_notices();
    }
    void abandon() noexcept override { delete this; }

private:
    std::weak_ptr<pool>
        of_; // weak, for it may stand in that pool's own row when the program does away with the executor
};

void pool::note(notice&& what) {
    notices_.push_back(std::move(what));
    if (telling_notices_)
        return;
    done_.push(*new notices_to_tell(weak_from_this()));
    telling_notices_ = true;
}

// One, and then the next has to queue again: the program's other handlers get their turn.
void pool::tell_notices() {
    std::unique_lock lock(mutex_);
    if (notices_.empty() || destroyed())
        return;
    notice what = std::move(notices_.front());
    notices_.pop_front();
    lock.unlock();

    // Also if the program's function throws, which is for the program to deal with.
    struct afterwards {
        pool& self;
        notice& what;
        ~afterwards() {
            const std::lock_guard lock(self.mutex_);
            try {
                self.told(std::move(what));
            } catch (const std::bad_alloc&) {
                // What was to be told is lost, but not the program.
            }
        }
    } const at_end{*this, what};
    if (what.event)
        options_.on_event(*what.event);
    while (what.told_lines != what.lines.size() && !destroyed())
        options_.on_output(what.lines[what.told_lines++]);
}

void pool::told(notice&& what) {
    telling_notices_ = false;
    if (destroyed())
        return;
    if (what.told_lines != what.lines.size())
        notices_.push_front(std::move(what));
    else if (what.from)
        what.from->go_on_reading(what.where);
    if (notices_.empty()) {
        finish_closing(); // which waited for this
    } else {
        done_.push(*new notices_to_tell(weak_from_this()));
        telling_notices_ = true;
    }
    if (!done_.empty())
        post_delivery();
}

// What is printed -----------------------------------------------------------------------------------------------------

void pool::worker_printed(worker& from, output_stream where, std::vector<std::string>&& lines) {
    if (where == output_stream::standard_error)
        for (const std::string& line : lines) {
            from.last_lines.push_back(line.substr(0, most_last_bytes));
            from.last_lines_size += from.last_lines.back().size() + 1;
            while (from.last_lines.size() > most_last_lines ||
                   (from.last_lines.size() > 1 && from.last_lines_size > most_last_bytes)) {
                from.last_lines_size -= from.last_lines.front().size() + 1;
                from.last_lines.pop_front();
            }
        }
    if (!options_.on_output || lines.empty()) {
        from.link->go_on_reading(where);
        return;
    }
    notice what;
    what.from = from.link;
    what.where = where;
    for (std::string& line : lines)
        what.lines.push_back({from.index, from.link->pid(), where, std::move(line)});
    note(std::move(what));
}

// What becomes of workers ---------------------------------------------------------------------------------------------

void pool::note_event(worker_event::kind what, const worker& of, std::string reason) {
    if (!options_.on_event)
        return;
    notice made;
    made.event = {what, of.index, of.link->pid(), std::move(reason), std::nullopt};
    note(std::move(made));
}

void pool::note_launch(worker& place) {
    if (!options_.on_event)
        return;
    if (place.replaces.empty())
        note_event(worker_event::kind::started, place, "the pool has room for it");
    else
        note_event(worker_event::kind::replaced, place, "it takes the place of " + place.replaces);
}

void pool::note_failed_launch(worker& place, std::string reason) {
    if (!options_.on_event)
        return;
    notice made;
    made.event = {worker_event::kind::died, place.index, -1, std::move(reason), std::nullopt};
    note(std::move(made));
}

void pool::note_end(worker& dead, const system::exit_status& status, std::string reason) {
    if (!options_.on_event)
        return;
    notice made;
    worker_event& event = made.event.emplace();
    const bool wanted = dead.life->was_wanted();
    event.what = wanted ? worker_event::kind::retired : worker_event::kind::died;
    event.worker = dead.index;
    event.pid = dead.link->pid();
    event.details = examine(dead, status);
    event.reason = wanted ? reason_to_end(dead) : std::move(reason);
    dead.replaces = process(dead) + ", which " + (wanted ? "was retired" : describe_end(*event.details));
    note(std::move(made));
}

} // namespace procpool::core
