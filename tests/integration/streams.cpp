// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Results that come one after the other, and operations whose number is bounded.

#include <procpool/procpool.hpp>

#include <integration/scratch.hpp>
#include <support/proc.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <iterator>
#include <list>
#include <ranges>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <signal.h>
#include <unistd.h>

using namespace procpool::testing;
using namespace std::chrono_literals;
using procpool::errc;
namespace asio = boost::asio;

namespace {

int twice(int value) {
    return 2 * value;
}

int odd_only(int value) {
    if (value % 2 == 0)
        throw std::invalid_argument("even: " + std::to_string(value));
    return value;
}

int die_at_ten(int value) {
    if (value == 10)
        ::raise(SIGKILL);
    return value;
}

std::string large(int value) {
    return std::string(100'000, static_cast<char>('a' + value % 26));
}

void leave_word(int value, const std::string& diary) {
    note(diary, value);
}

/// The numbers from 0 on, without end; counts how many were read.
class counted_numbers {
public:
    explicit counted_numbers(int& read) : read_(&read) {}

    class iterator {
    public:
        using value_type = int;
        using difference_type = std::ptrdiff_t;
        explicit iterator(int* read = nullptr) : read_(read) {}
        int operator*() const {
            *read_ = std::max(*read_, value_ + 1);
            return value_;
        }
        iterator& operator++() {
            ++value_;
            return *this;
        }
        void operator++(int) { ++*this; }

    private:
        int* read_;
        int value_ = 0;
    };

    iterator begin() const { return iterator(read_); }
    std::unreachable_sentinel_t end() const { return {}; }

private:
    int* read_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(streams)

BOOST_AUTO_TEST_CASE(an_endless_stream_that_is_taken_slowly_takes_no_more_memory_with_time) {
    procpool::process_pool pool({.workers = 2});
    int read = 0;
    auto stream = pool.imap(large, counted_numbers(read));
    const auto take = [&](int from, int to) {
        for (int i = from; i != to; ++i) {
            const auto text = stream.next().get();
            BOOST_REQUIRE((text && text->size() == 100'000 && text->front() == 'a' + i % 26));
        }
    };
    take(0, 2000);
    const std::size_t before = resident_kilobytes();
    take(2000, 12'000); // a gigabyte of results
    BOOST_TEST(resident_kilobytes() < before + 32 * 1024);
    BOOST_TEST(read >= 12'000);
    BOOST_TEST(read < 12'000 + 5000); // the window
}

BOOST_AUTO_TEST_CASE(the_input_is_read_no_further_than_the_window_reaches) {
    procpool::process_pool pool({.workers = 2});
    int read = 0;
    auto stream = pool.imap(twice, counted_numbers(read), {.window = 10});
    BOOST_TEST(read == 0);
    for (int i = 0; i != 100; ++i) {
        BOOST_TEST(stream.next().get().value() == 2 * i);
        BOOST_TEST(read <= (i + 1) + 10); // beyond what was taken
    }
}

BOOST_AUTO_TEST_CASE(results_come_in_order_or_as_they_are_there) {
    const scratch here;
    procpool::process_pool pool({.workers = 2});
    std::vector<std::tuple<std::string, std::string, int>> items;
    items.emplace_back(here.file("began"), here.file("go on"), 0);
    for (int i = 1; i != 5; ++i) {
        touch(here.file("open"));
        items.emplace_back(here.file("other"), here.file("open"), i);
    }
    const auto call = [](const std::tuple<std::string, std::string, int>& one) {
        return std::apply(meet_and_return, one);
    };
    auto unordered = pool.imap_unordered(call, items);
    std::set<int> seen;
    for (int i = 1; i != 5; ++i)
        seen.insert(unordered.next().get().value());
    BOOST_TEST(!seen.contains(0)); // it waits to be told
    touch(here.file("go on"));
    BOOST_TEST(unordered.next().get().value() == 0);
    BOOST_TEST(!unordered.next().get());
    BOOST_TEST(!unordered.next().get()); // and again
    int expected = 0;
    for (const int value : pool.imap(call, items))
        BOOST_TEST(value == expected++);
    BOOST_TEST(expected == 5);
}

BOOST_AUTO_TEST_CASE(a_result_is_there_at_once_though_the_item_behind_it_in_its_chunk_runs_long) {
    const scratch here;
    touch(here.file("open"));
    procpool::process_pool pool({.workers = 1});
    std::vector<std::tuple<std::string, std::string, int>> items;
    for (int i = 0; i != 10; ++i)
        items.emplace_back(here.file("began"), here.file(i == 5 ? "go on" : "open"), i);
    const auto call = [](const std::tuple<std::string, std::string, int>& one) {
        return std::apply(meet_and_return, one);
    };
    auto stream = pool.imap(call, items, {.chunk_size = 10, .window = 100});
    for (int i = 0; i != 5; ++i)
        BOOST_TEST(stream.next().get().value() == i);
    touch(here.file("go on"));
    for (int i = 5; i != 10; ++i)
        BOOST_TEST(stream.next().get().value() == i);
    BOOST_TEST(!stream.next().get());
}

BOOST_AUTO_TEST_CASE(an_item_that_throws_throws_from_its_own_next_with_its_index_and_the_stream_goes_on) {
    procpool::process_pool pool({.workers = 2});
    auto stream = pool.imap(odd_only, std::views::iota(0, 2000));
    for (int i = 0; i != 2000; ++i) {
        try {
            BOOST_TEST(stream.next().get().value() == i);
            BOOST_TEST(i % 2 == 1);
        } catch (const std::invalid_argument& error) {
            BOOST_TEST(error.what() == "even: " + std::to_string(i));
            BOOST_TEST(dynamic_cast<const procpool::failed_item&>(error).index() == static_cast<std::size_t>(i));
        }
    }
    BOOST_TEST(!stream.next().get());
}

BOOST_AUTO_TEST_CASE(an_item_that_kills_its_worker_fails_alone) {
    procpool::process_pool pool({.workers = 2});
    std::vector<int> results;
    std::size_t deaths = 0;
    auto stream = pool.imap(die_at_ten, std::views::iota(0, 5000));
    for (;;) {
        try {
            const auto next = stream.next().get();
            if (!next)
                break;
            results.push_back(*next);
        } catch (const procpool::worker_died& error) {
            ++deaths;
            BOOST_TEST(dynamic_cast<const procpool::failed_item&>(error).index() == 10u);
        }
    }
    BOOST_TEST(deaths == 1u);
    BOOST_TEST(results.size() == 4999u);
    BOOST_TEST(std::ranges::is_sorted(results));
}

BOOST_AUTO_TEST_CASE(a_range_that_throws_ends_the_stream_with_its_error_after_what_was_read_before) {
    procpool::process_pool pool({.workers = 2});
    const auto numbers = std::views::iota(0, 100) | std::views::transform([](int value) {
                             if (value == 50)
                                 throw std::range_error("no more paper");
                             return value;
                         });
    auto stream = pool.imap(twice, numbers);
    for (int i = 0; i != 50; ++i)
        BOOST_TEST(stream.next().get().value() == 2 * i);
    BOOST_CHECK_THROW(stream.next().get(), std::range_error);
    BOOST_TEST(!stream.next().get());
}

BOOST_AUTO_TEST_CASE(ranges_of_all_kinds_can_be_streamed) {
    procpool::process_pool pool({.workers = 2});
    const auto all = [](auto stream) {
        std::vector<int> results;
        for (const int value : stream)
            results.push_back(value);
        return results;
    };
    const std::vector<int> expected{2, 4, 6};
    const std::list<int> kept{1, 2, 3};
    BOOST_TEST(all(pool.imap(twice, kept)) == expected, boost::test_tools::per_element());
    BOOST_TEST(all(pool.imap(twice, std::vector{1, 2, 3})) == expected, boost::test_tools::per_element());
    BOOST_TEST(all(pool.imap(twice, std::views::iota(1, 4))) == expected, boost::test_tools::per_element());
    std::istringstream text("1 2 3");
    BOOST_TEST(all(pool.imap(twice, std::ranges::istream_view<int>(text))) == expected,
               boost::test_tools::per_element());
    BOOST_TEST(all(pool.imap(twice, std::vector<int>())).empty());
}

BOOST_AUTO_TEST_CASE(a_function_that_returns_nothing_streams_as_many_nothings) {
    const scratch here;
    procpool::process_pool pool({.workers = 2});
    std::size_t count = 0;
    const auto call = [](const std::pair<int, std::string>& one) { leave_word(one.first, one.second); };
    std::vector<std::pair<int, std::string>> items;
    for (int i = 0; i != 20; ++i)
        items.emplace_back(i, here.file("diary"));
    for ([[maybe_unused]] const std::monostate nothing : pool.imap_unordered(call, items))
        ++count;
    BOOST_TEST(count == 20u);
    BOOST_TEST(notes(here.file("diary")).size() == 20u);
}

BOOST_AUTO_TEST_CASE(in_a_coroutine_next_is_awaited) {
    asio::io_context context;
    procpool::process_pool pool(context, {.workers = 2});
    int sum = 0;
    const auto coroutine = [&]() -> asio::awaitable<void> {
        auto stream = pool.imap_unordered(twice, std::views::iota(0, 1000));
        while (const auto value = co_await stream.next())
            sum += *value;
        pool.close();
    };
    asio::co_spawn(context, coroutine, [](std::exception_ptr error) { BOOST_TEST(!error); });
    context.run();
    BOOST_TEST(sum == 999'000);
}

// Ends --------------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_dropped_stream_calls_off_what_is_left_of_it) {
    const scratch here;
    procpool::process_pool pool({.workers = 1});
    std::vector<std::pair<int, std::string>> items;
    for (int i = 0; i != 1000; ++i)
        items.emplace_back(i, here.file("diary"));
    const auto call = [](const std::pair<int, std::string>& one) {
        note(one.second, one.first);
        while (one.first == 3 && !procpool::this_task::stop_requested())
            ::usleep(1000);
        return one.first;
    };
    {
        auto stream = pool.imap(call, items, {.chunk_size = 1, .window = 500});
        for (int i = 0; i != 3; ++i)
            BOOST_TEST(stream.next().get().value() == i);
        auto fourth = stream.next().start(); // a busy machine may not have read so far before
        BOOST_REQUIRE(wait_until([&] { return notes(here.file("diary")).size() == 4; }));
    }
    pool.close();
    pool.join().get(); // the one that ran was asked to stop
    BOOST_TEST(notes(here.file("diary")).size() == 4u);
    BOOST_TEST(pool.stats().workers_died == 0u);
}

BOOST_AUTO_TEST_CASE(a_next_that_waits_is_told_when_its_stream_is_dropped) {
    const scratch here;
    asio::io_context context;
    procpool::process_pool pool(context, {.workers = 1});
    std::exception_ptr told;
    {
        auto stream = pool.imap(
            [](const std::string& folder) { return meet_and_return(folder + "/began", folder + "/go on", 1); },
            std::vector{here.file("")});
        stream.next()([&](std::exception_ptr error, std::optional<int>) { told = error; });
        BOOST_REQUIRE(run_for(context, 10s, [&] { return exists(here.file("began")); }));
    }
    BOOST_REQUIRE(run_for(context, 10s, [&] { return told != nullptr; }));
    BOOST_CHECK_EXCEPTION(std::rethrow_exception(told), boost::system::system_error,
                          [](const auto& error) { return error.code() == asio::error::operation_aborted; });
    touch(here.file("go on"));
}

BOOST_AUTO_TEST_CASE(a_closed_pool_goes_on_with_the_streams_that_it_has_and_gives_no_new_ones) {
    procpool::process_pool pool({.workers = 2});
    auto stream = pool.imap(twice, std::views::iota(0, 1000));
    BOOST_TEST(stream.next().get().value() == 0);
    pool.close();
    for (int i = 1; i != 1000; ++i)
        BOOST_TEST(stream.next().get().value() == 2 * i);
    BOOST_TEST(!stream.next().get());
    pool.join().get();
    auto late = pool.imap(twice, std::views::iota(0, 3));
    BOOST_CHECK_EXCEPTION(late.next().get(), procpool::pool_error,
                          [](const auto& error) { return error.code() == errc::pool_closed; });
    BOOST_TEST(!late.next().get());
}

BOOST_AUTO_TEST_CASE(a_stream_may_outlive_its_pool) {
    std::optional<procpool::result_stream<int>> stream;
    asio::io_context context;
    {
        procpool::process_pool pool(context, {.workers = 2});
        stream.emplace(pool.imap(twice, std::views::iota(0)));
        std::optional<int> first;
        stream->next()([&](std::exception_ptr, std::optional<int> value) { first = value; });
        BOOST_REQUIRE(run_for(context, 10s, [&] { return first.has_value(); }));
    }
    stream.reset();
}

// Room --------------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(an_operation_too_many_fails_with_queue_full_and_room_can_be_waited_for) {
    const scratch here;
    procpool::process_pool pool({.workers = 1, .max_pending = 2});
    const auto code = [](auto operation) {
        try {
            std::move(operation).get();
        } catch (const procpool::pool_error& error) {
            return error.code();
        }
        return boost::system::error_code();
    };
    auto one = pool.submit(meet_and_return, here.file("began"), here.file("go on"), 1).start();
    auto two = pool.submit(twice, 2).start();
    BOOST_TEST((code(pool.submit(twice, 3)) == errc::queue_full));
    BOOST_TEST((code(pool.map(twice, std::views::iota(0, 10))) == errc::queue_full));
    auto room = pool.wait_for_room().start();
    BOOST_TEST(!room.ready());
    touch(here.file("go on"));
    room.get();
    BOOST_TEST(one.get() == 1);
    BOOST_TEST(two.get() == 4);
    // A batch is one operation, whatever it holds.
    BOOST_TEST(pool.map(twice, std::views::iota(0, 1000)).get().size() == 1000u);
    for (int i = 0; i != 100; ++i) {
        pool.wait_for_room().get();
        BOOST_TEST(pool.submit(twice, i).get() == 2 * i);
    }
}

BOOST_AUTO_TEST_CASE(room_is_there_again_however_an_operation_ended) {
    const scratch here;
    procpool::process_pool pool({.workers = 1, .max_pending = 1});
    BOOST_CHECK_THROW(pool.submit(odd_only, 2).get(), std::invalid_argument);
    BOOST_CHECK_THROW(pool.submit(die_at_ten, 10).get(), procpool::worker_died);
    BOOST_CHECK_THROW(pool.map(odd_only, std::vector{2}).get(), std::invalid_argument);
    {
        auto dropped = pool.imap(twice, std::views::iota(0));
        BOOST_TEST(dropped.next().get().value() == 0);
        BOOST_CHECK_THROW(pool.submit(twice, 1).get(), procpool::pool_error);
    }
    BOOST_REQUIRE(wait_until([&] { return pool.wait_for_room().start().wait_for(10s); }));
    auto task = pool.submit(meet_and_return, here.file("began"), here.file("go on"), 1).start();
    task.cancel();
    BOOST_CHECK_THROW(task.get(), boost::system::system_error);
    BOOST_TEST(pool.submit(twice, 1).get() == 2);
    auto waiting = pool.wait_for_room();
    pool.close();
    BOOST_CHECK_THROW(std::move(waiting).get(), procpool::pool_error);
}

// Handles -----------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(handles_come_back_in_the_order_in_which_they_are_over) {
    const scratch here;
    procpool::process_pool pool({.workers = 2});
    std::vector<procpool::task_handle<int>> handles;
    for (int i = 0; i != 2; ++i)
        handles.push_back(pool.submit(meet_and_return, here.file("began " + std::to_string(i)),
                                      here.file("go on " + std::to_string(i)), i)
                              .start());
    auto stream = procpool::as_completed(handles);
    touch(here.file("go on 1"));
    BOOST_TEST(stream.next().get().value().get() == 1);
    touch(here.file("go on 0"));
    BOOST_TEST(stream.next().get().value().get() == 0);
    BOOST_TEST(!stream.next().get());
    for (auto& handle : procpool::as_completed(handles))
        BOOST_TEST(handle.ready());
    BOOST_CHECK_THROW(procpool::as_completed(std::vector<procpool::task_handle<int>>()), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
