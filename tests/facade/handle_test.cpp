// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Handles of operations that were started, and blocking.

#include <facade/samples.hpp>
#include <facade/support.hpp>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <unistd.h>

namespace {

using namespace procpool::testing;
using namespace std::chrono_literals;
using procpool::errc;
using procpool::process_pool;
using procpool::task_handle;

int add(int left, int right) {
    return left + right;
}

/// A context that other threads run.
class run_elsewhere {
public:
    explicit run_elsewhere(asio::io_context& context, int threads = 1) : work_(asio::make_work_guard(context)) {
        for (int i = 0; i != threads; ++i)
            threads_.emplace_back([&] { context.run(); });
    }
    ~run_elsewhere() {
        work_.reset();
        for (std::thread& one : threads_)
            one.join();
    }

private:
    asio::executor_work_guard<asio::io_context::executor_type> work_;
    std::vector<std::thread> threads_;
};

template <class F>
bool would_deadlock(F f) {
    try {
        f();
        return false;
    } catch (const procpool::pool_error& error) {
        return error.code() == errc::would_deadlock;
    }
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(task_handles, two_workers)

BOOST_AUTO_TEST_CASE(number_tasks_from_one_in_the_order_of_submission) {
    std::vector<task_handle<int>> handles;
    for (int i = 0; i != 10; ++i)
        handles.push_back(pool.submit(add, i, 0).start());
    for (std::uint64_t i = 0; i != 10; ++i)
        BOOST_TEST(handles[i].id() == i + 1);
    process_pool other(context, {.workers = 1});
    BOOST_TEST(other.submit(add, 1, 2).start().id() == 1u);
    BOOST_TEST(pool.map(std::negate<>{}, std::vector{1, 2}).start().id() == 0u); // more than one task
    BOOST_TEST(pool.submit(add, 1, 2).start().id() > 10u);
}

BOOST_AUTO_TEST_CASE(tell_whether_the_operation_is_over_and_how) {
    const gate door;
    auto good = pool.submit(pass_gate, door.path(), 1).start();
    BOOST_REQUIRE(run_until([&] { return door.begun(1); }));
    BOOST_TEST(!good.ready());
    BOOST_CHECK_THROW(good.successful(), std::logic_error);
    door.open();
    BOOST_REQUIRE(run_until([&] { return good.ready(); }));
    BOOST_TEST(good.successful());

    auto bad = pool.submit(fail<int>).start();
    BOOST_REQUIRE(run_until([&] { return bad.ready(); }));
    BOOST_TEST(!bad.successful());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(give_the_result_again_and_again_if_it_can_be_copied, R, sample_types) {
    two_workers with;
    auto handle = with.pool.submit(sample<R>::make).start();
    auto failed = with.pool.submit(fail<R>).start();
    BOOST_REQUIRE(with.run_until([&] { return handle.ready() && failed.ready(); }));
    if constexpr (std::is_void_v<R>) {
        handle.get();
        handle.get();
    } else if constexpr (std::is_copy_constructible_v<R>) {
        BOOST_TEST(sample<R>::right(handle.get()));
        BOOST_TEST(sample<R>::right(handle.get()));
        auto copy = handle;
        BOOST_TEST(sample<R>::right(copy.get()));
        BOOST_TEST(sample<R>::right(run(with.context, handle.result())));
    } else {
        BOOST_TEST(sample<R>::right(handle.get()));
        BOOST_CHECK_THROW(handle.get(), std::logic_error);
        BOOST_CHECK_THROW(run(with.context, handle.result()), std::logic_error);
    }
    BOOST_TEST(handle.successful());
    BOOST_CHECK_THROW(failed.get(), std::domain_error);
    BOOST_CHECK_THROW(failed.get(), std::domain_error);
    BOOST_CHECK_THROW(run(with.context, failed.result()), std::domain_error);
}

BOOST_AUTO_TEST_CASE(are_waited_for_by_several) {
    const gate door;
    auto handle = pool.submit(pass_gate, door.path(), 5).start();
    std::array<seen<int>, 5> results;
    for (auto& one : results)
        handle.result()(one.handler());
    BOOST_REQUIRE(run_until([&] { return door.begun(5); }));
    for (const auto& one : results)
        BOOST_TEST(!one.over());
    door.open();
    for (const auto& one : results) {
        BOOST_REQUIRE(run_until([&] { return one.over(); }));
        BOOST_TEST(!one.error);
        BOOST_TEST(*one.value == 5);
    }
    BOOST_TEST(run(context, handle.result()) == 5);
    for (const auto& one : results)
        BOOST_TEST(one.calls == 1);
}

BOOST_AUTO_TEST_CASE(give_an_error_to_all_who_wait) {
    auto handle = pool.submit(fail<std::string>).start();
    std::array<seen<std::string>, 3> results;
    for (auto& one : results)
        handle.result()(one.handler());
    for (const auto& one : results) {
        BOOST_REQUIRE(run_until([&] { return one.over(); }));
        BOOST_TEST(text_of(one.error) == "out of the domain");
    }
}

BOOST_AUTO_TEST_CASE(give_a_result_that_cannot_be_copied_to_the_first_who_waits) {
    using pointer = std::unique_ptr<int>;
    auto handle = pool.submit(sample<pointer>::make).start();
    std::array<seen<pointer>, 3> results;
    for (auto& one : results)
        handle.result()(one.handler());
    for (const auto& one : results)
        BOOST_REQUIRE(run_until([&] { return one.over(); }));
    BOOST_TEST(!results[0].error);
    BOOST_TEST(sample<pointer>::right(*results[0].value));
    for (std::size_t i : {1u, 2u}) {
        BOOST_TEST(bool(results[i].error));
        BOOST_CHECK_THROW(std::rethrow_exception(results[i].error), std::logic_error);
    }
}

std::vector<std::unique_ptr<int>> make_pointers(int value) {
    std::vector<std::unique_ptr<int>> all;
    all.push_back(std::make_unique<int>(value));
    return all;
}

std::unique_ptr<int> make_pointer(int value) {
    return std::make_unique<int>(value);
}

// A vector says of itself that it can be copied, whatever its elements are.
BOOST_AUTO_TEST_CASE(give_containers_of_what_cannot_be_copied_too) {
    auto single = pool.submit(make_pointers, 3).start();
    auto batch = pool.map(make_pointer, std::vector{4, 5}).start();
    auto settled = pool.map_settled(make_pointer, std::vector{6}).start();
    BOOST_REQUIRE(run_until([&] { return single.ready() && batch.ready() && settled.ready(); }));
    BOOST_TEST(*single.get().at(0) == 3);
    BOOST_TEST(*batch.get().at(1) == 5);
    BOOST_TEST(*settled.get().at(0).value() == 6);
    BOOST_CHECK_THROW(single.get(), std::logic_error); // it was taken
}

struct tree {
    using value_type = tree;
};
static_assert(procpool::detail::can_be_copied<std::vector<std::vector<int>>>());
static_assert(procpool::detail::can_be_copied<tree>());
static_assert(procpool::detail::can_be_copied<std::shared_ptr<std::unique_ptr<int>>>());
static_assert(!procpool::detail::can_be_copied<std::pair<int, std::vector<std::unique_ptr<int>>>>());
static_assert(!procpool::detail::can_be_copied<std::map<int, std::vector<std::unique_ptr<int>>>>());
static_assert(!procpool::detail::can_be_copied<std::variant<int, std::vector<std::unique_ptr<int>>>>());

BOOST_AUTO_TEST_CASE(may_be_dropped_and_the_operation_goes_on) {
    const gate place;
    { [[maybe_unused]] const auto dropped = pool.submit(leave_mark, place.path(), 1).start(); }
    BOOST_TEST(run_until([&] { return place.begun(1); }));
    BOOST_TEST(run_until([&] { return pool.stats().tasks_completed == 1; }));
}

BOOST_AUTO_TEST_CASE(may_be_dropped_while_somebody_waits) {
    const gate door;
    seen<int> result;
    pool.submit(pass_gate, door.path(), 3).start().result()(result.handler());
    BOOST_REQUIRE(run_until([&] { return door.begun(3); }));
    door.open();
    BOOST_REQUIRE(run_until([&] { return result.over(); }));
    BOOST_TEST(*result.value == 3);
}

BOOST_AUTO_TEST_CASE(may_outlive_the_pool_and_the_context) {
    const gate closed;
    task_handle<int> done;
    task_handle<int> killed;
    task_handle<std::vector<int>> batch;
    {
        small_pool with;
        done = with.pool.submit(add, 1, 2).start();
        BOOST_REQUIRE(with.run_until([&] { return done.ready(); }));
        killed = with.pool.submit(pass_gate, closed.path(), 1).start();
        batch = with.pool.map(std::negate<>{}, std::vector{1, 2}).start();
        BOOST_REQUIRE(with.run_until([&] { return closed.begun(1); }));
        with.pool.terminate();
        BOOST_REQUIRE(with.run_until([&] { return killed.ready() && batch.ready(); }));
    }
    BOOST_TEST(done.get() == 3);
    BOOST_CHECK_THROW(killed.get(), procpool::pool_error);
    BOOST_CHECK_THROW(batch.get(), procpool::pool_error);
    BOOST_TEST(killed.wait_for(0ms));
    done.cancel();
    killed.cancel();
    batch.cancel();
    BOOST_TEST(done.get() == 3);
}

BOOST_AUTO_TEST_CASE(of_a_pool_that_is_gone_give_their_results_still) {
    task_handle<int> good;
    task_handle<int> bad;
    seen<int> result;
    {
        process_pool other(context, {.workers = 1});
        good = other.submit(add, 1, 2).start();
        BOOST_REQUIRE(run_until([&] { return good.ready(); }));
        bad = other.submit(add, 1, 2).start();
        bad.result()(result.handler());
    }
    BOOST_TEST(run_until([&] { return bad.ready() && result.over(); }));
    BOOST_TEST(!bad.successful());
    BOOST_TEST(code_of(result.error) == errc::pool_terminated);

    // On an executor of the handler's own, for that of the pool is not the pool's any more.
    seen<int> later;
    seen<int> later_too;
    good.result()(asio::bind_executor(context, later.handler()));
    bad.result()(asio::bind_executor(context, later_too.handler()));
    BOOST_TEST(!later.over());
    BOOST_TEST(run_until([&] { return later.over() && later_too.over(); }));
    BOOST_TEST(later.value.value_or(0) == 3);
    BOOST_TEST(code_of(later_too.error) == errc::pool_terminated);
    BOOST_CHECK_THROW(good.result()(seen<int>().handler()), procpool::pool_error);
    BOOST_TEST(good.get() == 3);
}

BOOST_AUTO_TEST_CASE(of_a_pool_with_its_own_thread_are_over_when_it_is_gone) {
    const gate closed;
    task_handle<int> killed;
    task_handle<int> done;
    {
        process_pool own({.workers = 1});
        done = own.submit(add, 1, 2).start();
        killed = own.submit(pass_gate, closed.path(), 1).start();
        BOOST_TEST(wait_until([&] { return closed.begun(1) && done.ready(); }, patience));
    }
    BOOST_TEST(done.wait_for(patience));
    BOOST_TEST(killed.wait_for(patience));
    BOOST_TEST(done.get() == 3);
    BOOST_CHECK_THROW(killed.get(), procpool::pool_error);
}

BOOST_AUTO_TEST_CASE(cancel_a_task_that_no_worker_has_begun) {
    one_worker single;
    const gate door;
    auto first = single.pool.submit(pass_gate, door.path(), 1).start();
    auto second = single.pool.submit(leave_mark, door.path(), 2).start();
    BOOST_REQUIRE(single.run_until([&] { return door.begun(1); }));
    second.cancel();
    BOOST_REQUIRE(single.run_until([&] { return second.ready(); }));
    BOOST_TEST(!second.successful());
    BOOST_TEST(code_of(run_to_error(single.context, second.result())) == asio::error::operation_aborted);
    BOOST_TEST(!first.ready());
    door.open();
    BOOST_TEST(run(single.context, first.result()) == 1);
    BOOST_TEST(run(single.context, single.pool.submit(add, 1, 2)) == 3);
    BOOST_TEST(!door.begun(2));
    BOOST_TEST(single.pool.stats().workers_started == 1u);
}

BOOST_AUTO_TEST_CASE(cancel_a_task_that_runs_by_killing_its_worker) {
    const gate door;
    auto doomed = pool.submit(pass_gate, door.path(), 1).start();
    auto other = pool.submit(pass_gate, door.path(), 2).start();
    BOOST_REQUIRE(run_until([&] { return door.begun(1) && door.begun(2); }));
    doomed.cancel();
    BOOST_REQUIRE(run_until([&] { return doomed.ready(); }));
    BOOST_TEST(code_of(run_to_error(context, doomed.result())) == asio::error::operation_aborted);
    // The worker is replaced although the other one is still at work.
    BOOST_TEST(run(context, pool.submit(add, 1, 2)) == 3);
    BOOST_TEST(!other.ready());
    door.open();
    BOOST_TEST(run(context, other.result()) == 2);
    doomed.cancel();
    BOOST_TEST(pool.stats().workers_started == 3u);
}

BOOST_AUTO_TEST_CASE(cancel_a_batch) {
    const gate closed;
    std::vector<std::pair<std::filesystem::path, int>> items;
    for (int i = 0; i != 10; ++i)
        items.emplace_back(closed.path(), i);
    auto batch = pool.starmap(pass_gate, items, {.chunk_size = 1}).start();
    BOOST_REQUIRE(run_until([&] { return closed.count() == 2; }));
    batch.cancel();
    BOOST_TEST(code_of(run_to_error(context, batch.result())) == asio::error::operation_aborted);
    BOOST_TEST(closed.count() == 2u);
    BOOST_TEST(run(context, pool.submit(add, 1, 2)) == 3);
}

BOOST_AUTO_TEST_CASE(may_be_cancelled_by_several_threads_while_it_completes) {
    const run_elsewhere runner(context, 2);
    for (int round = 0; round != 30; ++round) {
        std::vector<task_handle<int>> handles;
        for (int i = 0; i != 20; ++i)
            handles.push_back(pool.submit(add, i, 0).start());
        std::vector<std::thread> threads;
        for (int i = 0; i != 2; ++i)
            threads.emplace_back([handles]() mutable {
                for (auto& one : handles)
                    one.cancel();
            });
        int wrong = 0;
        for (int i = 0; i != 20; ++i)
            try {
                wrong += handles[static_cast<std::size_t>(i)].get() != i;
            } catch (const boost::system::system_error& error) {
                wrong += error.code() != asio::error::operation_aborted;
            }
        BOOST_TEST(wrong == 0);
        for (std::thread& one : threads)
            one.join();
    }
    pool.close();
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(blocking)

BOOST_AUTO_TEST_CASE_TEMPLATE(get_waits_for_the_value_or_throws, R, sample_types) {
    process_pool pool({.workers = 1});
    if constexpr (std::is_void_v<R>)
        pool.submit(sample<R>::make).get();
    else
        BOOST_TEST(sample<R>::right(pool.submit(sample<R>::make).get()));
    BOOST_CHECK_THROW(pool.submit(fail<R>).get(), std::domain_error);
}

BOOST_AUTO_TEST_CASE(works_with_a_context_that_another_thread_runs) {
    asio::io_context context;
    const run_elsewhere runner(context);
    process_pool pool(context, {.workers = 1});
    BOOST_TEST(pool.submit(add, 1, 2).get() == 3);
    auto handle = pool.submit(add, 3, 4).start();
    BOOST_TEST(handle.get() == 7);
    BOOST_TEST(pool.map(std::negate<>{}, std::vector{1, 2}).get() == (std::vector{-1, -2}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(works_on_many_threads_at_once) {
    process_pool pool({.workers = 2});
    std::vector<std::thread> threads;
    std::atomic<int> right = 0;
    for (int i = 0; i != 8; ++i)
        threads.emplace_back([&, i] {
            for (int j = 0; j != 50; ++j)
                right += pool.submit(add, i, j).get() == i + j;
        });
    for (std::thread& one : threads)
        one.join();
    BOOST_TEST(right == 400);
    BOOST_TEST(pool.stats().tasks_completed == 400u);
}

BOOST_AUTO_TEST_CASE(wait_for_waits_no_longer_than_it_may) {
    process_pool pool({.workers = 1});
    const gate door;
    auto handle = pool.submit(pass_gate, door.path(), 1).start();
    BOOST_TEST(!handle.wait_for(0ms));
    const auto start = std::chrono::steady_clock::now();
    BOOST_TEST(!handle.wait_for(30ms));
    BOOST_TEST((std::chrono::steady_clock::now() - start >= 30ms));
    door.open();
    BOOST_TEST(handle.wait_for(patience));
    BOOST_TEST(handle.ready());
    BOOST_TEST(handle.wait_for(0ms));
    BOOST_TEST(handle.get() == 1);
}

BOOST_AUTO_TEST_CASE(wait_for_may_be_given_the_longest_of_times) {
    process_pool pool({.workers = 1});
    auto handle = pool.submit(add, 1, 2).start();
    BOOST_TEST(handle.wait_for(std::chrono::milliseconds::max()));
    BOOST_TEST(handle.wait_for(std::chrono::milliseconds::max()));
}

BOOST_AUTO_TEST_CASE(on_the_pools_own_thread_is_refused_and_nothing_is_started) {
    process_pool pool({.workers = 1});
    const gate place;
    std::atomic<int> refused = 0;
    std::atomic<bool> over = false;
    asio::post(pool.get_executor(), [&] {
        refused += would_deadlock([&] { pool.submit(leave_mark, place.path(), 1).get(); });
        refused += would_deadlock([&] { pool.map(std::negate<>{}, std::vector{1}).get(); });
        refused += would_deadlock([&] { pool.join().get(); });
        over = true;
    });
    BOOST_REQUIRE(wait_until([&] { return over.load(); }, patience));
    BOOST_TEST(refused == 3);
    BOOST_TEST(pool.submit(add, 1, 2).get() == 3);
    BOOST_TEST(!place.begun(1));
    BOOST_TEST(pool.stats().tasks_submitted == 1u);
}

BOOST_AUTO_TEST_CASE(in_a_handler_is_refused_if_it_would_have_to_wait) {
    process_pool pool({.workers = 1});
    const gate door;
    auto handle = pool.submit(pass_gate, door.path(), 1).start();
    std::atomic<int> refused = 0;
    std::atomic<bool> over = false;
    asio::post(pool.get_executor(), [&] {
        refused += would_deadlock([&] { handle.get(); });
        refused += would_deadlock([&] { handle.wait_for(1h); });
        over = true;
    });
    BOOST_REQUIRE(wait_until([&] { return over.load(); }, patience));
    BOOST_TEST(refused == 2);
    door.open();
    BOOST_TEST(handle.get() == 1);
    over = false;
    std::atomic<int> value = 0;
    asio::post(pool.get_executor(), [&] { // now it need not wait
        if (handle.wait_for(1h))
            value = handle.get();
        over = true;
    });
    BOOST_REQUIRE(wait_until([&] { return over.load(); }, patience));
    BOOST_TEST(value == 1);
}

BOOST_AUTO_TEST_CASE(on_a_thread_that_runs_the_context_is_refused) {
    small_pool with;
    bool over = false;
    asio::post(with.context, [&] {
        BOOST_TEST(would_deadlock([&] { with.pool.submit(add, 1, 2).get(); }));
        over = true;
    });
    BOOST_REQUIRE(with.run_until([&] { return over; }));
    BOOST_TEST(with.pool.stats().tasks_submitted == 0u);
}

BOOST_AUTO_TEST_CASE(on_a_thread_that_runs_the_strand_of_the_pool_is_refused) {
    asio::io_context context;
    process_pool pool(asio::make_strand(context), {.workers = 1});
    bool over = false;
    asio::post(pool.get_executor(), [&] {
        BOOST_TEST(would_deadlock([&] { pool.submit(add, 1, 2).get(); }));
        over = true;
    });
    BOOST_REQUIRE(run_for(context, patience, [&] { return over; }));
}

BOOST_AUTO_TEST_CASE(on_the_thread_of_one_pool_for_another_works) {
    process_pool first({.workers = 1});
    process_pool second({.workers = 1});
    std::atomic<int> value = 0;
    asio::post(first.get_executor(), [&] { value = second.submit(add, 1, 2).get(); });
    BOOST_TEST(wait_until([&] { return value == 3; }, patience));
}

BOOST_AUTO_TEST_SUITE_END()
