// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// What the scheduler alone takes for a task, from its coming to its being over.
//
//   bench_scheduler [--benchmark_filter=...]

#include <machines/scheduler.hpp>

#include <benchmark/benchmark.h>

#include <cstdint>
#include <deque>
#include <vector>

namespace {

using procpool::machines::schedulable;
using procpool::machines::scheduler;

constexpr std::size_t tasks = 2'000'000; // far more than may be with the workers
constexpr std::size_t answers_read = 64;
constexpr scheduler::limits limits{.tasks_ahead = 504};

/// Workers that begin all that they are sent at once, and are heard of in turn.
class quick_workers {
public:
    quick_workers(scheduler& told_by, std::uint32_t count) : scheduler_(told_by), sent_(count) {
        for (std::uint32_t worker = 0; worker != count; ++worker)
            scheduler_.worker_ready(worker);
    }

    void do_what_it_says() {
        while (const auto next = scheduler_.next()) {
            if (next->kind == scheduler::action_kind::send)
                sent_[next->worker].push_back(next->task);
            else
                scheduler_.recall_answered(*next->task, false);
        }
    }

    void read_answers() {
        auto& of_one = sent_[reads_++ % sent_.size()];
        for (std::size_t read = 0; read != answers_read && !of_one.empty(); ++read) {
            scheduler_.finished(*of_one.front());
            of_one.pop_front();
        }
    }

private:
    scheduler& scheduler_;
    std::vector<std::deque<schedulable*>> sent_;
    std::size_t reads_ = 0;
};

void many_tasks(benchmark::State& state) {
    std::vector<schedulable> all(tasks);
    for (schedulable& task : all)
        task.size = 64;
    for (auto _ : state) {
        scheduler tested(limits);
        quick_workers workers(tested, static_cast<std::uint32_t>(state.range(0)));
        for (schedulable& task : all)
            tested.add(task);
        while (!tested.empty()) {
            workers.do_what_it_says();
            workers.read_answers();
        }
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(tasks));
}
BENCHMARK(many_tasks)->ArgName("workers")->RangeMultiplier(4)->Range(1, 1024)->Unit(benchmark::kMillisecond);

} // namespace

BENCHMARK_MAIN();
