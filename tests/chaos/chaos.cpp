// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Everything at once: pools of all kinds, every way to hand over work, tasks that throw, crash, hang and exit, workers that are
// killed and stopped from outside, operations that are called off, pools that are closed and destroyed in the middle, times in which no
// descriptor is left for a new worker. Whatever happens, each operation completes exactly once, no task begins more often than it
// may, every result is right, and after each round descriptors, children, threads and memory are back where they were.
//
//   PROCPOOL_CHAOS_SECONDS  for how long; at least 100,000 tasks are run in any case
//   PROCPOOL_CHAOS_SEED     to repeat a run, as far as the machine lets it be repeated

#include <procpool/procpool.hpp>

#include <chaos/board.hpp>
#include <integration/scratch.hpp>
#include <support/leftovers.hpp>
#include <support/proc.hpp>
#include <support/send_signal.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace procpool::testing;
using namespace std::chrono_literals;
using procpool::errc;

namespace {

// Sanitizers need descriptors of their own: without one, UndefinedBehaviorSanitizer takes every object for none.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

enum class manner : int { plain, burns, sleeps, throws, aborts, exits, kills_itself, hangs, listens, forks };

int expected_of(int task) {
    return 7 * task + 1;
}

int chaotic(const std::string& file, int task, manner how) {
    static const board word(file); // a worker lives in one pool, and a pool has one board
    board::place& here = word[static_cast<std::size_t>(task)];
    ++here.began;
    switch (how) {
    case manner::plain:
        break;
    case manner::burns:
        for (const auto end = std::chrono::steady_clock::now() + 50us; std::chrono::steady_clock::now() < end;) {
        }
        break;
    case manner::sleeps:
        ::usleep(1000);
        break;
    case manner::throws:
        ++here.ended;
        throw std::domain_error("task " + std::to_string(task));
    case manner::aborts:
        std::abort();
    case manner::exits:
        ::_exit(3);
    case manner::kills_itself:
        ::raise(SIGKILL);
        break;
    case manner::hangs:
        for (;;)
            ::pause();
    case manner::listens:
        while (!procpool::this_task::stop_requested())
            ::usleep(200);
        break;
    case manner::forks:
        if (::fork() == 0)
            for (;;)
                ::pause();
        break;
    }
    ++here.ended;
    return expected_of(task);
}

using item = std::pair<int, manner>;

struct call {
    std::string file;
    int operator()(const item& one) const { return chaotic(file, one.first, one.second); }
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& file;
    }
};

/// What became of one task, and what may have become of it.
struct record {
    manner how = manner::plain;
    unsigned retries = 0;
    bool limited = false;    ///< in time, running or waiting
    bool in_a_batch = false; ///< one failure of which calls the others off
    bool may_be_called_off = false;
    std::atomic<int> told = 0; ///< of a single task: how often it completed
};

/// What befell the workers in all rounds: were one of these 0, the rest would prove little.
struct happenings {
    std::atomic<std::size_t> killed = 0;  ///< from outside
    std::atomic<std::size_t> stopped = 0; ///< the same
    std::atomic<std::size_t> starved = 0; ///< times in which no worker could be started
    std::atomic<std::size_t> died = 0;
    std::atomic<std::size_t> retired = 0;
    std::size_t forked = 0; ///< rounds in which a server forks the workers

    bool all() const {
        return killed > 0 && stopped > 0 && (starved > 0 || sanitized) && died > killed / 2 && retired > 0;
    }
};

class chaos_round {
public:
    chaos_round(unsigned seed, happenings& all)
        : happened_(all), engine_(seed), word_(here_.file("board")),
          records_(std::make_unique<record[]>(board::places)) {}

    std::size_t run() {
        {
            auto pool = std::make_unique<procpool::process_pool>(options());
            std::atomic<bool> over = false;
            std::thread trouble([&, seed = random()] { make_trouble(seed, over); });
            const std::size_t operations = 150 + random() % 150;
            for (std::size_t i = 0; i != operations && used_ + 2000 < static_cast<int>(board::places); ++i)
                start_something(*pool);
            const unsigned way = random() % 4;
            early_end_ = way == 0;
            if (way == 0) {
                pool.reset();
            } else {
                wait_for_all();
                if (way == 1) {
                    pool->close();
                    BOOST_TEST(pool->join().start().wait_for(60s));
                    joined_ = true;
                }
            }
            over = true;
            trouble.join();
            pool.reset();
        }
        wait_for_all();
        judge();
        judge_events();
        return static_cast<std::size_t>(used_);
    }

private:
    procpool::pool_options options() {
        procpool::pool_options chosen;
        chosen.workers = 1 + random() % 4;
        chosen.min_workers = random() % 2 ? chosen.workers : random() % (chosen.workers + 1);
        chosen.idle_timeout = std::chrono::milliseconds(random() % 20);
        chosen.max_tasks_per_worker = random() % 3 ? 0 : 1 + random() % 500;
        chosen.kill_grace = std::chrono::milliseconds(random() % 30);
        if (random() % 4 == 0) {
            chosen.standard_error = procpool::output::capture;
            chosen.on_output = [this](const procpool::output_line&) { ++lines_; };
        }
        chosen.on_event = [this](const procpool::worker_event& event) {
            ++events_[static_cast<std::size_t>(event.what)];
            happened_.died += event.what == procpool::worker_event::kind::died;
            happened_.retired += event.what == procpool::worker_event::kind::retired;
        };
        if (random() % 3 == 0) {
            chosen.method = procpool::start_method::forkserver;
            ++happened_.forked;
        }
        return chosen;
    }

    manner some_manner(bool deadly) {
        const unsigned which = random() % 1000;
        if (which < 900)
            return manner::plain;
        if (which < 940)
            return manner::burns;
        if (which < 960)
            return manner::sleeps;
        if (!deadly)
            return manner::burns;
        if (which < 980)
            return manner::throws;
        const manner rare[] = {manner::aborts, manner::exits, manner::kills_itself, manner::forks};
        return rare[random() % 4];
    }

    record& next_record(manner how) {
        record& one = records_[static_cast<std::size_t>(used_++)];
        one.how = how;
        return one;
    }

    std::vector<item> some_items(bool deadly, bool in_a_batch) {
        std::vector<item> items;
        for (std::size_t count = random() % 1500; count != 0; --count) {
            const int task = used_;
            record& one = next_record(some_manner(deadly));
            one.in_a_batch = in_a_batch;
            items.emplace_back(task, one.how);
        }
        return items;
    }

    procpool::batch_options some_cut() { return {.chunk_size = random() % 2 ? 0 : 1 + random() % 200}; }

    void start_something(procpool::process_pool& pool) {
        switch (random() % 8) {
        case 0:
            return start_map(pool);
        case 1:
            return start_settled(pool);
        case 2:
            return start_stream(pool);
        case 3:
            return start_reduction(pool);
        default:
            for (unsigned count = random() % 60; count != 0; --count)
                start_single(pool);
        }
    }

    void start_single(procpool::process_pool& pool) {
        const int task = used_;
        const unsigned kind = random() % 400;
        const manner how = kind == 0 ? manner::hangs : kind == 1 ? manner::listens : some_manner(true);
        record& one = next_record(how);
        auto work = pool.submit(chaotic, here_.file("board"), task, how).priority(static_cast<int>(random() % 3));
        if (how == manner::hangs || how == manner::listens || random() % 20 == 0) {
            one.limited = true;
            work = std::move(work).timeout(std::chrono::milliseconds(1 + random() % 30));
        }
        if (random() % 20 == 0) {
            one.limited = true;
            work = std::move(work).queue_timeout(std::chrono::milliseconds(1 + random() % 30));
        }
        if (random() % 4 == 0) {
            one.retries = random() % 3;
            work = std::move(work).retries(one.retries);
        }
        ++expected_;
        if (random() % 2) {
            std::move(work)([this, task](std::exception_ptr error, int value) {
                ++records_[static_cast<std::size_t>(task)].told;
                look_at(task, error, value);
                ++completed_;
            });
            return;
        }
        auto handle = std::move(work).start();
        if (random() % 10 == 0) {
            one.may_be_called_off = true;
            handle.cancel();
        }
        ++one.told;
        handles_.push_back({[this, handle, task]() mutable {
            BOOST_TEST_REQUIRE(handle.wait_for(60s), "a task never completes");
            try {
                look_at(task, nullptr, handle.get());
            } catch (...) {
                look_at(task, std::current_exception(), 0);
            }
            ++completed_;
        }});
    }

    template <class Handle, class Look>
    void keep(Handle handle, Look look) {
        ++expected_;
        handles_.push_back({[this, handle, look]() mutable {
            BOOST_TEST_REQUIRE(handle.wait_for(60s), "a batch never completes");
            look(handle);
            ++completed_;
        }});
    }

    void start_map(procpool::process_pool& pool) {
        const int first = used_;
        const auto items = some_items(random() % 2 == 0, true);
        auto handle = pool.map(call{here_.file("board")}, items, some_cut()).start();
        if (random() % 8 == 0)
            handle.cancel();
        keep(handle, [this, first, size = items.size()](auto& batch) {
            try {
                const auto all = batch.get();
                BOOST_TEST(all.size() == size);
                for (std::size_t i = 0; i != size; ++i)
                    look_at(first + static_cast<int>(i), nullptr, all[i]);
            } catch (const std::exception&) {
                // Which item it was is another test's matter.
            }
            for (std::size_t i = 0; i != size; ++i)
                ++records_[static_cast<std::size_t>(first) + i].told;
        });
    }

    void start_settled(procpool::process_pool& pool) {
        const int first = used_;
        const auto items = some_items(true, false);
        auto handle = pool.map_settled(call{here_.file("board")}, items, some_cut()).start();
        keep(handle, [this, first, size = items.size()](auto& batch) {
            const auto all = batch.get();
            BOOST_TEST(all.size() == size);
            for (std::size_t i = 0; i != size; ++i) {
                ++records_[static_cast<std::size_t>(first) + i].told;
                look_at(first + static_cast<int>(i), all[i].has_error() ? all[i].error() : nullptr,
                        all[i].has_error() ? 0 : all[i].value());
            }
        });
    }

    // Streams that are taken here and now, to their end or not.
    void start_stream(procpool::process_pool& pool) {
        const int first = used_;
        const auto items = some_items(true, false);
        const bool to_the_end = random() % 2;
        const std::size_t wanted = to_the_end ? items.size() : random() % (items.size() + 1);
        auto stream = pool.imap(call{here_.file("board")}, items, some_cut());
        for (std::size_t i = 0; i != wanted; ++i) {
            auto next = stream.next().start();
            BOOST_TEST_REQUIRE(next.wait_for(60s), "a stream stands still");
            ++records_[static_cast<std::size_t>(first) + i].told;
            try {
                const auto value = next.get();
                BOOST_TEST_REQUIRE(value.has_value());
                look_at(first + static_cast<int>(i), nullptr, *value);
            } catch (const boost::system::system_error&) {
                look_at(first + static_cast<int>(i), std::current_exception(), 0);
            } catch (const std::domain_error&) {
                look_at(first + static_cast<int>(i), std::current_exception(), 0);
            }
        }
        if (to_the_end)
            BOOST_TEST(!stream.next().get());
        for (std::size_t i = wanted; i != items.size(); ++i)
            ++records_[static_cast<std::size_t>(first) + i].told; // nobody wants to know
    }

    void start_reduction(procpool::process_pool& pool) {
        const auto items = some_items(false, true);
        long long sum = 0;
        for (const item& one : items) {
            sum += expected_of(one.first);
            ++records_[static_cast<std::size_t>(one.first)].told;
        }
        auto handle =
            pool.map_reduce(call{here_.file("board")}, items, 0LL, [](long long a, long long b) { return a + b; })
                .start();
        keep(handle, [sum](auto& batch) {
            try {
                BOOST_TEST(batch.get() == sum);
            } catch (const boost::system::system_error&) {
                // Somebody killed a worker.
            }
        });
    }

    void look_at(int task, const std::exception_ptr& error, int value) {
        const record& one = records_[static_cast<std::size_t>(task)];
        const board::place& word = word_[static_cast<std::size_t>(task)];
        if (!error) {
            if (value != expected_of(task) || word.ended == 0)
                complain(task, "it has a result that it never gave");
            if (one.how == manner::throws || one.how == manner::aborts || one.how == manner::exits)
                complain(task, "it has a result though it cannot have one");
            return;
        }
        try {
            std::rethrow_exception(error);
        } catch (const std::domain_error& thrown) {
            if (one.how != manner::throws || thrown.what() != "task " + std::to_string(task))
                complain(task, "it has another one's exception");
        } catch (const procpool::worker_died&) {
            // It did, or somebody killed it.
        } catch (const boost::system::system_error& thrown) {
            const bool late = thrown.code() == errc::timed_out || thrown.code() == errc::queue_timed_out;
            const bool off = thrown.code() == boost::asio::error::operation_aborted;
            const bool gone = thrown.code() == errc::pool_terminated;
            if (thrown.code() == errc::worker_start_failed) {
                ++without_worker; // every one was killed before it was of use, many times in a row
                return;
            }
            if (!(late && one.limited) && !(off && one.may_be_called_off) && !(gone && early_end_))
                complain(task, thrown.what());
        }
    }

    void complain(int task, const std::string& what) {
        const std::lock_guard lock(complaining_);
        BOOST_ERROR("task " << task << ": " << what);
    }

    void wait_for_all() {
        for (auto& one : handles_)
            one.look();
        handles_.clear();
        BOOST_TEST_REQUIRE(wait_until([&] { return completed_ == expected_; }, 60s), "an operation never completes");
    }

    void judge() {
        for (int task = 0; task != used_; ++task) {
            const record& one = records_[static_cast<std::size_t>(task)];
            const board::place& word = word_[static_cast<std::size_t>(task)];
            if (one.told != 1)
                complain(task, "it completed " + std::to_string(one.told) + " times");
            if (word.began > 1 + one.retries)
                complain(task, "it began " + std::to_string(word.began) + " times");
            if (one.retries == 0 && word.ended > 1)
                complain(task, "it ran to its end more than once");
        }
    }

    /// Of a pool that was joined, every worker's end was told.
    void judge_events() {
        using kind = procpool::worker_event::kind;
        const auto count = [this](kind what) { return events_[static_cast<std::size_t>(what)].load(); };
        // A failed launch is told as a death too, so there may be more ends than beginnings, never fewer.
        if (joined_ && count(kind::retired) + count(kind::died) < count(kind::started) + count(kind::replaced))
            complain(0, "a worker's end was not told of");
    }

    /// For a moment nothing can be opened: no worker can be started.
    static void starve(std::chrono::microseconds time) {
        rlimit before{};
        ::getrlimit(RLIMIT_NOFILE, &before);
        const rlimit none{3, before.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &none);
        std::this_thread::sleep_for(time);
        ::setrlimit(RLIMIT_NOFILE, &before);
    }

    /// Kills and stops workers from outside, and starves the pool.
    void make_trouble(unsigned seed, const std::atomic<bool>& over) const {
        std::mt19937 random(seed);
        while (!over) {
            std::this_thread::sleep_for(std::chrono::microseconds(random() % 8000));
            if (!sanitized && random() % 50 == 0) {
                starve(std::chrono::microseconds(random() % 5000));
                ++happened_.starved;
            }
            const std::vector<pid_t> workers = children();
            if (workers.empty())
                continue;
            const pid_t victim = workers[random() % workers.size()];
            if (random() % 3 != 0) {
                send_signal(victim, SIGKILL);
                ++happened_.killed;
            } else {
                send_signal(victim, SIGSTOP);
                std::this_thread::sleep_for(std::chrono::microseconds(random() % 5000));
                send_signal(victim, SIGCONT);
                ++happened_.stopped;
            }
        }
    }

    struct waiting {
        std::function<void()> look;
    };

    unsigned random() { return static_cast<unsigned>(engine_()); }

    happenings& happened_;
    std::mt19937 engine_;
    scratch here_;
    board word_;
    std::unique_ptr<record[]> records_;
    int used_ = 0;
    bool early_end_ = false;
    bool joined_ = false;
    std::array<std::atomic<std::size_t>, 5> events_{};
    std::atomic<std::size_t> lines_ = 0;
    std::vector<waiting> handles_;
    std::size_t expected_ = 0;
    std::atomic<std::size_t> completed_ = 0;
    std::mutex complaining_;

public:
    std::atomic<std::size_t> without_worker = 0;
};

unsigned from_environment(const char* name, unsigned otherwise) {
    const char* const value = std::getenv(name);
    return value ? static_cast<unsigned>(std::strtoul(value, nullptr, 10)) : otherwise;
}

/// The bytes that the program has asked for and not given back.
std::size_t memory_in_use() {
    const auto all = ::mallinfo2();
    return all.uordblks + all.hblkhd;
}

} // namespace

BOOST_AUTO_TEST_SUITE(chaos)

BOOST_AUTO_TEST_CASE(every_operation_completes_exactly_once_and_rightly_whatever_happens) {
    constexpr std::size_t least_tasks = 100'000;
    constexpr unsigned rounds_until_all_is_warm = 4;
    std::size_t memory_when_warm = 0;
    const unsigned seed = from_environment("PROCPOOL_CHAOS_SEED", std::random_device{}());
    const std::chrono::seconds bound(from_environment("PROCPOOL_CHAOS_SECONDS", 5));
    BOOST_TEST_MESSAGE("PROCPOOL_CHAOS_SEED=" << seed);
    std::printf("PROCPOOL_CHAOS_SEED=%u\n", seed);
    std::fflush(stdout);
    const auto begin = std::chrono::steady_clock::now();
    std::size_t tasks = 0;
    std::size_t without_worker = 0;
    happenings happened;
    unsigned rounds = 0;
    // What happens is a matter of chance, and under a sanitizer so many tasks take few rounds.
    constexpr unsigned most_rounds_for_all = 50;
    while (tasks < least_tasks || std::chrono::steady_clock::now() - begin < bound ||
           (!happened.all() && rounds < most_rounds_for_all)) {
        BOOST_TEST_CONTEXT("seed " << seed << ", round " << rounds) {
            const leftovers before = leftovers::now();
            {
                chaos_round one(seed + rounds, happened);
                tasks += one.run();
                without_worker += one.without_worker;
            }
            BOOST_TEST(wait_for_no_leftovers(before) == "");
        }
        if (++rounds == rounds_until_all_is_warm)
            memory_when_warm = memory_in_use();
    }
    // A sanitizer's allocator answers 0.
    if (rounds > rounds_until_all_is_warm)
        BOOST_TEST(memory_in_use() < memory_when_warm + (std::size_t{1} << 20));
    std::printf("%u rounds (%zu with a fork server), %zu tasks, %zu of them failed for want of a worker\n"
                "%zu workers killed and %zu stopped from outside, %zu died in all, %zu retired, %zu times without "
                "descriptors\n",
                rounds, happened.forked, tasks, without_worker, happened.killed.load(), happened.stopped.load(),
                happened.died.load(), happened.retired.load(), happened.starved.load());
    BOOST_TEST(happened.all());
}

BOOST_AUTO_TEST_SUITE_END()
