// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Ending a pool in an orderly way: close, join and shutdown.

#include <facade/support.hpp>

#include <array>
#include <functional>
#include <thread>
#include <vector>

#include <unistd.h>

namespace {

using namespace procpool::testing;
using namespace std::chrono_literals;
using procpool::errc;
using procpool::process_pool;

int add(int left, int right) {
    return left + right;
}

int process_id() {
    return ::getpid();
}

bool is_there(int process) {
    return std::filesystem::exists("/proc/" + std::to_string(process));
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(closing, two_workers)

BOOST_AUTO_TEST_CASE(lets_what_was_accepted_go_on_and_refuses_the_rest) {
    const gate door;
    std::array<seen<int>, 20> earlier;
    for (std::size_t i = 0; i != earlier.size(); ++i)
        pool.submit(pass_gate, door.path(), static_cast<int>(i))(earlier[i].handler());
    BOOST_REQUIRE(run_until([&] { return door.count() == 2; }));
    pool.close();
    seen<int> later;
    seen<std::vector<int>> later_batch;
    pool.submit(add, 1, 2)(later.handler());
    pool.map(std::negate<>{}, std::vector{1, 2})(later_batch.handler());
    BOOST_REQUIRE(run_until([&] { return later.over() && later_batch.over(); }));
    BOOST_TEST(code_of(later.error) == errc::pool_closed);
    BOOST_TEST(code_of(later_batch.error) == errc::pool_closed);
    for (const auto& one : earlier)
        BOOST_TEST(!one.over());
    door.open();
    for (std::size_t i = 0; i != earlier.size(); ++i) {
        BOOST_REQUIRE(run_until([&] { return earlier[i].over(); }));
        BOOST_TEST(code_of(earlier[i].error) == boost::system::error_code());
        BOOST_TEST(*earlier[i].value == static_cast<int>(i));
        BOOST_TEST(earlier[i].calls == 1);
    }
}

BOOST_AUTO_TEST_CASE(twice_does_nothing) {
    seen<int> result;
    pool.submit(add, 1, 2)(result.handler());
    pool.close();
    pool.close();
    run(context, pool.join());
    BOOST_TEST(*result.value == 3);
    pool.close();
}

BOOST_AUTO_TEST_CASE(ends_the_workers_when_all_is_done) {
    const int first = run(context, pool.submit(process_id));
    BOOST_TEST(is_there(first));
    pool.close();
    BOOST_TEST(run_until([&] { return !is_there(first); }));
    BOOST_TEST(run_until([&] {
        const auto now = pool.stats();
        return now.workers_idle + now.workers_busy + now.workers_starting == 0;
    }));
    BOOST_TEST(pool.stats().workers_died == 0u); // it was wanted
}

BOOST_AUTO_TEST_CASE(lets_the_contexts_run_return) {
    seen<int> result;
    pool.submit(add, 1, 2)(result.handler());
    pool.close();
    BOOST_TEST(run_for(context, patience)); // out of work
    BOOST_TEST(result.over());
}

BOOST_AUTO_TEST_CASE(at_once_lets_the_contexts_run_return) {
    pool.close();
    BOOST_TEST(run_for(context, patience));
}

BOOST_AUTO_TEST_CASE(not_doing_it_keeps_the_context_busy) {
    BOOST_TEST(run(context, pool.submit(add, 1, 2)) == 3);
    context.restart();
    context.run_for(50ms);
    BOOST_TEST(!context.stopped());
}

BOOST_AUTO_TEST_CASE(does_not_call_off_a_submission_in_a_handle) {
    auto handle = pool.submit(add, 1, 2).start();
    pool.close();
    BOOST_TEST(run(context, handle.result()) == 3);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(joining, two_workers)

BOOST_AUTO_TEST_CASE(completes_after_everything_else_and_with_all_workers_gone) {
    std::vector<int> workers;
    int calls = 0;
    for (int i = 0; i != 50; ++i)
        pool.submit(process_id)([&](std::exception_ptr, int process) {
            workers.push_back(process);
            ++calls;
        });
    bool joined = false;
    pool.join()([&](std::exception_ptr error) {
        BOOST_TEST(!error);
        BOOST_TEST(calls == 50);
        for (const int one : workers)
            BOOST_TEST(!is_there(one));
        joined = true;
    });
    pool.close();
    BOOST_TEST(run_until([&] { return joined; }));
}

BOOST_AUTO_TEST_CASE(before_closing_waits_for_somebody_to_close) {
    seen<void> joined;
    pool.join()(joined.handler());
    BOOST_TEST(run(context, pool.submit(add, 1, 2)) == 3);
    BOOST_TEST(run(context, pool.submit(add, 1, 2)) == 3);
    BOOST_TEST(!joined.over());
    std::thread([&] { pool.close(); }).join();
    BOOST_TEST(run_until([&] { return joined.over(); }));
    BOOST_TEST(!joined.error);
}

BOOST_AUTO_TEST_CASE(waits_for_a_task_that_takes_long) {
    const gate door;
    seen<int> result;
    seen<void> joined;
    pool.submit(pass_gate, door.path(), 1)(result.handler());
    pool.close();
    pool.join()(joined.handler());
    BOOST_REQUIRE(run_until([&] { return door.begun(1); }));
    context.restart();
    context.run_for(20ms);
    BOOST_TEST(!joined.over());
    door.open();
    BOOST_TEST(run_until([&] { return joined.over(); }));
    BOOST_TEST(result.over());
}

BOOST_AUTO_TEST_CASE(may_be_done_by_several_and_again_afterwards) {
    std::array<seen<void>, 5> joined;
    for (auto& one : joined)
        pool.join()(one.handler());
    pool.close();
    for (auto& one : joined) {
        BOOST_REQUIRE(run_until([&] { return one.over(); }));
        BOOST_TEST(!one.error);
    }
    BOOST_TEST(!run_to_error(context, pool.join()));
}

BOOST_AUTO_TEST_CASE(completes_after_terminating) {
    const gate closed;
    seen<int> result;
    seen<void> joined;
    pool.submit(pass_gate, closed.path(), 1)(result.handler());
    pool.join()(joined.handler());
    BOOST_REQUIRE(run_until([&] { return closed.begun(1); }));
    pool.terminate();
    BOOST_TEST(run_until([&] { return joined.over(); }));
    BOOST_TEST(!joined.error);
    BOOST_TEST(result.over());
}

BOOST_AUTO_TEST_CASE(completes_when_the_pool_is_destroyed) {
    seen<void> joined;
    {
        process_pool other(context, {.workers = 1});
        other.join()(joined.handler());
        BOOST_TEST(run(context, other.submit(add, 1, 2)) == 3);
    }
    BOOST_TEST(run_until([&] { return joined.over(); }));
    BOOST_TEST(joined.calls == 1);
}

BOOST_AUTO_TEST_CASE(blocks_with_get) {
    process_pool own({.workers = 1});
    auto handle = own.submit(add, 1, 2).start();
    own.close();
    own.join().get();
    BOOST_TEST(handle.ready());
    BOOST_TEST(own.stats().workers_idle == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(shutting_down, two_workers)

BOOST_AUTO_TEST_CASE(an_idle_pool_takes_no_grace) {
    BOOST_TEST(run(context, pool.submit(add, 1, 2)) == 3);
    const auto start = std::chrono::steady_clock::now();
    run(context, pool.shutdown(10min));
    BOOST_TEST((std::chrono::steady_clock::now() - start < patience));
    BOOST_TEST(code_of(run_to_error(context, pool.submit(add, 1, 2))) == errc::pool_closed);
}

BOOST_AUTO_TEST_CASE(lets_the_context_run_dry_although_much_of_the_grace_is_left) {
    seen<void> over;
    pool.shutdown(10min)(over.handler());
    BOOST_TEST(run_for(context, patience));
    BOOST_TEST(over.over());
}

BOOST_AUTO_TEST_CASE(waits_for_what_is_done_within_the_grace) {
    const gate door;
    seen<int> result;
    seen<void> over;
    pool.submit(pass_gate, door.path(), 1)(result.handler());
    pool.shutdown(10min)(over.handler());
    BOOST_REQUIRE(run_until([&] { return door.begun(1); }));
    BOOST_TEST(!over.over());
    door.open();
    BOOST_TEST(run_until([&] { return over.over(); }));
    BOOST_TEST(!over.error);
    BOOST_TEST(*result.value == 1);
}

BOOST_AUTO_TEST_CASE(may_be_given_the_longest_of_graces) {
    for (const auto grace : {std::chrono::milliseconds::max(), std::chrono::milliseconds(1000h * 24 * 365)}) {
        small_pool other;
        const gate door;
        seen<int> result;
        seen<void> over;
        other.pool.submit(pass_gate, door.path(), 1)(result.handler());
        other.pool.shutdown(grace)(over.handler());
        BOOST_REQUIRE(other.run_until([&] { return door.begun(1) || result.over(); }));
        BOOST_TEST(!result.over());
        BOOST_TEST(!over.over());
        door.open();
        BOOST_TEST(other.run_until([&] { return over.over(); }));
        BOOST_TEST(code_of(result.error) == boost::system::error_code());
    }
}

BOOST_AUTO_TEST_CASE(with_a_grace_below_zero_terminates_at_once) {
    const gate closed;
    seen<int> result;
    pool.submit(pass_gate, closed.path(), 1)(result.handler());
    BOOST_REQUIRE(run_until([&] { return closed.begun(1); }));
    run(context, pool.shutdown(-1h));
    BOOST_TEST(code_of(result.error) == errc::pool_terminated);
    small_pool other;
    run(other.context, other.pool.shutdown(std::chrono::milliseconds::min()));
}

BOOST_AUTO_TEST_CASE(terminates_after_the_grace) {
    const gate closed;
    std::array<seen<int>, 10> results;
    for (auto& one : results)
        pool.submit(pass_gate, closed.path(), static_cast<int>(&one - results.data()))(one.handler());
    BOOST_REQUIRE(run_until([&] { return closed.count() == 2; }));
    seen<void> over;
    const auto start = std::chrono::steady_clock::now();
    pool.shutdown(100ms)(over.handler());
    BOOST_TEST(run_until([&] { return over.over(); }));
    BOOST_TEST((std::chrono::steady_clock::now() - start >= 100ms));
    BOOST_TEST(!over.error);
    for (const auto& one : results) {
        BOOST_TEST(one.calls == 1);
        BOOST_TEST(code_of(one.error) == errc::pool_terminated);
    }
    BOOST_TEST(closed.count() == 2u);
}

BOOST_AUTO_TEST_CASE(without_grace_terminates_at_once) {
    const gate closed;
    seen<int> result;
    pool.submit(pass_gate, closed.path(), 1)(result.handler());
    BOOST_REQUIRE(run_until([&] { return closed.begun(1); }));
    run(context, pool.shutdown(0ms));
    BOOST_TEST(code_of(result.error) == errc::pool_terminated);
}

BOOST_AUTO_TEST_CASE(does_nothing_before_it_is_started) {
    { [[maybe_unused]] const auto dropped = pool.shutdown(0ms); }
    BOOST_TEST(run(context, pool.submit(add, 1, 2)) == 3);
}

BOOST_AUTO_TEST_CASE(twice_completes_twice) {
    seen<void> first;
    seen<void> second;
    pool.shutdown(10min)(first.handler());
    pool.shutdown(0ms)(second.handler());
    BOOST_TEST(run_until([&] { return first.over() && second.over(); }));
}

BOOST_AUTO_TEST_CASE(with_a_shorter_grace_the_second_time_ends_earlier) {
    const gate closed;
    seen<int> result;
    seen<void> first;
    seen<void> second;
    pool.submit(pass_gate, closed.path(), 1)(result.handler());
    BOOST_REQUIRE(run_until([&] { return closed.begun(1); }));
    pool.shutdown(10min)(first.handler());
    pool.shutdown(10ms)(second.handler());
    BOOST_TEST(run_until([&] { return first.over() && second.over() && result.over(); }));
    BOOST_TEST(code_of(result.error) == errc::pool_terminated);
}

BOOST_AUTO_TEST_CASE(of_a_pool_that_is_destroyed_within_the_grace_completes) {
    const gate closed;
    seen<void> over;
    {
        process_pool other(context, {.workers = 1});
        seen<int> ignored;
        other.submit(pass_gate, closed.path(), 1)([](auto&&...) {});
        other.shutdown(10min)(over.handler());
        BOOST_REQUIRE(run_until([&] { return closed.begun(1); }));
    }
    BOOST_TEST(run_until([&] { return over.over(); }));
    pool.close();
    BOOST_TEST(run_for(context, patience)); // no timer is left behind
}

BOOST_AUTO_TEST_SUITE_END()
