// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// doc/coming-from-python.md, the tables of errors and of what Python does not have.
// Its C++ stands here line by line, which check_code sees to; change both together.

#include <documentation/tasks.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <csignal>
#include <functional>
#include <optional>
#include <set>
#include <stdexcept>

namespace {

using namespace procpool::testing;
using namespace std::chrono;
using procpool::errc;

} // namespace

BOOST_FIXTURE_TEST_SUITE(errors_that_block, blocking)

BOOST_AUTO_TEST_CASE(of_a_task_arrive_as_themselves) {
    std::string text;
    try {
        pool.submit(square, -1).get();
    } catch (const std::domain_error& error) {
        text = error.what();
    }
    BOOST_TEST(text == "less than nothing");
}

BOOST_AUTO_TEST_CASE(of_a_type_of_the_program_arrive_as_themselves) {
    std::string text;
    try {
        pool.submit(parse, "seven").get();
    } catch (const parse_error& error) {
        text = error.what();
    }
    BOOST_TEST(text == "not a number: seven");
}

BOOST_AUTO_TEST_CASE(of_other_types_arrive_with_their_names) {
    std::string type;
    try {
        pool.submit(throw_something).get();
    } catch (const procpool::remote_exception& error) {
        type = error.type();
        BOOST_TEST(error.what() == "something happened");
    }
    BOOST_TEST(type.find("something") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(of_a_worker_that_dies_concern_one_task) {
    std::optional<int> signal;
    auto other = pool.submit(pass_gate, door.path(), 1).start();
    try {
        pool.submit(crash).get();
    } catch (const procpool::worker_died& died) {
        signal = died.details().signal;
    }
    BOOST_TEST(signal.value_or(0) == SIGSEGV);
    BOOST_TEST(pool.submit(add, 2, 3).get() == 5);
    door.open();
    BOOST_TEST(other.get() == 1);
}

BOOST_FIXTURE_TEST_CASE(of_the_pool_have_codes, used) {
    boost::system::error_code why;
    const auto add_by = [&](procpool::process_pool& pool) {
        why.clear();
        try {
            pool.submit(add, 2, 3).get();
        } catch (const procpool::pool_error& error) {
            why = error.code();
        }
    };
    procpool::process_pool unwilling{{.workers = 1, .initializer = procpool::bind(refuse_to_set_up)}};
    add_by(unwilling);
    bool never_set_up = why == procpool::errc::initializer_failed;
    BOOST_TEST(never_set_up);

    procpool::process_pool pool{{.workers = 1}};
    add_by(pool);
    BOOST_TEST(!why.failed());
    pool.close();
    add_by(pool);
    bool closed = why == procpool::errc::pool_closed;
    BOOST_TEST(closed);
    pool.terminate();
    add_by(pool);
    bool terminated = why == procpool::errc::pool_terminated;
    BOOST_TEST(terminated);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(errors_that_are_awaited, awaiting)

BOOST_AUTO_TEST_CASE(of_a_task_arrive_as_themselves) {
    run([&]() -> asio::awaitable<void> {
        std::string text;
        try {
            co_await pool.submit(square, -1);
        } catch (const std::domain_error& error) {
            text = error.what();
        }
        BOOST_TEST(text == "less than nothing");
    });
}

BOOST_AUTO_TEST_CASE(of_a_worker_that_dies_concern_one_task) {
    run([&]() -> asio::awaitable<void> {
        std::optional<int> signal;
        try {
            co_await pool.submit(crash);
        } catch (const procpool::worker_died& died) {
            signal = died.details().signal;
        }
        BOOST_TEST(signal.value_or(0) == SIGSEGV);
        int sum = co_await pool.submit(add, 2, 3);
        BOOST_TEST(sum == 5);
    });
}

BOOST_AUTO_TEST_CASE(of_the_pool_have_codes) {
    pool.close();
    run([&]() -> asio::awaitable<void> {
        boost::system::error_code why;
        try {
            co_await pool.submit(add, 2, 3);
        } catch (const procpool::pool_error& error) {
            why = error.code();
        }
        BOOST_TEST(why == errc::pool_closed);
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(beyond_python, awaiting)

BOOST_AUTO_TEST_CASE(a_task_has_a_time_limit) {
    milliseconds limit = patience;
    run([&]() -> asio::awaitable<void> {
        int sum = co_await pool.submit(add, 2, 3).timeout(limit);
        BOOST_TEST(sum == 5);
    });
    limit = 1ms;
    const auto error = run_to_error(context, pool.submit(pass_gate, door.path(), 1).timeout(limit));
    BOOST_TEST(code_of(error) == errc::timed_out);
}

BOOST_FIXTURE_TEST_CASE(every_task_has_a_time_limit, used) {
    milliseconds limit{1};
    asio::io_context context;
    procpool::process_pool pool(context, {.workers = 2, .task_timeout = limit});
    BOOST_TEST(code_of(run_to_error(context, pool.submit(pass_gate, door.path(), 1))) == errc::timed_out);
}

BOOST_AUTO_TEST_CASE(a_task_runs_again_after_a_death) {
    run([&]() -> asio::awaitable<void> {
        int seven = co_await pool.submit(crash_once, 7).retries(1);
        BOOST_TEST(seven == 7);
    });
}

/// A pool whose only worker is busy until the door is opened.
struct busy : awaiting {
    busy() : awaiting(1), first(pool.submit(pass_gate, door.path(), 1).start()) {
        BOOST_REQUIRE(run_for(context, patience, [&] { return door.begun(1); }));
    }

    procpool::task_handle<int> first;
};

BOOST_FIXTURE_TEST_CASE(an_urgent_task_comes_first, busy) {
    auto usual = pool.submit(leave_mark, door.path(), 2).start();
    auto urgent = pool.submit(add, 2, 3).priority(1).start();
    auto stream = procpool::as_completed(std::vector{usual, urgent});
    door.open();
    BOOST_TEST(run(stream.next())->get() == 5);
    BOOST_TEST(run(stream.next())->get() == 2);
}

BOOST_FIXTURE_TEST_CASE(a_task_waits_no_longer_than_this, busy) {
    milliseconds limit{1};
    const auto add_within_limit = [&]() -> asio::awaitable<void> {
        int sum = co_await pool.submit(add, 2, 3).queue_timeout(limit);
        BOOST_TEST(sum == 5);
    };
    BOOST_CHECK_EXCEPTION(run(add_within_limit), procpool::pool_error,
                          [](const auto& error) { return error.code() == errc::queue_timed_out; });
    limit = patience;
    door.open();
    run(add_within_limit);
}

BOOST_FIXTURE_TEST_CASE(a_pool_takes_no_more_than_so_many, used) {
    asio::io_context context;
    procpool::process_pool pool(context, {.workers = 2, .max_pending = 2});
    auto one = pool.submit(pass_gate, door.path(), 1).start();
    auto two = pool.submit(pass_gate, door.path(), 2).start();
    BOOST_TEST(code_of(run_to_error(context, pool.submit(add, 2, 3))) == errc::queue_full);
    run(context, [&]() -> asio::awaitable<void> {
        door.open();
        co_await pool.wait_for_room();
        int sum = co_await pool.submit(add, 2, 3);
        BOOST_TEST(sum == 5);
    });
}

BOOST_AUTO_TEST_CASE(each_item_has_an_outcome_of_its_own) {
    inputs = {1, 2, -3, 4};
    run([&]() -> asio::awaitable<void> {
        int sum = 0;
        auto outcomes = co_await pool.map_settled(square, inputs);
        for (auto& outcome : outcomes)
            sum += outcome.has_value() ? outcome.value() : 0;
        BOOST_TEST(sum == 21);
        BOOST_REQUIRE(outcomes.size() == 4u);
        BOOST_TEST(text_of(outcomes[2].error()) == "less than nothing");
    });
}

BOOST_AUTO_TEST_CASE(an_error_tells_the_item) {
    inputs = {1, 2, -3, 4};
    run([&]() -> asio::awaitable<void> {
        std::size_t index = 0;
        try {
            co_await pool.map(square, inputs);
        } catch (const procpool::failed_item& item) {
            index = item.index();
        }
        BOOST_TEST(index == 2u);
    });
}

BOOST_AUTO_TEST_CASE(results_are_reduced_in_the_workers) {
    run([&]() -> asio::awaitable<void> {
        int sum = co_await pool.map_reduce(square, inputs, 0, std::plus<>());
        BOOST_TEST(sum == 30);
    });
}

BOOST_AUTO_TEST_CASE(a_task_tells_how_far_it_is) {
    std::string message;
    std::function<void(const procpool::progress&)> show = [&](const auto& progress) { message = progress.message; };
    run([&]() -> asio::awaitable<void> {
        int sum = co_await pool.submit(add_in_steps, 2, 3).on_progress(show);
        BOOST_TEST(sum == 5);
    });
    BOOST_TEST(message == "half");
}

BOOST_AUTO_TEST_CASE(a_task_ends_when_it_is_asked_to) {
    auto handle = pool.submit(work_until_told, door.path()).start();
    BOOST_REQUIRE(run_for(context, patience, [&] { return door.begun(1); }));
    handle.cancel();
    BOOST_REQUIRE(run_for(context, patience, [&] { return handle.ready(); }));
    BOOST_TEST(handle.successful());
    BOOST_TEST(handle.get() > 0);
    BOOST_TEST(pool.stats().workers_started <= 2u); // none was replaced
}

BOOST_FIXTURE_TEST_CASE(a_pool_grows_and_shrinks, used) {
    milliseconds limit{1};
    asio::io_context context;
    procpool::process_pool pool(context, {.workers = 4, .min_workers = 1, .idle_timeout = limit});
    const auto workers = [&] { return pool.stats().workers_idle + pool.stats().workers_busy; };
    BOOST_TEST(run_for(context, patience, [&] { return workers() == 1; }));
    std::vector<procpool::task_handle<int>> handles;
    for (int who = 0; who != 4; ++who)
        handles.push_back(pool.submit(pass_gate, door.path(), who).start());
    BOOST_TEST(run_for(context, patience, [&] { return door.count() == 4; }));
    BOOST_TEST(workers() == 4u);
    door.open();
    for (const auto& handle : handles)
        BOOST_TEST(run_for(context, patience, [&] { return handle.ready(); }));
    BOOST_TEST(run_for(context, patience, [&] { return workers() == 1; }));
}

BOOST_FIXTURE_TEST_CASE(a_worker_that_has_grown_is_replaced, used) {
    std::size_t bytes = 1;
    asio::io_context context;
    procpool::process_pool pool(context, {.workers = 2, .max_memory_per_worker = bytes});
    std::set<int> pids;
    for (int i = 0; i != 5; ++i)
        pids.insert(run(context, pool.submit(worker_pid)));
    BOOST_TEST(pids.size() == 5u);
}

BOOST_AUTO_TEST_CASE(a_pool_is_given_time_to_end) {
    milliseconds limit{1};
    auto handle = pool.submit(pass_gate, door.path(), 1).start();
    run([&]() -> asio::awaitable<void> {
        co_await pool.shutdown(limit);
        BOOST_TEST(handle.ready());
        BOOST_TEST(!handle.successful());
    });
}

BOOST_FIXTURE_TEST_CASE(a_pool_tells_what_it_holds, busy) {
    auto handle = pool.submit(add, 2, 3).start();
    auto stats = pool.stats();
    BOOST_TEST(stats.tasks_waiting + stats.tasks_with_workers == 2u);
    door.open();
    BOOST_TEST(run(handle.result()) == 5);
}

BOOST_AUTO_TEST_SUITE_END()
