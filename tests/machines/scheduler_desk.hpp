// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_MACHINES_SCHEDULER_DESK_HPP
#define PROCPOOL_TESTS_MACHINES_SCHEDULER_DESK_HPP

#include <machines/scheduler.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace procpool::machines {

/// A scheduler and tasks with the names a, b, c...
class desk {
public:
    explicit desk(std::size_t tasks_ahead, std::size_t bytes_ahead = 1000)
        : to({.tasks_ahead = tasks_ahead, .bytes_ahead = bytes_ahead}), tasks_(26) {
        for (schedulable& task : tasks_)
            task.size = 1;
    }

    scheduler to;

    schedulable& operator[](char name) { return tasks_[static_cast<std::size_t>(name - 'a')]; }
    char name(const schedulable& task) const { return static_cast<char>('a' + (&task - tasks_.data())); }

    void add(const std::string& names) {
        for (const char one : names)
            to.add((*this)[one]);
    }

    /// All that it wants done now: "a>0" sends a to worker 0, "a<0" asks it back.
    std::string wants() { return wants(false); }

    /// The same, and what is asked back is back at once, as with a ledger.
    std::string wants_and_gets_back() { return wants(true); }

    std::string has(std::uint32_t worker) const {
        std::string names;
        for (const schedulable* task = to.tasks_of(worker).front(); task; task = task->next)
            names += name(*task);
        return names;
    }

    bool back(char name) { return to.recall_answered((*this)[name], true); }
    bool refused(char name) { return to.recall_answered((*this)[name], false); }

    /// Worker 0 gets these, and then worker 1 comes.
    void fill_first_of_two(const std::string& names) {
        to.worker_ready(0);
        add(names);
        wants();
        to.worker_ready(1);
    }

private:
    std::string wants(bool answered) {
        std::string all;
        while (const auto next = to.next()) {
            if (all.size() > 1000)
                return "no end: " + all;
            all += all.empty() ? "" : " ";
            all += name(*next->task);
            all += next->kind == scheduler::action_kind::send ? '>' : '<';
            all += std::to_string(next->worker);
            if (answered && next->kind == scheduler::action_kind::recall)
                to.recall_answered(*next->task, true);
        }
        return all;
    }

    std::vector<schedulable> tasks_;
};

} // namespace procpool::machines

#endif
