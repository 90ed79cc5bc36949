// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Corners of batches and streams in which something once went wrong, or nearly did.

#include <procpool/procpool.hpp>

#include <integration/scratch.hpp>
#include <support/send_signal.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <numeric>
#include <ranges>
#include <thread>
#include <vector>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace procpool::testing;
using namespace std::chrono_literals;
using procpool::errc;
namespace asio = boost::asio;

namespace {

int same(int value) {
    return value;
}

int add(int a, int b) {
    return a + b;
}

int take_a_while(int value) {
    ::usleep(2000);
    return value;
}

int die_at_three(int value) {
    if (value == 3)
        std::abort();
    return value;
}

int hang_at_three(int value) {
    while (value == 3)
        ::pause();
    return value;
}

// What decoding the function does in the worker, before the first item of a chunk.
enum class on_arrival { is_slow, dies, hangs };

struct difficult {
    on_arrival how = on_arrival::is_slow;
    int operator()(int value) const { return value; }

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& how;
        if constexpr (Archive::is_loading::value) {
            if (how == on_arrival::is_slow)
                ::usleep(20'000);
            if (how == on_arrival::dies)
                std::abort();
            while (how == on_arrival::hangs)
                ::pause();
        }
    }
};

template <class Operation>
boost::system::error_code code_of(Operation operation) {
    try {
        operation();
    } catch (const boost::system::system_error& error) {
        return error.code();
    }
    return {};
}

int fork_and_return(int value) {
    return ::fork() == 0 ? -1 : value;
}

/// A result. The thread that moves it for the so manieth time stops there until it is told to go on, if that is wished.
class stopped_when_moved {
public:
    stopped_when_moved() = default;
    explicit stopped_when_moved(int from) : value(from) {}
    stopped_when_moved(stopped_when_moved&& other) noexcept : value(other.value) { moved(); }
    stopped_when_moved& operator=(stopped_when_moved&& other) noexcept {
        value = other.value;
        moved();
        return *this;
    }
    ~stopped_when_moved() = default;

    static void stop_at(int move) {
        stopped_ = false;
        moves_left_ = move;
    }
    static bool has_stopped() { return stopped_; }
    static void go_on() { moves_left_ = -1; }

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& value;
    }

    int value = 0;

private:
    static void moved() {
        if (moves_left_ < 0 || moves_left_-- != 0)
            return;
        moves_left_ = 0; // until it is told to go on
        stopped_ = true;
        wait_until([] { return moves_left_ < 0; }, 30s);
    }

    static inline std::atomic<int> moves_left_{-1};
    static inline std::atomic<bool> stopped_{false};
};

stopped_when_moved make_stopped_when_moved(const std::pair<std::string, int>& item) {
    const auto& [go_on, value] = item;
    if (!wait_until([&] { return exists(go_on); }, 60s))
        throw std::runtime_error("nobody told the task to go on");
    return stopped_when_moved(value);
}

} // namespace

BOOST_AUTO_TEST_SUITE(batch_corners)

BOOST_AUTO_TEST_CASE(a_chunk_whose_function_takes_long_to_arrive_is_divided_but_never_to_nothing) {
    procpool::process_pool pool({.workers = 4});
    const std::vector<int> items{0, 1, 2, 3};
    for (int round = 0; round != 5; ++round) {
        BOOST_TEST(pool.map(difficult{}, items, {.chunk_size = 4}).get() == items, boost::test_tools::per_element());
        BOOST_TEST(pool.map_reduce(difficult{}, items, 0, add, {.chunk_size = 4}).get() == 6);
    }
}

BOOST_AUTO_TEST_CASE(a_function_that_kills_its_worker_on_arrival_fails_the_batch) {
    procpool::process_pool pool({.workers = 2, .kill_grace = 0ms});
    const std::vector<int> items{0, 1, 2};
    BOOST_TEST((code_of([&] { pool.map(difficult{on_arrival::dies}, items).get(); }) == errc::worker_died));
    BOOST_TEST(
        (code_of([&] { pool.map(difficult{on_arrival::hangs}, items).timeout(50ms).get(); }) == errc::timed_out));
    const auto all = pool.map_settled(difficult{on_arrival::dies}, items).get();
    BOOST_TEST(std::ranges::count_if(all, [](const auto& one) { return one.has_error(); }) == 3);
    BOOST_TEST(pool.submit(same, 1).get() == 1);
}

BOOST_AUTO_TEST_CASE(a_reduction_in_which_a_worker_dies_or_an_item_runs_too_long_says_so) {
    procpool::process_pool pool({.workers = 2});
    const auto numbers = std::views::iota(0, 100);
    BOOST_TEST((code_of([&] { pool.map_reduce(die_at_three, numbers, 0, add).get(); }) == errc::worker_died));
    BOOST_TEST(
        (code_of([&] { pool.map_reduce(hang_at_three, numbers, 0, add).timeout(50ms).get(); }) == errc::timed_out));
    BOOST_TEST(pool.map_reduce(same, numbers, 5, add).get() == 4955);
    BOOST_TEST(pool.map_reduce(same, std::vector<int>(), 5, add).get() == 5);
}

BOOST_AUTO_TEST_CASE(a_reduction_keeps_the_order_of_the_items) {
    procpool::process_pool pool({.workers = 2});
    std::string expected = ">";
    for (int i = 0; i != 2000; ++i)
        expected += std::to_string(i);
    const auto text = [](int value) { return std::to_string(value); };
    const auto join = [](std::string a, const std::string& b) { return std::move(a) + b; };
    BOOST_TEST(pool.map_reduce(text, std::views::iota(0, 2000), std::string(">"), join).get() == expected);
}

BOOST_AUTO_TEST_CASE(a_very_long_batch_whose_pool_is_destroyed_is_told_item_by_item) {
    std::optional<procpool::process_pool> pool(std::in_place, procpool::pool_options{.workers = 1});
    auto batch = pool->map_settled(take_a_while, std::views::iota(0, 200'000)).start();
    auto terminated = pool->map_settled(take_a_while, std::views::iota(0, 200'000)).start();
    pool.reset();
    BOOST_REQUIRE(batch.wait_for(20s));
    BOOST_TEST(batch.get().size() == 200'000u);
    const auto all = terminated.get();
    BOOST_TEST((code_of([&] { all.back().value(); }) == errc::pool_terminated));
}

BOOST_AUTO_TEST_CASE(more_may_wait_for_a_streams_results_than_its_window_holds) {
    asio::io_context context;
    procpool::process_pool pool(context, {.workers = 1});
    auto stream = pool.imap(same, std::views::iota(0, 10), {.window = 1});
    std::vector<int> results;
    for (int i = 0; i != 12; ++i)
        stream.next()([&](std::exception_ptr, std::optional<int> value) { results.push_back(value.value_or(-1)); });
    BOOST_REQUIRE(run_for(context, 20s, [&] { return results.size() == 12; }));
    const std::vector<int> expected{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, -1};
    BOOST_TEST(results == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_cancelled_task_is_not_run_again_because_its_time_to_wait_is_up_meanwhile) {
    const scratch here;
    procpool::process_pool pool({.workers = 1, .kill_grace = 1s});
    pool.submit(same, 0).get(); // for the worker to be there
    auto task = pool.submit(
                        [](const std::string& diary) {
                            static_cast<void>(procpool::this_task::stop_requested());
                            note(diary, 1);
                            for (;;)
                                ::pause();
                        },
                        here.file("diary"))
                    .queue_timeout(700ms)
                    .retries(3)
                    .start();
    BOOST_REQUIRE(wait_until([&] { return !notes(here.file("diary")).empty(); }));
    task.cancel();
    BOOST_TEST((code_of([&] { task.get(); }) == asio::error::operation_aborted));
    BOOST_TEST(pool.submit(same, 1).get() == 1);
    BOOST_TEST(notes(here.file("diary")).size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_time_limit_does_not_keep_a_streams_results_back) {
    const scratch here;
    touch(here.file("open"));
    procpool::process_pool pool({.workers = 1, .task_timeout = 60s});
    std::vector<std::tuple<std::string, std::string, int>> items;
    for (int i = 0; i != 10; ++i)
        items.emplace_back(here.file("began"), here.file(i == 0 || i == 5 ? "go on " + std::to_string(i) : "open"), i);
    const auto call = [](const std::tuple<std::string, std::string, int>& one) {
        return std::apply(meet_and_return, one);
    };
    auto stream = pool.imap(call, items, {.chunk_size = 10, .window = 100});
    auto first = stream.next().start();
    BOOST_REQUIRE(wait_until([&] { return exists(here.file("began")); }));
    touch(here.file("go on 0"));
    BOOST_TEST(first.get().value() == 0);
    for (int i = 1; i != 5; ++i)
        BOOST_TEST(stream.next().get().value() == i);
    touch(here.file("go on 5"));
    for (int i = 5; i != 10; ++i)
        BOOST_TEST(stream.next().get().value() == i);
}

BOOST_AUTO_TEST_CASE(copies_that_items_make_of_their_worker_do_not_take_part) {
    procpool::process_pool pool({.workers = 2});
    const auto numbers = std::views::iota(0, 200);
    const auto results = pool.map(fork_and_return, numbers, {.chunk_size = 50}).get();
    BOOST_TEST(std::ranges::equal(results, numbers));
    int expected = 0;
    for (const int value : pool.imap(fork_and_return, numbers, {.chunk_size = 50}))
        BOOST_TEST(value == expected++);
    BOOST_TEST(expected == 200);
}

BOOST_AUTO_TEST_CASE(whoever_blocks_on_a_stream_comes_back_when_the_pool_is_destroyed_though_nobody_runs_its_context) {
    asio::io_context context;
    std::optional<procpool::process_pool> pool(std::in_place, context, procpool::pool_options{.workers = 1});
    auto stream = pool->imap(take_a_while, std::views::iota(0));
    std::atomic<bool> waits = false;
    boost::system::error_code code;
    std::thread consumer([&] {
        auto next = stream.next().start();
        waits = true;
        code = code_of([&] { next.get(); });
    });
    BOOST_TEST(wait_until([&] { return waits.load(); }));
    pool.reset();
    consumer.join();
    BOOST_TEST((code == errc::pool_terminated));
}

// A lock that another thread held when the copy was made is held there for ever. What moves results holds one; here it is
// stopped in the middle of each of its first moves.
BOOST_AUTO_TEST_CASE(a_copy_of_the_program_made_by_fork_may_drop_a_stream_without_harm_to_the_original) {
    for (int move = 0; move != 8; ++move) {
        const scratch here;
        procpool::process_pool pool({.workers = 2});
        std::vector<std::pair<std::string, int>> items;
        for (int value = 0; value != 100; ++value)
            items.emplace_back(here.file("go on"), value);
        std::optional<procpool::result_stream<stopped_when_moved>> stream(pool.imap(make_stopped_when_moved, items));
        auto first = stream->next().start(); // which takes that lock, too, so nothing is stopped before
        stopped_when_moved::stop_at(move);
        touch(here.file("go on"));
        BOOST_TEST_REQUIRE(wait_until([] { return stopped_when_moved::has_stopped(); }));
        const pid_t copy = ::fork();
        BOOST_TEST_REQUIRE(copy != -1);
        if (copy == 0) {
            stream.reset();
            ::_exit(0);
        }
        const bool has_ended = wait_until([&] { return ::waitpid(copy, nullptr, WNOHANG) == copy; });
        if (!has_ended) {
            send_signal(copy, SIGKILL);
            ::waitpid(copy, nullptr, 0);
        }
        BOOST_TEST(has_ended);
        stopped_when_moved::go_on();
        BOOST_TEST(first.get().value().value == 0);
        for (int i = 1; i != 100; ++i)
            BOOST_TEST_REQUIRE(stream->next().get().value().value == i);
        BOOST_TEST(!stream->next().get());
    }
}

BOOST_AUTO_TEST_CASE(a_batch_that_is_cancelled_at_any_moment_ends_exactly_once_and_never_with_made_up_results) {
    asio::io_context context;
    auto work = asio::make_work_guard(context);
    procpool::process_pool pool(context, {.workers = 2});
    std::thread one([&] { context.run(); });
    std::thread two([&] { context.run(); });
    std::vector<int> expected(3000);
    std::iota(expected.begin(), expected.end(), 1);
    const auto next = [](int value) { return value + 1; };
    for (int round = 0; round != 300; ++round) {
        auto batch =
            pool.map(next, std::views::iota(0, 3000), {.chunk_size = static_cast<std::size_t>(round % 3)}).start();
        auto settled = pool.map_settled(next, std::views::iota(0, 300)).start();
        const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(round * 7);
        while (std::chrono::steady_clock::now() < until) {
        }
        batch.cancel();
        settled.cancel();
        BOOST_REQUIRE(batch.wait_for(20s));
        BOOST_REQUIRE(settled.wait_for(20s));
        const auto code = code_of([&] { BOOST_REQUIRE(batch.get() == expected); });
        BOOST_REQUIRE((!code || code == asio::error::operation_aborted));
        const auto other = code_of([&] { BOOST_REQUIRE(settled.get().back().value() == 300); });
        BOOST_REQUIRE((!other || other == asio::error::operation_aborted));
    }
    pool.close();
    pool.join().get();
    work.reset();
    one.join();
    two.join();
}

BOOST_AUTO_TEST_CASE(the_longest_durations_there_are_mean_never) {
    constexpr auto never = std::chrono::milliseconds::max();
    procpool::process_pool pool({.workers = 2,
                                 .min_workers = 1,
                                 .idle_timeout = never,
                                 .initializer = procpool::bind([] {}),
                                 .task_timeout = never,
                                 .kill_grace = never});
    BOOST_TEST(pool.submit(same, 1).timeout(never).queue_timeout(never).get() == 1);
    BOOST_TEST(pool.map(same, std::views::iota(0, 100)).get().size() == 100u);
}

BOOST_AUTO_TEST_SUITE_END()
