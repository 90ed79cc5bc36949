// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Ending a pool at once: terminate and the destructor.

#include <facade/support.hpp>

#include <support/leftovers.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace procpool::testing;
using namespace std::chrono_literals;
using procpool::errc;
using procpool::pool_options;
using procpool::process_pool;

int add(int left, int right) {
    return left + right;
}

/// Tasks of all kinds for a pool: some run, some were sent ahead, most wait. None of them can end.
struct many_tasks {
    explicit many_tasks(process_pool& pool, int count = 5000) {
        for (int i = 0; i != count; ++i)
            pool.submit(pass_gate, closed.path(), i)(results.emplace_back().handler());
        pool.starmap(pass_gate,
                     std::vector<std::pair<std::filesystem::path, int>>(10, {closed.path(), count}))(batch.handler());
    }

    bool begun(std::size_t how_many) const { return closed.count() >= how_many; }

    bool over() const {
        for (const auto& one : results)
            if (!one.over())
                return false;
        return batch.over();
    }

    void check_terminated() const {
        std::size_t wrong = 0;
        for (const auto& one : results)
            wrong += one.calls != 1 || code_of(one.error) != errc::pool_terminated;
        BOOST_TEST(wrong == 0u);
        BOOST_TEST(batch.calls == 1);
        BOOST_TEST(code_of(batch.error) == errc::pool_terminated);
    }

    gate closed;
    std::deque<seen<int>> results;
    seen<std::vector<int>> batch;
};

/// Runs a context with several threads until it is stopped.
class runners {
public:
    runners(asio::io_context& context, int threads) : context_(context), work_(asio::make_work_guard(context)) {
        for (int i = 0; i != threads; ++i)
            threads_.emplace_back([&] { context_.run(); });
    }
    ~runners() {
        work_.reset();
        for (std::thread& one : threads_)
            one.join();
    }

private:
    asio::io_context& context_;
    asio::executor_work_guard<asio::io_context::executor_type> work_;
    std::vector<std::thread> threads_;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(terminating, two_workers)

BOOST_AUTO_TEST_CASE(completes_everything_exactly_once) {
    many_tasks tasks(pool);
    BOOST_REQUIRE(run_until([&] { return tasks.begun(2); }));
    pool.terminate();
    BOOST_REQUIRE(run_until([&] { return tasks.over(); }));
    pool.terminate();
    BOOST_TEST(run_for(context, patience)); // nothing is left to be done
    tasks.check_terminated();
    BOOST_TEST(pool.stats().tasks_failed == pool.stats().tasks_submitted);
}

BOOST_AUTO_TEST_CASE(makes_later_submissions_fail) {
    pool.terminate();
    BOOST_TEST(code_of(run_to_error(context, pool.submit(add, 1, 2))) == errc::pool_terminated);
    BOOST_TEST(code_of(run_to_error(context, pool.map(std::negate<>{}, std::vector{1}))) == errc::pool_terminated);
    run(context, pool.join());
    BOOST_TEST(code_of(run_to_error(context, pool.submit(add, 1, 2))) == errc::pool_terminated);
}

BOOST_AUTO_TEST_CASE(before_the_workers_are_ready) {
    many_tasks tasks(pool, 10);
    pool.terminate();
    BOOST_REQUIRE(run_until([&] { return tasks.over(); }));
    tasks.check_terminated();
    BOOST_TEST(!tasks.begun(1));
}

BOOST_AUTO_TEST_CASE(from_a_handler) {
    many_tasks tasks(pool, 10);
    asio::post(context, [&] { pool.terminate(); });
    BOOST_REQUIRE(run_until([&] { return tasks.over(); }));
    tasks.check_terminated();
}

BOOST_AUTO_TEST_CASE(after_closing) {
    many_tasks tasks(pool, 10);
    BOOST_REQUIRE(run_until([&] { return tasks.begun(2); }));
    pool.close();
    pool.terminate();
    BOOST_REQUIRE(run_until([&] { return tasks.over(); }));
    tasks.check_terminated();
}

BOOST_AUTO_TEST_CASE(from_several_threads_at_once) {
    many_tasks tasks(pool, 100);
    BOOST_REQUIRE(run_until([&] { return tasks.begun(2); }));
    std::vector<std::thread> threads;
    for (int i = 0; i != 4; ++i)
        threads.emplace_back([&, i] { i % 2 == 0 ? pool.terminate() : pool.close(); });
    BOOST_TEST(run_until([&] { return tasks.over(); }));
    for (std::thread& one : threads)
        one.join();
    tasks.check_terminated();
}

/// Ends a pool when its worker has written one result, at which nobody has looked so far, and is busy with another task.
template <class End>
void check_written_results_count(End end) {
    asio::io_context context;
    const gate closed;
    seen<int> first;
    seen<int> second;
    auto pool = std::make_unique<process_pool>(context, pool_options{.workers = 1});
    BOOST_TEST(run(context, pool->submit(add, 1, 2)) == 3); // the worker is ready
    pool->submit(add, 10, 20)(first.handler());
    pool->submit(pass_gate, closed.path(), 1)(second.handler());
    // Send both, and run no handler more than that takes.
    while (pool->stats().tasks_with_workers != 2 && !first.over())
        context.poll_one();
    BOOST_REQUIRE(wait_until([&] { return closed.begun(1); }, patience)); // so the first one is done
    end(pool);
    BOOST_REQUIRE(run_for(context, patience, [&] { return first.over() && second.over(); }));
    BOOST_TEST(code_of(first.error) == boost::system::error_code());
    BOOST_TEST(first.value.value_or(0) == 30);
    BOOST_TEST(code_of(second.error) == errc::pool_terminated);
}

BOOST_AUTO_TEST_CASE(still_lets_results_count_that_were_written_by_then) {
    check_written_results_count([](auto& its) { its->terminate(); });
}

BOOST_AUTO_TEST_CASE(by_destruction_still_lets_results_count_that_were_written_by_then) {
    check_written_results_count([](auto& its) { its.reset(); });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(destroying)

/// Makes a pool on a context, brings it into some state, and destroys it. Nothing may be left, and all is over once.
template <class Prepare>
void check_destruction(Prepare prepare) {
    asio::io_context context;
    const asio::steady_timer timer(context); // now the context has its own descriptors
    const leftovers before = leftovers::now();
    {
        std::optional<many_tasks> tasks;
        {
            process_pool pool(context, {.workers = 2});
            prepare(context, pool, tasks);
        }
        BOOST_TEST(wait_for_no_leftovers(before) == "");
        if (tasks) {
            BOOST_TEST(run_for(context, patience));
            tasks->check_terminated();
        }
    }
}

BOOST_AUTO_TEST_CASE(a_pool_whose_context_was_never_run) {
    check_destruction([](asio::io_context&, process_pool&, std::optional<many_tasks>&) {});
}

BOOST_AUTO_TEST_CASE(a_pool_with_tasks_whose_context_was_never_run) {
    check_destruction([](asio::io_context&, process_pool& pool, auto& tasks) { tasks.emplace(pool, 10); });
}

BOOST_AUTO_TEST_CASE(an_idle_pool) {
    check_destruction([](asio::io_context& context, process_pool& pool, auto&) {
        BOOST_TEST(run(context, pool.submit(add, 1, 2)) == 3);
    });
}

BOOST_AUTO_TEST_CASE(a_pool_whose_workers_are_just_starting) {
    check_destruction([](asio::io_context& context, process_pool& pool, auto& tasks) {
        tasks.emplace(pool, 10);
        BOOST_TEST(run_for(context, patience, [&] { return pool.stats().workers_started > 0; }));
    });
}

BOOST_AUTO_TEST_CASE(a_pool_with_running_tasks_and_waiting_ones) {
    check_destruction([](asio::io_context& context, process_pool& pool, auto& tasks) {
        tasks.emplace(pool);
        BOOST_TEST(run_for(context, patience, [&] { return tasks->begun(2); }));
    });
}

BOOST_AUTO_TEST_CASE(a_pool_whose_context_was_stopped) {
    check_destruction([](asio::io_context& context, process_pool& pool, auto& tasks) {
        tasks.emplace(pool, 10);
        BOOST_TEST(run_for(context, patience, [&] { return tasks->begun(2); }));
        context.stop();
    });
}

BOOST_AUTO_TEST_CASE(a_closed_pool_with_tasks) {
    check_destruction([](asio::io_context& context, process_pool& pool, auto& tasks) {
        tasks.emplace(pool, 10);
        BOOST_TEST(run_for(context, patience, [&] { return tasks->begun(2); }));
        pool.close();
    });
}

BOOST_AUTO_TEST_CASE(a_closed_pool_that_is_done) {
    check_destruction([](asio::io_context& context, process_pool& pool, auto&) {
        pool.close();
        run(context, pool.join());
    });
}

BOOST_AUTO_TEST_CASE(a_pool_that_was_just_terminated) {
    check_destruction([](asio::io_context& context, process_pool& pool, auto& tasks) {
        tasks.emplace(pool, 10);
        BOOST_TEST(run_for(context, patience, [&] { return tasks->begun(2); }));
        pool.terminate();
    });
}

BOOST_AUTO_TEST_CASE(a_pool_that_was_terminated_and_joined) {
    check_destruction([](asio::io_context& context, process_pool& pool, auto& tasks) {
        tasks.emplace(pool, 10);
        pool.terminate();
        run(context, pool.join());
    });
}

BOOST_AUTO_TEST_CASE(a_pool_leaves_nothing_although_handles_and_submissions_of_it_are_left) {
    asio::io_context context;
    const asio::steady_timer timer(context); // now the context has its own descriptors
    const leftovers before = leftovers::now();
    procpool::task_handle<int> handle;
    std::optional<procpool::submission<int>> call;
    {
        process_pool pool(context, {.workers = 1});
        handle = pool.submit(add, 1, 2).start();
        call = pool.submit(add, 1, 2);
        run(context, handle.result());
        run(context, pool.shutdown(1min));
    }
    context.restart();
    context.poll();
    BOOST_TEST(wait_for_no_leftovers(before) == "");
    BOOST_TEST(handle.get() == 3);
}

BOOST_AUTO_TEST_CASE(a_pool_that_somebody_joins) {
    seen<void> joined;
    seen<void> ended;
    asio::io_context context;
    {
        process_pool pool(context, {.workers = 1});
        pool.join()(joined.handler());
        pool.shutdown(10min)(ended.handler());
    }
    BOOST_TEST(run_for(context, patience));
    BOOST_TEST(joined.calls == 1);
    BOOST_TEST(ended.calls == 1);
}

BOOST_AUTO_TEST_CASE(a_pool_in_one_of_its_own_handlers) {
    for (const bool with_others : {false, true}) {
        asio::io_context context;
        auto pool = std::make_unique<process_pool>(context, pool_options{.workers = 2});
        std::optional<many_tasks> tasks;
        int calls = 0;
        pool->submit(add, 1, 2)([&](std::exception_ptr error, int value) {
            BOOST_TEST(!error);
            BOOST_TEST(value == 3);
            pool.reset();
            ++calls;
        });
        if (with_others)
            tasks.emplace(*pool, 100);
        BOOST_TEST(run_for(context, patience));
        BOOST_TEST(calls == 1);
        if (tasks)
            tasks->check_terminated();
    }
}

BOOST_AUTO_TEST_CASE(a_pool_in_a_handler_that_reports_its_termination) {
    asio::io_context context;
    auto pool = std::make_unique<process_pool>(context, pool_options{.workers = 1});
    many_tasks tasks(*pool, 10);
    pool->submit(add, 1, 2)([&](std::exception_ptr, int) { pool.reset(); });
    BOOST_REQUIRE(run_for(context, patience, [&] { return tasks.begun(1); }));
    pool->terminate();
    BOOST_TEST(run_for(context, patience));
    BOOST_TEST(!pool);
    tasks.check_terminated();
}

BOOST_AUTO_TEST_CASE(a_pool_in_the_handler_of_its_joining) {
    asio::io_context context;
    auto pool = std::make_unique<process_pool>(context, pool_options{.workers = 2});
    pool->shutdown(10min)([&](std::exception_ptr) { pool.reset(); });
    BOOST_TEST(run_for(context, patience));
    BOOST_TEST(!pool);
}

BOOST_AUTO_TEST_CASE(a_pool_whose_context_four_threads_run) {
    for (int round = 0; round != 10; ++round) {
        asio::io_context context;
        std::optional<many_tasks> tasks;
        const runners threads(context, 4);
        {
            process_pool pool(context, {.workers = 2});
            tasks.emplace(pool, 200);
            if (round % 2 == 0)
                BOOST_TEST(wait_until([&] { return tasks->begun(2); }));
        }
        BOOST_TEST(wait_until([&] { return tasks->over(); }, patience));
        tasks->check_terminated();
    }
}

BOOST_AUTO_TEST_CASE(a_pool_whose_context_four_threads_run_while_results_pour_in) {
    for (int round = 0; round != 10; ++round) {
        asio::io_context context;
        std::deque<seen<int>> results;
        const runners threads(context, 4);
        {
            process_pool pool(context, {.workers = 2});
            for (int i = 0; i != 2000; ++i)
                pool.submit(add, i, 0)(results.emplace_back().handler());
            BOOST_TEST(wait_until([&] { return pool.stats().tasks_completed > 100; }, patience));
        }
        BOOST_TEST(wait_until(
            [&] {
                for (const auto& one : results)
                    if (!one.over())
                        return false;
                return true;
            },
            patience));
        int wrong = 0;
        for (int i = 0; i != 2000; ++i) {
            const auto& one = results[static_cast<std::size_t>(i)];
            const bool right = one.error ? code_of(one.error) == errc::pool_terminated : *one.value == i;
            wrong += one.calls != 1 || !right;
        }
        BOOST_TEST(wrong == 0);
    }
}

BOOST_AUTO_TEST_CASE(a_pool_with_its_own_thread_in_every_state) {
    const leftovers before = leftovers::now();
    { const process_pool pool({.workers = 2}); }
    std::optional<many_tasks> tasks;
    {
        process_pool pool({.workers = 2});
        tasks.emplace(pool, 100);
        BOOST_TEST(wait_until([&] { return tasks->begun(2); }, patience));
    }
    BOOST_TEST(wait_for_no_leftovers(before) == "");
    // Its thread has run all handlers, for afterwards nobody could.
    BOOST_TEST(tasks->over());
    tasks->check_terminated();
    {
        process_pool pool({.workers = 2});
        BOOST_TEST(pool.submit(add, 1, 2).get() == 3);
        pool.close();
    }
    BOOST_TEST(wait_for_no_leftovers(before) == "");
}

BOOST_AUTO_TEST_CASE(many_pools_one_after_the_other_leaves_nothing) {
    asio::io_context context;
    const asio::steady_timer timer(context); // now the context has its own descriptors
    const leftovers before = leftovers::now();
    for (int i = 0; i != 20; ++i) {
        process_pool pool(context, {.workers = 1});
        if (i % 3 != 0)
            BOOST_TEST(run(context, pool.submit(add, i, 1)) == i + 1);
    }
    BOOST_TEST(wait_for_no_leftovers(before) == "");
}

BOOST_AUTO_TEST_SUITE_END()
