// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Calling operations off through the handler's cancellation slot.

#include <facade/support.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <deque>
#include <thread>
#include <vector>

#include <unistd.h>

namespace {

using namespace procpool::testing;
using procpool::errc;
using procpool::process_pool;

constexpr auto all_types = {asio::cancellation_type::total, asio::cancellation_type::partial,
                            asio::cancellation_type::terminal};

int add(int left, int right) {
    return left + right;
}

int minus(int value) {
    return -value;
}

int process_id() {
    return ::getpid();
}

/// An operation that can be called off.
struct revocable {
    asio::cancellation_signal signal;
    seen<int> result;

    auto token() { return asio::bind_cancellation_slot(signal.slot(), result.handler()); }
    void cancel(asio::cancellation_type type) { signal.emit(type); }
    bool aborted() const { return code_of(result.error) == asio::error::operation_aborted; }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(cancellation, one_worker)

BOOST_AUTO_TEST_CASE(of_any_type_withdraws_a_task_that_no_worker_has_begun) {
    for (const auto type : all_types) {
        const gate door;
        seen<int> first;
        std::deque<revocable> waiting(3);
        const auto begin = pool.stats();
        pool.submit(pass_gate, door.path(), 0)(first.handler());
        for (int i = 0; i != 3; ++i)
            pool.submit(leave_mark, door.path(), i + 1)(waiting[static_cast<std::size_t>(i)].token());
        BOOST_REQUIRE(run_until([&] { return door.begun(0); }));
        // One was sent ahead or waits in the queue, as the pool likes; it is the same for all of them.
        waiting[1].cancel(type);
        BOOST_REQUIRE(run_until([&] { return waiting[1].result.over(); }));
        BOOST_TEST(waiting[1].aborted());
        BOOST_TEST(!first.over());
        door.open();
        BOOST_REQUIRE(run_until([&] { return waiting[0].result.over() && waiting[2].result.over(); }));
        BOOST_TEST(*waiting[0].result.value == 1);
        BOOST_TEST(*waiting[2].result.value == 3);
        BOOST_TEST(door.begun(1));
        BOOST_TEST(!door.begun(2)); // it never ran
        BOOST_TEST(door.begun(3));
        BOOST_TEST(pool.stats().tasks_cancelled == begin.tasks_cancelled + 1);
        BOOST_TEST(pool.stats().workers_died == 0u);
    }
    BOOST_TEST(pool.stats().workers_started == 1u); // nobody was killed for it
}

BOOST_AUTO_TEST_CASE(withdraws_a_task_far_back_in_the_queue) {
    const gate door;
    seen<int> first;
    std::deque<revocable> waiting(5000);
    pool.submit(pass_gate, door.path(), 0)(first.handler());
    for (int i = 0; i != 5000; ++i)
        pool.submit(add, i, 0)(waiting[static_cast<std::size_t>(i)].token());
    BOOST_REQUIRE(run_until([&] { return door.begun(0); }));
    for (std::size_t i = 0; i != 5000; i += 2)
        waiting[i].cancel(asio::cancellation_type::total);
    BOOST_REQUIRE(run_until([&] { return waiting[4998].result.over() && waiting[0].result.over(); }));
    door.open();
    BOOST_REQUIRE(run_until([&] { return waiting[4999].result.over(); }));
    int wrong = 0;
    for (int i = 0; i != 5000; ++i) {
        const auto& one = waiting[static_cast<std::size_t>(i)];
        wrong += one.result.calls != 1 || (i % 2 == 0 ? !one.aborted() : *one.result.value != i);
    }
    BOOST_TEST(wrong == 0);
    BOOST_TEST(pool.stats().tasks_cancelled == 2500u);
}

BOOST_AUTO_TEST_CASE(that_is_not_terminal_leaves_a_running_task_alone) {
    for (const auto type : {asio::cancellation_type::total, asio::cancellation_type::partial}) {
        const gate door;
        revocable running;
        pool.submit(pass_gate, door.path(), 7)(running.token());
        BOOST_REQUIRE(run_until([&] { return door.begun(7); }));
        running.cancel(type);
        context.restart();
        context.run_for(std::chrono::milliseconds(20));
        BOOST_TEST(!running.result.over());
        door.open();
        BOOST_REQUIRE(run_until([&] { return running.result.over(); }));
        BOOST_TEST(code_of(running.result.error) == boost::system::error_code());
        BOOST_TEST(*running.result.value == 7);
    }
    BOOST_TEST(pool.stats().workers_started == 1u);
    BOOST_TEST(pool.stats().tasks_cancelled == 0u);
}

BOOST_AUTO_TEST_CASE(that_is_terminal_kills_a_running_task_and_its_worker_is_replaced) {
    const gate closed;
    const int before = run(context, pool.submit(process_id));
    revocable running;
    std::deque<revocable> behind(20); // some of them were sent to the same worker
    pool.submit(pass_gate, closed.path(), 7)(running.token());
    for (int i = 0; i != 20; ++i)
        pool.submit(add, i, 0)(behind[static_cast<std::size_t>(i)].token());
    BOOST_REQUIRE(run_until([&] { return closed.begun(7); }));
    running.cancel(asio::cancellation_type::terminal);
    BOOST_REQUIRE(run_until([&] { return running.result.over(); }));
    BOOST_TEST(running.aborted());
    for (int i = 0; i != 20; ++i) {
        const auto& one = behind[static_cast<std::size_t>(i)].result;
        BOOST_REQUIRE(run_until([&] { return one.over(); }));
        BOOST_TEST(!one.error);
        BOOST_TEST(one.value.value_or(-1) == i);
    }
    const int after = run(context, pool.submit(process_id));
    BOOST_TEST(after != before);
    BOOST_TEST(pool.stats().workers_started == 2u);
    BOOST_TEST(pool.stats().workers_died == 0u); // it was wanted
    BOOST_TEST(pool.stats().tasks_cancelled == 1u);
    BOOST_TEST(running.result.calls == 1);
}

BOOST_AUTO_TEST_CASE(that_is_terminal_touches_no_other_worker) {
    process_pool two(context, {.workers = 2});
    const gate door;
    revocable doomed;
    revocable other;
    two.submit(pass_gate, door.path(), 1)(doomed.token());
    two.submit(pass_gate, door.path(), 2)(other.token());
    BOOST_REQUIRE(run_until([&] { return door.begun(1) && door.begun(2); }));
    doomed.cancel(asio::cancellation_type::terminal);
    BOOST_REQUIRE(run_until([&] { return doomed.result.over(); }));
    BOOST_TEST(doomed.aborted());
    BOOST_TEST(!other.result.over());
    door.open();
    BOOST_REQUIRE(run_until([&] { return other.result.over(); }));
    BOOST_TEST(*other.result.value == 2);
}

BOOST_AUTO_TEST_CASE(right_after_the_submission) {
    for (const auto type : all_types) {
        revocable early;
        pool.submit(add, 1, 2)(early.token());
        early.cancel(type);
        BOOST_REQUIRE(run_until([&] { return early.result.over(); }));
        BOOST_TEST((early.aborted() || early.result.value == 3));
    }
    BOOST_TEST(run(context, pool.submit(add, 1, 2)) == 3);
}

BOOST_AUTO_TEST_CASE(twice_and_after_the_end_does_nothing_more) {
    const gate closed;
    revocable running;
    pool.submit(pass_gate, closed.path(), 7)(running.token());
    BOOST_REQUIRE(run_until([&] { return closed.begun(7); }));
    running.cancel(asio::cancellation_type::total);
    running.cancel(asio::cancellation_type::terminal);
    running.cancel(asio::cancellation_type::terminal);
    BOOST_REQUIRE(run_until([&] { return running.result.over(); }));
    running.cancel(asio::cancellation_type::terminal);
    BOOST_TEST(run(context, pool.submit(add, 1, 2)) == 3);
    running.cancel(asio::cancellation_type::terminal);
    BOOST_TEST(run(context, pool.submit(add, 1, 2)) == 3);
    BOOST_TEST(running.result.calls == 1);
    BOOST_TEST(pool.stats().workers_started == 2u);
}

BOOST_AUTO_TEST_CASE(within_a_handler_of_another_operation) {
    const gate closed;
    revocable running;
    revocable waiting;
    pool.submit(pass_gate, closed.path(), 1)(running.token());
    pool.submit(pass_gate, closed.path(), 2)(waiting.token());
    BOOST_REQUIRE(run_until([&] { return closed.begun(1); }));
    waiting.cancel(asio::cancellation_type::total);
    BOOST_REQUIRE(run_until([&] { return waiting.result.over(); }));
    bool over = false;
    process_pool other(context, {.workers = 1});
    other.submit(add, 1, 2)([&](std::exception_ptr, int) {
        running.cancel(asio::cancellation_type::terminal);
        over = true;
    });
    BOOST_REQUIRE(run_until([&] { return over && running.result.over(); }));
    BOOST_TEST(running.aborted());
}

BOOST_AUTO_TEST_CASE(of_one_signal_for_many_operations_in_turn) {
    asio::cancellation_signal signal;
    for (int i = 0; i != 10; ++i) {
        seen<int> result;
        pool.submit(add, i, 0)(asio::bind_cancellation_slot(signal.slot(), result.handler()));
        BOOST_REQUIRE(run_until([&] { return result.over(); }));
        BOOST_TEST(*result.value == i);
    }
    const gate closed;
    seen<int> last;
    pool.submit(pass_gate, closed.path(), 1)(asio::bind_cancellation_slot(signal.slot(), last.handler()));
    BOOST_REQUIRE(run_until([&] { return closed.begun(1); }));
    signal.emit(asio::cancellation_type::terminal);
    BOOST_REQUIRE(run_until([&] { return last.over(); }));
    BOOST_TEST(code_of(last.error) == asio::error::operation_aborted);
}

BOOST_AUTO_TEST_CASE(of_a_batch_withdraws_what_waits_and_kills_what_runs) {
    for (const auto type : all_types) {
        const gate door;
        asio::cancellation_signal signal;
        seen<std::vector<int>> result;
        std::vector<std::pair<std::filesystem::path, int>> items;
        for (int i = 0; i != 10; ++i)
            items.emplace_back(door.path(), i);
        pool.starmap(pass_gate, items,
                     {.chunk_size = 1})(asio::bind_cancellation_slot(signal.slot(), result.handler()));
        BOOST_REQUIRE(run_until([&] { return door.begun(0); }));
        signal.emit(type);
        if (type != asio::cancellation_type::terminal)
            door.open(); // what runs goes on
        BOOST_REQUIRE(run_until([&] { return result.over(); }));
        BOOST_TEST(code_of(result.error) == asio::error::operation_aborted);
        BOOST_TEST(door.count() == 1u);
    }
    BOOST_TEST(run(context, pool.submit(add, 1, 2)) == 3);
    BOOST_TEST(pool.stats().workers_started == 2u); // only the terminal one has killed
}

BOOST_AUTO_TEST_CASE(of_waiting_for_a_handle_or_joining_ends_the_waiting_alone) {
    const gate door;
    asio::cancellation_signal signal;
    auto handle = pool.submit(pass_gate, door.path(), 1).start();
    seen<int> result;
    seen<void> joined;
    asio::cancellation_signal second;
    handle.result()(asio::bind_cancellation_slot(signal.slot(), result.handler()));
    pool.close();
    pool.join()(asio::bind_cancellation_slot(second.slot(), joined.handler()));
    BOOST_REQUIRE(run_until([&] { return door.begun(1); }));
    signal.emit(asio::cancellation_type::terminal);
    second.emit(asio::cancellation_type::terminal);
    BOOST_REQUIRE(run_until([&] { return result.over() && joined.over(); }));
    BOOST_TEST(code_of(result.error) == asio::error::operation_aborted);
    BOOST_TEST(code_of(joined.error) == asio::error::operation_aborted);
    BOOST_TEST(!handle.ready());
    door.open();
    BOOST_TEST(run(context, handle.result()) == 1);
    run(context, pool.join());
}

BOOST_AUTO_TEST_CASE(after_the_pool_and_its_context_are_gone_does_nothing) {
    revocable done;
    revocable killed;
    asio::cancellation_signal signal;
    seen<std::vector<int>> batch;
    const gate closed;
    {
        small_pool with;
        with.pool.submit(add, 1, 2)(done.token());
        BOOST_REQUIRE(with.run_until([&] { return done.result.over(); }));
        with.pool.submit(pass_gate, closed.path(), 2)(killed.token());
        with.pool.map(minus, std::vector{1, 2})(asio::bind_cancellation_slot(signal.slot(), batch.handler()));
        BOOST_REQUIRE(with.run_until([&] { return closed.begun(2); }));
        with.pool.terminate();
        BOOST_REQUIRE(with.run_until([&] { return killed.result.over() && batch.over(); }));
    }
    done.cancel(asio::cancellation_type::terminal);
    killed.cancel(asio::cancellation_type::terminal);
    signal.emit(asio::cancellation_type::terminal);
    BOOST_TEST(done.result.calls == 1);
    BOOST_TEST(killed.result.calls == 1);
}

BOOST_AUTO_TEST_SUITE_END()
