// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <machines/scheduler_world.hpp>

#include <algorithm>
#include <sstream>
#include <stdexcept>

namespace procpool::testing {

using machines::schedulable;
using machines::scheduler;
using machines::task_state;

world::world(const course& how) : course_(how), scheduler_(how.bounds), tasks_(how.tasks), workers_(how.workers) {
    for (std::size_t index = 0; index != tasks_.size(); ++index) {
        tasks_[index].id = index + 1;
        tasks_[index].size = how.sizes.empty() ? 1 : how.sizes[index % how.sizes.size()];
        tasks_[index].priority = how.priorities.empty() ? 0 : how.priorities[index % how.priorities.size()];
        tasks_[index].items = how.items.empty() ? 1 : how.items[index % how.items.size()];
    }
}

// What happens ------------------------------------------------------------------------------------------------------

std::vector<world::event> world::possible() const {
    std::vector<event> all;
    const auto may = [&all](happening what, std::size_t index) {
        all.push_back({what, static_cast<std::uint32_t>(index)});
    };
    if (added_ != tasks_.size())
        may(happening::add, added_);
    if (added_ != tasks_.size() && course_.adds_in_front)
        may(happening::add_in_front, added_);
    for (std::size_t index = 0; index != workers_.size(); ++index) {
        const worker& one = workers_[index];
        if (!one.alive)
            may(happening::ready, index);
        if (one.ready && course_.leaves)
            may(happening::leaving, index);
        if (one.ready && course_.holds)
            may(happening::held, index);
        if (one.held)
            may(happening::released, index);
        // A pool lets workers that are used up end.
        if (one.alive && (course_.dies || !one.ready || is_used_up(one))) {
            may(happening::gone, index);
            if (!one.tasks.empty())
                may(happening::gone_with_all, index);
            if (std::ranges::any_of(one.tasks, &task::begun))
                may(happening::gone_retrying, index);
        }
        if (std::ranges::any_of(one.tasks, [](const task* had) { return !had->begun; }))
            may(happening::begin, index);
    }
    for (std::size_t index = 0; index != tasks_.size(); ++index) {
        const task& one = tasks_[index];
        const bool with_worker = one.where != place::outside && one.where != place::queued && one.where != place::over;
        if (one.begun)
            may(happening::finish, index);
        if (one.where == place::recalled && !course_.recalls_answered_at_once)
            may(happening::answer, index);
        if ((one.where == place::queued || with_worker) && !one.cancelled && course_.cancels)
            may(happening::cancel, index);
        if (with_worker && course_.asks_back)
            may(happening::ask_back, index);
    }
    if (!queue_.empty() && course_.takes_waiting)
        may(happening::take, 0);
    return all;
}

void world::happen(event now, bool look) {
    story_.push_back(now);
    tell(now);
    settle();
    if (look)
        compare();
}

void world::tell(event now) {
    using answer_to_cancel = scheduler::cancel_answer;
    switch (now.what) {
    case happening::add:
        scheduler_.add(tasks_[now.index]);
        queue_back(tasks_[now.index]);
        ++added_;
        break;
    case happening::add_in_front:
        scheduler_.add_in_front(tasks_[now.index]);
        queue_front(tasks_[now.index]);
        ++added_;
        break;
    case happening::ready:
        scheduler_.worker_ready(now.index, course_.allowance);
        workers_[now.index].alive = workers_[now.index].ready = true;
        workers_[now.index].given = 0;
        workers_known_ = std::max(workers_known_, now.index + 1);
        break;
    case happening::leaving:
        scheduler_.worker_leaving(now.index);
        workers_[now.index].ready = false;
        break;
    case happening::held:
        scheduler_.worker_held(now.index);
        workers_[now.index].ready = false;
        workers_[now.index].held = true;
        break;
    case happening::released:
        scheduler_.worker_released(now.index);
        workers_[now.index].ready = true;
        workers_[now.index].held = false;
        break;
    case happening::gone:
    case happening::gone_retrying:
    case happening::gone_with_all:
        bury(now.index, now.what);
        break;
    case happening::begin: {
        auto& had = workers_[now.index].tasks;
        task& next = **std::ranges::find_if(had, [](const task* one) { return !one->begun; });
        next.begun = true;
        require(++next.runs <= next.allowed_runs, "a task is run twice");
        break;
    }
    case happening::finish: {
        task& done = tasks_[now.index];
        scheduler_.finished(done);
        take_from_worker(done);
        workers_[done.worker].has_unread = false;
        done.where = place::over;
        break;
    }
    case happening::answer:
        answer(tasks_[now.index]);
        break;
    case happening::cancel: {
        task& wanted = tasks_[now.index];
        const auto got = scheduler_.cancel(wanted);
        require(wanted.cancelled, "a cancelled task is not marked");
        switch (wanted.where) {
        case place::queued:
            require(got == answer_to_cancel::removed, "a cancelled task that waited is not removed");
            std::erase(queue_, &wanted);
            wanted.where = place::over;
            break;
        case place::sent:
            require(got == answer_to_cancel::recall, "a cancelled task that was sent is not to be recalled");
            wanted.where = place::recalled;
            if (course_.recalls_answered_at_once)
                answer(wanted);
            break;
        case place::recalled:
            require(got == answer_to_cancel::recalled, "a cancelled task that is recalled is not known to be");
            break;
        default:
            require(got == answer_to_cancel::started, "a cancelled task that began is not known to have begun");
        }
        break;
    }
    case happening::ask_back: {
        task& wanted = tasks_[now.index];
        require(scheduler_.ask_back(wanted) == (wanted.where == place::sent),
                "a task is asked back twice, or not although it could be");
        if (wanted.where == place::sent) {
            wanted.where = place::recalled;
            if (course_.recalls_answered_at_once)
                answer(wanted);
        }
        break;
    }
    case happening::take:
        require(scheduler_.take_waiting() == queue_.front(), "what is taken is not the first that waits");
        queue_.front()->where = place::over;
        queue_.pop_front();
        break;
    }
}

void world::answer(task& recalled) {
    const bool back = !recalled.begun;
    const bool goes_on = scheduler_.recall_answered(recalled, back);
    require(goes_on == (!back || !recalled.cancelled), "it is wrong about who has a task that was asked back");
    if (!back) {
        recalled.where = place::started;
        for (task* const one : workers_[recalled.worker].tasks) {
            if (one == &recalled)
                break;
            require(one->begun, "a task was begun before one that was sent to its worker earlier");
            if (one->where == place::sent)
                one->where = place::started;
        }
        if (round_from_ == recalled.worker)
            left_in_round_ = 0; // there is nothing more to be had
        return;
    }
    take_from_worker(recalled);
    workers_[recalled.worker].has_unread = true;
    workers_[recalled.worker].given -= recalled.items;
    recalled.where = place::over;
    if (!recalled.cancelled)
        queue_front(recalled);
}

void world::bury(std::uint32_t index, happening how) {
    worker& dead = workers_[index];
    std::deque<task*> had;
    std::swap(had, dead.tasks);
    dead.alive = dead.ready = dead.held = dead.has_unread = false;
    std::vector<task*> again;
    scheduler_.worker_gone(index, [&](schedulable& lost) {
        auto& one = static_cast<task&>(lost);
        require(!had.empty() && had.front() == &one, "it asks about the tasks of a dead worker in another order");
        had.pop_front();
        require(one.state == task_state::fresh, "it asks about a task that it still has");
        const bool over = how == happening::gone_with_all || one.cancelled || (one.begun && how == happening::gone);
        if (one.begun && !over)
            ++one.allowed_runs;
        one.begun = false;
        one.where = place::over;
        if (over)
            return scheduler::fate::over;
        again.push_back(&one);
        return scheduler::fate::again;
    });
    require(had.empty(), "it does not ask about all tasks of a dead worker");
    for (auto one = again.rbegin(); one != again.rend(); ++one)
        queue_front(**one);
}

void world::queue_back(task& waiting) {
    waiting.where = place::queued;
    const auto less_urgent = [&](const task* other) { return other->priority < waiting.priority; };
    queue_.insert(std::ranges::find_if(queue_, less_urgent), &waiting);
}

void world::queue_front(task& waiting) {
    waiting.where = place::queued;
    const auto not_more_urgent = [&](const task* other) { return other->priority <= waiting.priority; };
    queue_.insert(std::ranges::find_if(queue_, not_more_urgent), &waiting);
}

void world::take_from_worker(task& gone) {
    std::erase(workers_[gone.worker].tasks, &gone);
    gone.begun = false;
}

// What the scheduler wants --------------------------------------------------------------------------------------------

void world::settle() {
    for (task& one : tasks_)
        one.sends_now = one.recalls_now = 0;
    while (const auto next = scheduler_.next()) {
        auto& chosen = static_cast<task&>(*next->task);
        if (next->kind == scheduler::action_kind::send)
            on_send(next->worker, chosen);
        else
            on_recall(next->worker, chosen);
    }
    require(left_in_round_ == 0, "less than half of what could be moved is asked back");
}

void world::on_send(std::uint32_t to, task& sent) {
    require(left_in_round_ == 0, "less than half of what could be moved is asked back");
    require(sent.where == place::queued, "a task is sent that does not wait");
    require(queue_.front() == &sent, "a task is sent before its turn");
    require(!sent.begun, "a task that has begun is sent again");
    // A task that comes back goes to another worker at once and then stays there, so this ends.
    require(++sent.sends_now <= 2, "a task is sent to and fro");
    worker& target = workers_[to];
    require(target.ready, "a task is sent to a worker that takes none");
    require(may_be_given(target), "a worker gets more than it is allowed");
    if (some_idle())
        require(target.tasks.empty(), "a task is sent ahead while a worker is idle");
    else
        require(target.tasks.size() < share(), "a worker gets more than its share");
    require(has_room(target, sent), "a worker gets more than it has room for");
    queue_.pop_front();
    sent.where = place::sent;
    target.tasks.push_back(&sent);
    target.given += sent.items;
}

void world::on_recall(std::uint32_t from, task& recalled) {
    const worker& source = workers_[from];
    require(recalled.where == place::sent, "a task is asked back that cannot be");
    require(source.ready, "a task is asked back from a worker that is given nothing more");
    require(++recalled.recalls_now == 1, "a task is asked back again and again");
    require(&recalled != source.tasks.front(), "the first task of a worker is asked back");
    // What has begun to be moved is moved first. Then, what waits makes what is less urgent come back.
    const bool makes_way = left_in_round_ == 0 && !queue_.empty() && recalled.priority < queue_.front()->priority;
    // Or else, what is more urgent than what waits is fetched for an idle worker.
    const bool is_fetched = left_in_round_ == 0 && !queue_.empty() && recalled.priority > queue_.front()->priority;
    if (is_fetched)
        require(some_idle(), "a task is fetched though nobody could begin it");
    else if (!makes_way)
        expect_rebalancing(from);
    for (auto at = source.tasks.rbegin(); *at != &recalled; ++at)
        require((*at)->where != place::sent || is_fetched || (makes_way && (*at)->priority >= queue_.front()->priority),
                "tasks are not asked back from the end");
    recalled.where = place::recalled;
    if (course_.recalls_answered_at_once)
        answer(recalled);
}

void world::expect_rebalancing(std::uint32_t from) {
    const worker& source = workers_[from];
    if (left_in_round_ == 0) {
        require(queue_.empty(), "tasks are asked back while others wait that are no more urgent");
        require(some_idle(), "tasks are asked back for nobody");
        require(unanswered() == 0, "more tasks are asked back before the last answer came");
        for (const worker& other : workers_)
            require(!other.ready || behind(other) <= behind(source), "it does not ask the worker that has most");
        left_in_round_ = (behind(source) + 1) / 2;
        round_from_ = from;
    }
    require(left_in_round_ != 0 && from == round_from_, "more than half of what could be moved is asked back");
    --left_in_round_;
}

// What is the case ----------------------------------------------------------------------------------------------------

std::size_t world::worker::bytes() const {
    std::size_t sum = 0;
    for (const task* const one : tasks)
        sum += one->size;
    return sum;
}

std::size_t world::behind(const worker& of) const {
    std::size_t count = 0;
    for (const task* const one : of.tasks)
        count += one->where == place::sent && one != of.tasks.front() ? 1 : 0;
    return count;
}

std::size_t world::ready_workers() const {
    return static_cast<std::size_t>(std::ranges::count(workers_, true, &worker::ready));
}

std::size_t world::with_workers() const {
    std::size_t sum = 0;
    for (const worker& one : workers_)
        sum += one.tasks.size();
    return sum;
}

std::size_t world::share() const {
    std::size_t sum = queue_.size();
    for (const worker& one : workers_)
        sum += one.ready ? one.tasks.size() : 0;
    return (sum + ready_workers() - 1) / ready_workers();
}

std::size_t world::unanswered() const {
    return static_cast<std::size_t>(std::ranges::count(tasks_, place::recalled, &task::where));
}

bool world::some_idle() const {
    return std::ranges::any_of(workers_, [this](const worker& one) { return is_idle(one); });
}

bool world::has_room(const worker& in, const task& for_it) const {
    if (!may_be_given(in))
        return false;
    // Nothing is begun before what is more urgent and waits behind another worker's first.
    for (const worker& other : workers_)
        if (!in.tasks.empty() && &other != &in && other.ready)
            for (const task* const one : other.tasks)
                if (one != other.tasks.front() && one->where == place::sent && one->priority > for_it.priority)
                    return false;
    return in.tasks.empty() || (!in.has_unread && in.tasks.size() < course_.bounds.tasks_ahead &&
                                in.bytes() + for_it.size <= course_.bounds.bytes_ahead);
}

void world::compare() const {
    compare_counts();
    compare_lists();
    check_nothing_to_do();
}

void world::compare_counts() const {
    require(scheduler_.waiting() == queue_.size(), "it does not know how many tasks wait");
    require(scheduler_.with_workers() == with_workers(), "it does not know how many tasks are with workers");
    require(scheduler_.ready_workers() == ready_workers(), "it does not know how many workers are ready");
    const auto idle = std::ranges::count_if(workers_, [this](const worker& one) { return is_idle(one); });
    require(scheduler_.idle_workers() == static_cast<std::size_t>(idle), "it does not know how many workers are idle");
    require(scheduler_.empty() == (queue_.empty() && with_workers() == 0), "it does not know whether it has anything");
}

void world::compare_lists() const {
    for (std::uint32_t index = 0; index != workers_known_; ++index) {
        require(scheduler_.used_up(index) == is_used_up(workers_[index]),
                "it does not know whether a worker is used up");
        const auto& had = workers_[index].tasks;
        const auto& list = scheduler_.tasks_of(index);
        require(list.size() == had.size(), "it does not know how many tasks a worker has");
        const schedulable* at = list.front();
        for (const task* const one : had) {
            require(at == one, "it does not know which tasks a worker has");
            require(one->worker == index, "a task does not know which worker has it");
            at = at->next;
        }
    }
    for (const task& one : tasks_) {
        constexpr task_state states[] = {task_state::fresh,    task_state::waiting, task_state::sent,
                                         task_state::recalled, task_state::started, task_state::fresh};
        require(one.state == states[static_cast<int>(one.where)], "a task does not know where it stands");
    }
}

void world::check_nothing_to_do() const {
    if (queue_.empty()) {
        if (some_idle() && unanswered() == 0)
            for (const worker& one : workers_)
                require(!one.ready || behind(one) == 0, "a worker is idle while tasks wait behind another one's");
        return;
    }
    require(!some_idle(), "a worker is idle while tasks wait");
    for (const worker& one : workers_)
        require(!one.ready || !has_room(one, *queue_.front()) || one.tasks.size() >= share(),
                "a worker has room for its share while tasks wait");
    for (const worker& one : workers_)
        for (const task* const had : one.tasks)
            require(!one.ready || had == one.tasks.front() || had->where != place::sent ||
                        had->priority >= queue_.front()->priority,
                    "a task that was sent ahead does not make way for a more urgent one");
}

void world::finish_all() {
    for (std::size_t left = 20 * (tasks_.size() + workers_.size() + 1); !scheduler_.empty(); --left) {
        require(left != 0, "it does not come to an end");
        const auto all = possible();
        const auto some = [&all](happening what) { return std::ranges::find(all, what, &event::what); };
        // What is under way first; then the work; and if there is nobody to do it, somebody comes.
        auto next = some(happening::answer);
        for (const happening what :
             {happening::finish, happening::begin, happening::ready, happening::released, happening::gone})
            if (next == all.end())
                next = some(what);
        require(next != all.end(), "tasks wait for ever");
        happen(*next);
    }
    for (std::size_t index = 0; index != added_; ++index)
        require(tasks_[index].where == place::over, "a task is lost");
}

std::string world::state() const {
    std::string key;
    const auto add = [&key](std::size_t number) { key.push_back(static_cast<char>('0' + number)); };
    for (const task& one : tasks_)
        add(static_cast<std::size_t>(one.where) * 4 + (one.begun ? 2 : 0) + (one.cancelled ? 1 : 0));
    for (const worker& one : workers_) {
        add((one.has_unread ? 4 : 0) + (one.ready ? 3 : one.held ? 2 : one.alive ? 1 : 0));
        add(one.given);
        for (const task* const had : one.tasks)
            add(had->id);
    }
    key.push_back('q');
    for (const task* const one : queue_)
        add(one->id);
    return key;
}

void world::fail(const std::string& what) const {
    constexpr const char* names[] = {"add task",      "add in front",    "ready worker", "leaving worker",
                                     "held worker",   "released worker", "gone worker",  "gone retrying",
                                     "gone with all", "begin worker",    "finish task",  "answer of task",
                                     "cancel task",   "ask back task",   "take"};
    std::ostringstream text;
    text << what << ", after:";
    for (const event one : story_)
        text << ' ' << names[static_cast<int>(one.what)] << ' ' << one.index << ';';
    text << " now";
    for (std::size_t index = 0; index != workers_.size(); ++index) {
        text << " worker " << index << (workers_[index].ready ? " has" : " (not ready) has");
        for (const task* const one : workers_[index].tasks) {
            text << ' ' << one->id - 1 << (one->begun ? "(begun)" : "");
            if (one->priority != 0)
                text << "(priority " << one->priority << ')';
        }
        text << ',';
    }
    text << " waiting";
    for (const task* const one : queue_)
        text << ' ' << one->id - 1;
    throw std::logic_error(text.str());
}

} // namespace procpool::testing
