// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Interleavings and orders of events that were once wrong, each forced.

#include <procpool/procpool.hpp>

#include <integration/scratch.hpp>
#include <support/proc.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <optional>
#include <ranges>
#include <thread>

namespace asio = boost::asio;
using namespace procpool::testing;
using namespace std::chrono_literals;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

int same(int value) {
    return value;
}

std::size_t length(const std::string& text) {
    return text.size();
}

} // namespace

BOOST_AUTO_TEST_SUITE(corners)

// Each short task was sent ahead to the busy worker, taken back and given to the idle one; its bytes stayed on their way to
// the busy one.
BOOST_AUTO_TEST_CASE(short_tasks_beside_a_long_one_leave_nothing_behind_at_the_busy_worker) {
    const scratch here;
    procpool::process_pool pool({.workers = 2});
    auto slow = pool.submit(meet_and_return, here.file("began"), here.file("go on"), 1).start();
    BOOST_REQUIRE(wait_until([&] { return exists(here.file("began")); }));
    const std::string text(15'000, 'x');
    const auto round = [&] {
        std::vector<procpool::task_handle<std::size_t>> few;
        for (int i = 0; i != 4; ++i)
            few.push_back(pool.submit(length, text).start());
        for (auto& one : few)
            BOOST_REQUIRE(one.wait_for(20s));
    };
    for (int i = 0; i != 200; ++i)
        round();
    const std::size_t before = resident_kilobytes();
    for (int i = 0; i != 2000; ++i)
        round();
    // 8,000 copies of the text would be 120 MB. (A sanitizer keeps what was freed for a while, so its build shows nothing.)
    if (!sanitized)
        BOOST_TEST(resident_kilobytes() < before + 30'000);
    touch(here.file("go on"));
    BOOST_TEST(slow.get() == 1);
}

// The worker had not read its first frame yet when the task came to the same worker and the same slot again, and began it by
// that frame: before what was more urgent, in the wrong attempt, and with items that were another chunk's by then.
BOOST_AUTO_TEST_CASE(a_task_that_was_taken_back_is_not_begun_by_the_frame_that_the_worker_has_not_read_yet) {
    const scratch here;
    procpool::process_pool pool({.workers = 1});
    const auto with_worker = [&](std::size_t tasks) {
        return wait_until([&] { return pool.stats().tasks_with_workers == tasks; });
    };
    auto first = pool.submit(meet_and_return, here.file("first"), here.file("go on"), 1).priority(2).start();
    BOOST_REQUIRE(wait_until([&] { return exists(here.file("first")); }));
    auto second = pool.submit(meet_and_return, here.file("second"), here.file("go on, too"), 2).priority(2).start();
    auto taken_back = pool.submit(note, here.file("order"), 1).start();
    BOOST_REQUIRE(with_worker(3));
    auto urgent = pool.submit(note, here.file("order"), 2).priority(1).start();
    BOOST_REQUIRE(with_worker(2));
    touch(here.file("go on"));
    BOOST_TEST(first.get() == 1);
    BOOST_REQUIRE(wait_until([&] { return exists(here.file("second")); }));
    BOOST_REQUIRE(with_worker(3)); // sent again, the urgent one first
    touch(here.file("go on, too"));
    taken_back.get();
    urgent.get();
    BOOST_TEST(second.get() == 2);
    BOOST_TEST(notes(here.file("order")) == (std::vector<std::int64_t>{2, 1}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_pool_of_one_whose_launch_fails_at_once_says_so) {
    asio::io_context context;
    procpool::process_pool pool(context, {.workers = 1, .worker_program = "/nonexistent/program"});
    context.poll();
    std::optional<boost::system::error_code> code;
    pool.submit(same, 1)([&](std::exception_ptr error, int) {
        try {
            std::rethrow_exception(error);
        } catch (const procpool::pool_error& failed) {
            code = failed.code();
        }
    });
    BOOST_REQUIRE(run_for(context, 10s, [&] { return code.has_value(); }));
    BOOST_TEST(*code == make_error_code(procpool::errc::worker_start_failed));
    BOOST_TEST(pool.stats().workers_started < 10U);
}

BOOST_AUTO_TEST_CASE(handlers_that_were_never_called_go_with_the_context_even_if_a_submission_lives_on) {
    std::optional<procpool::submission<int>> forgotten;
    const auto witness = std::make_shared<int>(0);
    {
        asio::io_context context;
        procpool::process_pool pool(context, {.workers = 1});
        forgotten.emplace(pool.submit(same, 1));
        for (int i = 0; i != 200; ++i)
            asio::co_spawn(
                context,
                [](procpool::process_pool& its, std::shared_ptr<int> held) -> asio::awaitable<void> {
                    co_await its.submit(same, 2);
                    ++*held;
                }(pool, witness),
                asio::detached);
        context.poll();
    }
    BOOST_TEST(witness.use_count() == 1);
    BOOST_CHECK_THROW(std::move(*forgotten).get(), procpool::pool_error);
}

BOOST_AUTO_TEST_CASE(a_handler_may_block_until_another_thread_was_told_of_a_later_result) {
    asio::io_context context;
    procpool::process_pool pool(context, {.workers = 1});
    std::atomic<int> told = 0;
    std::atomic<int> in_vain = 0; // what is checked is checked later, for Boost.Test is for one thread
    for (int i = 0; i != 20; ++i) {
        // Submitted together, so they are over together.
        auto later = std::make_shared<std::future<int>>();
        pool.submit(same, i)([&told, &in_vain, later](std::exception_ptr, int) {
            in_vain += later->wait_for(20s) != std::future_status::ready;
            ++told;
        });
        *later = pool.submit(same, i)(asio::use_future);
    }
    std::thread other([&] { run_for(context, 60s, [&] { return told == 20; }); });
    BOOST_TEST(run_for(context, 60s, [&] { return told == 20; }));
    other.join();
    BOOST_TEST(in_vain == 0);
}

BOOST_AUTO_TEST_CASE(a_coroutine_can_catch_that_its_pool_is_gone) {
    asio::io_context context;
    std::optional<procpool::submission<int>> late;
    {
        procpool::process_pool pool({.workers = 1});
        late.emplace(pool.submit(same, 1));
    }
    bool caught = false;
    const auto coroutine = [&]() -> asio::awaitable<void> {
        try {
            co_await std::move(*late);
        } catch (const procpool::pool_error& error) {
            caught = error.code() == make_error_code(procpool::errc::pool_terminated);
        }
    };
    asio::co_spawn(context, coroutine, asio::detached);
    context.run();
    BOOST_TEST(caught);
}

BOOST_AUTO_TEST_CASE(a_failing_batch_of_very_many_chunks_calls_the_rest_off_in_one_go) {
    asio::io_context context;
    procpool::process_pool pool(context, {.workers = 1});
    constexpr int items = 20'000;
    bool over = false;
    pool.map(
        [](int value) {
            if (value == 0)
                throw std::domain_error("the first");
            return value;
        },
        std::views::iota(0, items), {.chunk_size = 1})([&](std::exception_ptr error, std::vector<int>) {
        BOOST_CHECK_THROW(std::rethrow_exception(error), std::domain_error);
        over = true;
    });
    BOOST_REQUIRE(run_for(context, 60s, [&] { return over; }));
    const auto stats = pool.stats();
    BOOST_TEST(stats.tasks_completed + stats.tasks_failed + stats.tasks_cancelled == stats.tasks_submitted);
    BOOST_TEST(stats.tasks_submitted < static_cast<std::uint64_t>(items)); // the rest was never handed over
}

BOOST_AUTO_TEST_CASE(the_longest_grace_there_is_does_not_end_at_once) {
    procpool::process_pool pool({.workers = 1});
    const scratch here;
    auto slow = pool.submit(meet_and_return, here.file("began"), here.file("go on"), 1).start();
    BOOST_REQUIRE(wait_until([&] { return exists(here.file("began")); }));
    auto end = pool.shutdown(std::chrono::milliseconds::max()).start();
    touch(here.file("go on"));
    BOOST_TEST(slow.get() == 1);
    end.get();
}

BOOST_AUTO_TEST_CASE(an_empty_batch_is_refused_by_a_closed_pool_like_any_other_work) {
    procpool::process_pool pool({.workers = 1});
    BOOST_TEST(pool.map(same, std::vector<int>{}).get().empty());
    pool.close();
    try {
        pool.map(same, std::vector<int>{}).get();
        BOOST_ERROR("it was accepted");
    } catch (const procpool::pool_error& error) {
        BOOST_TEST(error.code() == make_error_code(procpool::errc::pool_closed));
    }
}

// Where a turn refused thousands and only few were told between two turns, threads that went on submitting to a closed pool
// filled the memory with refusals that waited to be told: 24 GB within a minute and a half.
BOOST_AUTO_TEST_CASE(refusals_are_told_as_fast_as_they_come) {
    asio::io_context context;
    procpool::process_pool pool(context, {.workers = 1});
    pool.close();
    constexpr std::size_t tasks = 50'000;
    std::size_t told = 0;
    for (std::size_t i = 0; i != tasks; ++i)
        pool.submit(same, 1)([&](std::exception_ptr, int) { ++told; });
    std::size_t most_waiting = 0;
    const bool all_told = run_for(context, 60s, [&] {
        most_waiting = std::max<std::size_t>(most_waiting, pool.stats().tasks_failed - told);
        return told == tasks;
    });
    BOOST_TEST(all_told);
    BOOST_TEST(most_waiting < tasks / 5);
}

BOOST_AUTO_TEST_SUITE_END()
