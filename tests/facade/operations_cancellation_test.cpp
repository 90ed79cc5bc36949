// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Calling off each operation, by each type of cancellation, wherever it stands.

#include <facade/operations.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <deque>
#include <functional>
#include <iterator>
#include <ranges>
#include <string>
#include <vector>

namespace {

using namespace procpool::testing;
using asio::cancellation_type;
using procpool::process_pool;

constexpr int victim = 7;
constexpr int in_front = 1; // of the victim
constexpr int behind = 2;

/// A task of many bytes: nothing more is sent ahead to a worker that has one like this.
std::size_t weigh(const std::string& bytes) {
    return bytes.size();
}

struct revocable {
    asio::cancellation_signal signal;
    fate result;
};

/// One operation under way in a pool with one worker, and its neighbours, which nothing may happen to.
class scene {
public:
    enum class place { begins_at_once, sent_ahead, in_queue };

    scene(const operation_kind& kind, place where, manner how = manner::never_looks,
          std::chrono::milliseconds grace = patience, cancellation_type in_handler = cancellation_type::none)
        : kind_(kind),
          pool_(context_,
                {.workers = 1, .kill_grace = grace, .max_pending = kind.needs_full_pool ? operations_in(where) : 0}) {
        if (where != place::begins_at_once)
            pool_.submit(behave, door_.path(), in_front, manner::never_looks)(in_front_.handler());
        if (where == place::in_queue)
            for (auto& one : heavy_) // more than is sent ahead; each by itself still goes through the pipe
                pool_.submit(weigh, std::string(std::size_t{120} << 10, 'x'))(one.handler());
        subject_ = kind.make(pool_, {door_.path(), victim, how});
        if (!kind.starts_task)
            add_behind();
        start(subject_.again(), asio::bind_cancellation_slot(
                                    signal_.slot(), [this, in_handler](std::exception_ptr error, auto&&... value) {
                                        if (in_handler != cancellation_type::none)
                                            signal_.emit(in_handler);
                                        result.told(std::move(error), std::forward<decltype(value)>(value)...);
                                    }));
        if (kind.starts_task)
            add_behind();
        settle(where);
    }

    bool began(int who = victim) const { return exists("begun-", who); }
    bool was_asked() const { return exists("asked-", victim); }
    bool ran_to_end(int who = victim) const { return exists("ended-", who); }
    void open() const { door_.open(); }
    void cancel(cancellation_type type) { signal_.emit(type); }
    procpool::pool_stats stats() const { return pool_.stats(); }

    template <class P>
    bool run_until(P predicate) {
        return run_for(context_, patience, std::move(predicate));
    }
    bool run_to_end() {
        return run_until([this] { return result.over(); });
    }

    /// The operation once more; for those that wait, it waits for the same task as the first.
    void begin_again(fate& what) { start(subject_.again(), what.handler()); }
    void begin_again(revocable& what) {
        start(subject_.again(), asio::bind_cancellation_slot(what.signal.slot(), what.result.handler()));
    }

    /// The neighbours end as if nothing had been, and the pool does what it did before.
    void check_all_else() {
        open();
        BOOST_TEST(run_until([this] { return behind_.over(); }));
        BOOST_TEST(behind_.yielded(behind), behind_);
        if (in_front_expected_) {
            BOOST_TEST(in_front_.yielded(in_front), in_front_);
            BOOST_TEST(ran_to_end(in_front));
        }
        if (kind_.closes) {
            fate joined;
            procpool::testing::run_to_end(context_, pool_.join(), joined);
            BOOST_TEST(!joined.error);
        } else {
            fate later;
            procpool::testing::run_to_end(context_, pool_.submit(plus, 1, 2), later);
            BOOST_TEST(later.yielded(3), later);
            BOOST_TEST(in_front_.calls <= 1);
        }
        BOOST_TEST(result.calls == 1);
        BOOST_TEST(behind_.calls == 1);
        BOOST_TEST(stats().workers_died == 0u);
    }
    void check_ended_workers(std::size_t how_many) const { BOOST_TEST(stats().workers_started == 1 + how_many); }
    void check_cancelled(std::size_t how_many) const { BOOST_TEST(stats().tasks_cancelled == how_many); }

    /// Who only waited is told, and the task is as it was: it ends, and whoever waits then gets what is due.
    void check_only_waiting_ended() {
        BOOST_TEST(result.aborted(), result);
        open();
        fate second;
        begin_again(second);
        BOOST_TEST(run_until([&] { return second.over() && ran_to_end(); }));
        BOOST_TEST(second.yielded(victim), second);
        BOOST_TEST(!was_asked());
        check_all_else();
        check_cancelled(0);
        check_ended_workers(0);
    }

    fate result;

private:
    static constexpr std::size_t most_heavy = 12;

    static std::size_t operations_in(place where) {
        return where == place::in_queue ? 3 + most_heavy : where == place::sent_ahead ? 3 : 2;
    }

    bool exists(const char* what, int who) const { return std::filesystem::exists(mark(door_.path(), what, who)); }

    void add_behind() { pool_.submit(behave, door_.path(), behind, manner::never_looks)(behind_.handler()); }

    /// Until everything is where it stays.
    void settle(place where) {
        in_front_expected_ = where != place::begins_at_once;
        const int runs = in_front_expected_ ? in_front : victim;
        const std::size_t others = where == place::begins_at_once ? 1 : 2;
        BOOST_REQUIRE(run_until([&] {
            const auto now = stats();
            return began(runs) &&
                   (where == place::in_queue ? now.tasks_waiting >= 2 : now.tasks_with_workers == others + 1);
        }));
        // Tasks are begun in the order in which they came: the one behind is the last.
        BOOST_REQUIRE(!began(behind));
        BOOST_REQUIRE(began() == (where == place::begins_at_once));
        BOOST_REQUIRE(!result.over());
    }

    const operation_kind& kind_;
    const gate door_;
    asio::io_context context_;
    asio::cancellation_signal signal_;
    fate in_front_;
    fate behind_;
    std::array<seen<std::size_t>, most_heavy> heavy_;
    bool in_front_expected_ = false;
    process_pool pool_;
    subject subject_;
};

/// Calls the check for each kind of operation and each type of cancellation.
template <class Check>
void for_all(Check check) {
    for (const operation_kind& kind : all_kinds())
        for (const cancellation_type type : all_cancellation_types)
            BOOST_TEST_CONTEXT(kind.name << ", " << name_of(type))
    check(kind, type);
}

void check_withdrawn(scene& of) {
    BOOST_TEST(of.result.aborted(), of.result);
    of.check_all_else();
    BOOST_TEST(!of.began());
    of.check_cancelled(1);
    of.check_ended_workers(0);
}

/// The task went on as if nothing had been asked.
void check_went_on(scene& of) {
    of.open();
    BOOST_TEST(of.run_to_end());
    BOOST_TEST(of.result.yielded(victim), of.result);
    BOOST_TEST(of.ran_to_end());
    of.check_all_else();
    of.check_cancelled(0);
    of.check_ended_workers(0);
}

void check_ended_with_its_worker(scene& of) {
    BOOST_TEST(of.run_to_end());
    BOOST_TEST(of.result.aborted(), of.result);
    of.check_all_else();
    BOOST_TEST(!of.ran_to_end());
    of.check_cancelled(1);
    of.check_ended_workers(1);
}

} // namespace

BOOST_AUTO_TEST_SUITE(operations_cancellation)

BOOST_AUTO_TEST_CASE(of_any_type_withdraws_what_waits_in_the_queue) {
    for_all([](const operation_kind& kind, cancellation_type type) {
        scene with(kind, scene::place::in_queue);
        with.cancel(type);
        BOOST_REQUIRE(with.run_to_end());
        if (kind.works)
            check_withdrawn(with);
        else
            with.check_only_waiting_ended();
    });
}

BOOST_AUTO_TEST_CASE(of_any_type_withdraws_what_was_sent_ahead_behind_a_running_task) {
    for_all([](const operation_kind& kind, cancellation_type type) {
        scene with(kind, scene::place::sent_ahead);
        with.cancel(type);
        BOOST_REQUIRE(with.run_to_end());
        if (kind.works)
            check_withdrawn(with);
        else
            with.check_only_waiting_ended();
    });
}

BOOST_AUTO_TEST_CASE(of_a_running_task_that_never_looks_ends_its_worker_if_it_is_terminal) {
    for_all([](const operation_kind& kind, cancellation_type type) {
        scene with(kind, scene::place::begins_at_once);
        with.cancel(type);
        if (!kind.works) {
            BOOST_REQUIRE(with.run_to_end());
            with.check_only_waiting_ended();
        } else if (type == cancellation_type::terminal) {
            check_ended_with_its_worker(with);
        } else {
            check_went_on(with);
        }
    });
}

BOOST_AUTO_TEST_CASE(of_a_running_task_that_looks_lets_it_end_by_itself_if_it_is_more_than_total) {
    for_all([](const operation_kind& kind, cancellation_type type) {
        scene with(kind, scene::place::begins_at_once, manner::cooperative);
        with.cancel(type);
        if (!kind.works) {
            BOOST_REQUIRE(with.run_to_end());
            with.check_only_waiting_ended();
        } else if (type == cancellation_type::total) {
            check_went_on(with);
            BOOST_TEST(!with.was_asked());
        } else {
            BOOST_TEST(with.run_to_end());
            BOOST_TEST(with.result.yielded(-victim), with.result);
            BOOST_TEST(with.was_asked());
            with.check_all_else();
            with.check_cancelled(0);
            with.check_ended_workers(0);
        }
    });
}

BOOST_AUTO_TEST_CASE(of_a_running_task_that_throws_when_it_is_asked_completes_with_what_it_throws) {
    for_all([](const operation_kind& kind, cancellation_type type) {
        if (!kind.works || type == cancellation_type::total)
            return;
        scene with(kind, scene::place::begins_at_once, manner::throws);
        with.cancel(type);
        BOOST_TEST(with.run_to_end());
        if (kind.name == std::string("map_settled")) // whose items' errors are values
            BOOST_TEST(with.result.yielded(0), with.result);
        else
            BOOST_TEST(text_of(with.result.error) == "asked to stop");
        BOOST_TEST(with.was_asked());
        with.check_all_else();
        with.check_cancelled(0);
        with.check_ended_workers(0);
    });
}

BOOST_AUTO_TEST_CASE(of_a_running_task_that_looks_and_goes_on_ends_its_worker_after_a_while_if_it_is_terminal) {
    for_all([](const operation_kind& kind, cancellation_type type) {
        if (!kind.works)
            return; // what happens to the task does not depend on what it is like
        scene with(kind, scene::place::begins_at_once, manner::stubborn, std::chrono::milliseconds(20));
        with.cancel(type);
        if (type == cancellation_type::total) {
            check_went_on(with);
            BOOST_TEST(!with.was_asked());
            return;
        }
        if (type == cancellation_type::terminal) { // on a busy machine, before the task has seen that it is to stop
            check_ended_with_its_worker(with);
            return;
        }
        BOOST_TEST(with.run_until([&] { return with.was_asked(); }));
        check_went_on(with);
    });
}

BOOST_AUTO_TEST_CASE(that_is_terminal_ends_a_running_task_that_is_deaf_to_SIGTERM) {
    for_all([](const operation_kind& kind, cancellation_type type) {
        if (!kind.works)
            return;
        scene with(kind, scene::place::begins_at_once, manner::deaf_to_SIGTERM, std::chrono::milliseconds(20));
        with.cancel(type);
        if (type == cancellation_type::terminal)
            check_ended_with_its_worker(with);
        else
            check_went_on(with);
    });
}

BOOST_AUTO_TEST_CASE(of_a_task_that_has_ended_comes_too_late_even_if_nobody_was_told_yet) {
    for_all([](const operation_kind& kind, cancellation_type type) {
        scene with(kind, scene::place::begins_at_once);
        with.open();
        // The context does not run meanwhile. A worker answers before it begins its next task.
        BOOST_REQUIRE(wait_until([&] { return with.began(behind); }, patience));
        with.cancel(type);
        BOOST_REQUIRE(with.run_to_end());
        if (!kind.works) { // a wait can still be ended
            with.check_only_waiting_ended();
            return;
        }
        BOOST_TEST(with.result.yielded(victim), with.result);
        with.check_all_else();
        with.check_cancelled(0);
        with.check_ended_workers(0);
    });
}

BOOST_AUTO_TEST_CASE(of_a_task_that_is_about_to_end_completes_once_either_way) {
    for_all([](const operation_kind& kind, cancellation_type type) {
        scene with(kind, scene::place::begins_at_once);
        with.open();
        BOOST_REQUIRE(wait_until([&] { return with.ran_to_end(); }, patience)); // as it itself says, before it returns
        with.cancel(type);
        BOOST_REQUIRE(with.run_to_end());
        if (!kind.works) {
            with.check_only_waiting_ended();
        } else if (type == cancellation_type::terminal) {
            BOOST_TEST((with.result.yielded(victim) || with.result.aborted()), with.result);
            with.check_all_else();
        } else {
            check_went_on(with);
        }
    });
}

BOOST_AUTO_TEST_CASE(of_what_the_pool_knows_to_be_over_completes_once_and_loses_nothing) {
    for_all([](const operation_kind& kind, cancellation_type type) {
        scene with(kind, scene::place::begins_at_once);
        with.open();
        // The predicate is looked at after each handler that runs: the operation's own may or may not have been among them.
        BOOST_REQUIRE(with.run_until([&] { return with.stats().tasks_completed != 0; }));
        with.cancel(type);
        BOOST_REQUIRE(with.run_to_end());
        if (!kind.works && with.result.aborted()) {
            with.check_only_waiting_ended();
            return;
        }
        BOOST_TEST(with.result.yielded(victim), with.result);
        with.check_all_else();
        with.check_cancelled(0);
        with.check_ended_workers(0);
    });
}

BOOST_AUTO_TEST_CASE(within_the_operations_own_handler_does_nothing) {
    for_all([](const operation_kind& kind, cancellation_type type) {
        scene with(kind, scene::place::begins_at_once, manner::never_looks, patience, type);
        with.open();
        BOOST_REQUIRE(with.run_to_end());
        BOOST_TEST(with.result.yielded(victim), with.result);
        with.check_all_else();
        with.check_cancelled(0);
        with.check_ended_workers(0);
    });
}

BOOST_AUTO_TEST_CASE(of_what_is_done_does_nothing) {
    for_all([](const operation_kind& kind, cancellation_type type) {
        scene with(kind, scene::place::begins_at_once);
        with.open();
        BOOST_REQUIRE(with.run_to_end());
        with.cancel(type);
        with.cancel(type);
        BOOST_TEST(with.result.yielded(victim), with.result);
        with.check_all_else();
        with.cancel(type);
        with.check_cancelled(0);
        with.check_ended_workers(0);
    });
}

// Waits for the same thing -------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(of_a_wait_that_was_called_off_before_does_not_touch_the_next_one) {
    for (const operation_kind& kind : all_kinds()) {
        if (kind.works)
            continue;
        BOOST_TEST_CONTEXT(kind.name) {
            scene with(kind, scene::place::begins_at_once);
            with.cancel(cancellation_type::total);
            BOOST_REQUIRE(with.run_to_end());
            BOOST_TEST(with.result.aborted());
            // These may well get the memory that the first one had.
            std::deque<revocable> later(3);
            for (revocable& one : later)
                with.begin_again(one);
            with.cancel(cancellation_type::total);
            later[1].signal.emit(cancellation_type::partial);
            BOOST_REQUIRE(with.run_until([&] { return later[1].result.over(); }));
            BOOST_TEST(later[1].result.aborted());
            with.cancel(cancellation_type::terminal);
            with.open();
            BOOST_REQUIRE(with.run_until([&] { return later[0].result.over() && later[2].result.over(); }));
            BOOST_TEST(later[0].result.yielded(victim), later[0].result);
            // A stream has one result and is then at its end; the others yield it to everybody.
            BOOST_TEST(later[2].result.yielded(kind.is_stream ? 0 : victim), later[2].result);
            with.check_all_else();
        }
    }
}

BOOST_AUTO_TEST_CASE(of_a_wait_for_room_leaves_the_room_to_the_next_one) {
    const gate door;
    asio::io_context context;
    fate only;
    std::deque<revocable> waiting(3);
    process_pool pool(context, {.workers = 1, .max_pending = 1});
    pool.submit(behave, door.path(), victim, manner::never_looks)(only.handler());
    for (revocable& one : waiting)
        pool.wait_for_room()(asio::bind_cancellation_slot(one.signal.slot(), one.result.handler()));
    waiting[0].signal.emit(cancellation_type::total);
    door.open();
    // Nobody takes the room of which they are told, so all are told.
    for (const revocable& one : waiting)
        BOOST_REQUIRE(run_for(context, patience, [&] { return one.result.over(); }));
    BOOST_TEST(waiting[0].result.aborted());
    BOOST_TEST(!waiting[1].result.error);
    BOOST_TEST(!waiting[2].result.error);
}

// Other threads ------------------------------------------------------------------------------------------------------

// On a pool that has a thread of its own, results come while next() is being started.
BOOST_AUTO_TEST_CASE(can_be_asked_for_while_another_thread_completes_the_operation) {
    process_pool own({.workers = 2});
    int sum = 0;
    for (int times = 0; times != 5; ++times)
        for (const int one :
             own.imap_unordered(std::negate<>{}, std::views::iota(0, 2000), {.chunk_size = 1, .window = 8}))
            sum -= one;
    BOOST_TEST(sum == 5 * 2000 * 1999 / 2);
    std::vector<procpool::task_handle<int>> handles;
    for (int i = 0; i != 500; ++i)
        handles.push_back(own.submit(plus, i, 0).start());
    sum = 0;
    for (auto& one : procpool::as_completed(handles))
        sum += one.get();
    BOOST_TEST(sum == 500 * 499 / 2);
}

/// A task: takes a moment, and says so if it began although it had been called off by then.
int take_a_moment(const std::pair<std::filesystem::path, int>& what) {
    if (std::filesystem::exists(what.first / "called off"))
        touch(what.first / std::to_string(what.second));
    const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(200);
    while (std::chrono::steady_clock::now() < until)
        continue;
    return what.second;
}

// The pool divides the chunk for its other workers meanwhile.
BOOST_AUTO_TEST_CASE(of_a_batch_by_another_thread_withdraws_what_was_not_begun) {
    constexpr std::size_t workers = 4;
    constexpr int items = 64;
    process_pool own({.workers = workers, .kill_grace = std::chrono::milliseconds(100)});
    for (int times = 0; times != 60; ++times) {
        const scratch_folder place;
        std::vector<std::pair<std::filesystem::path, int>> orders;
        for (int i = 0; i != items; ++i)
            orders.emplace_back(place.path(), i);
        auto batch = own.map(take_a_moment, orders, {.chunk_size = items}).start();
        // A little later each time, up to about as long as it takes to divide it.
        const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(25 * times);
        while (std::chrono::steady_clock::now() < until)
            continue;
        batch.cancel();
        touch(place.path() / "called off");
        BOOST_REQUIRE(batch.wait_for(patience));
        // Each worker may have been about to begin one.
        const auto found = std::distance(std::filesystem::directory_iterator(place.path()), {});
        BOOST_TEST(static_cast<std::size_t>(found) <= workers + 1);
    }
    BOOST_TEST(own.submit(plus, 1, 2).get() == 3);
}

/// A task: dies when the gate is open, but not the second time.
int die_at_first(const std::filesystem::path& gate) {
    touch(mark(gate, "begun-", static_cast<int>(procpool::this_task::attempt())));
    if (procpool::this_task::attempt() == 1) {
        wait_until([&] { return std::filesystem::exists(gate / "open"); }, patience);
        std::_Exit(1);
    }
    return victim;
}

BOOST_AUTO_TEST_CASE(that_is_total_lets_a_running_task_have_its_retries) {
    const gate door;
    small_pool with;
    revocable running;
    with.pool.submit(die_at_first, door.path())
        .retries(1)(asio::bind_cancellation_slot(running.signal.slot(), running.result.handler()));
    BOOST_REQUIRE(with.run_until([&] { return std::filesystem::exists(mark(door.path(), "begun-", 1)); }));
    running.signal.emit(cancellation_type::total);
    door.open();
    BOOST_REQUIRE(with.run_until([&] { return running.result.over(); }));
    BOOST_TEST(running.result.yielded(victim), running.result); // as if nothing had been asked
    BOOST_TEST(std::filesystem::exists(mark(door.path(), "begun-", 2)));
}

BOOST_AUTO_TEST_SUITE_END()
