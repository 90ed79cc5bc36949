// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// doc/coming-from-python.md, the tables of AsyncResult, ProcessPoolExecutor, Future, wait and as_completed.
// Its C++ stands here line by line, which check_code sees to; change both together.

#include <documentation/tasks.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>
#include <utility>
#include <variant>

namespace {

using namespace procpool::testing;
using namespace std::chrono;
using namespace boost::asio::experimental::awaitable_operators;
using boost::test_tools::per_element;

} // namespace

BOOST_FIXTURE_TEST_SUITE(executors_that_block, blocking)

BOOST_AUTO_TEST_CASE(map_within_a_time) {
    auto busy = pool.starmap(pass_gate, std::vector{std::pair(door.path(), 1), std::pair(door.path(), 2)}).start();
    BOOST_REQUIRE(wait_until([&] { return door.count() == 2; }, patience));
    const auto map = [&](milliseconds limit) {
        auto all = pool.map(square, inputs).start();
        if (!all.wait_for(limit))
            all.cancel();
        return all.get();
    };
    BOOST_CHECK_EXCEPTION(map(1ms), boost::system::system_error, [](const boost::system::system_error& error) {
        return error.code() == asio::error::operation_aborted;
    });
    door.open();
    BOOST_TEST(map(patience).size() == 4u);
    BOOST_TEST(busy.get().size() == 2u);
}

BOOST_AUTO_TEST_CASE(call_off_everything_before_they_close) {
    std::vector handles{pool.submit(pass_gate, door.path(), 1).start(), pool.submit(pass_gate, door.path(), 2).start()};
    BOOST_REQUIRE(wait_until([&] { return door.count() == 2; }, patience));
    handles.push_back(pool.submit(pass_gate, door.path(), 3).start());
    for (auto& handle : handles)
        handle.cancel();
    pool.close();
    pool.join().get();
    for (auto& handle : handles)
        BOOST_TEST(code_of(handle.result()) == asio::error::operation_aborted);
}

BOOST_FIXTURE_TEST_CASE(do_everything_at_the_end_of_a_block, used) {
    std::optional<procpool::task_handle<int>> later;
    {
        procpool::process_pool pool{{.workers = 2}};
        auto handle = pool.submit(add, 2, 3).start();
        pool.close();
        pool.join().get();
        later = handle;
    }
    BOOST_TEST(later->get() == 5);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(executors_that_are_awaited, awaiting)

BOOST_AUTO_TEST_CASE(map_within_a_time) {
    const auto map = [&](milliseconds limit) -> asio::awaitable<bool> {
        asio::steady_timer timer(context, limit);
        auto all = pool.map(square, inputs)(asio::as_tuple(asio::use_awaitable));
        auto first = co_await (std::move(all) || timer.async_wait(asio::use_awaitable));
        bool in_time = first.index() == 0;
        if (in_time)
            BOOST_TEST(std::get<1>(std::get<0>(first)).size() == 4u);
        co_return in_time;
    };
    auto busy = pool.starmap(pass_gate, std::vector{std::pair(door.path(), 1), std::pair(door.path(), 2)}).start();
    BOOST_REQUIRE(run_for(context, patience, [&] { return door.count() == 2; }));
    run([&]() -> asio::awaitable<void> {
        bool in_time = co_await map(1ms);
        BOOST_TEST(!in_time);
        door.open();
        in_time = co_await map(patience);
        BOOST_TEST(in_time);
        co_await busy.result();
    });
}

BOOST_AUTO_TEST_CASE(call_off_what_has_not_begun_before_they_close) {
    auto told = [&](std::exception_ptr error, int) { error ? failed(error) : done(1); };
    std::array<asio::cancellation_signal, 3> signals;
    for (int who = 0; who != 3; ++who) {
        auto& signal = signals[static_cast<std::size_t>(who)];
        pool.submit(pass_gate, door.path(), who)(asio::bind_cancellation_slot(signal.slot(), told));
    }
    BOOST_REQUIRE(run_for(context, patience, [&] { return door.count() == 2; }));
    run([&]() -> asio::awaitable<void> {
        for (auto& signal : signals)
            signal.emit(asio::cancellation_type::total);
        door.open();
        pool.close();
        co_await pool.join();
    });
    BOOST_TEST(errors == 1);
    BOOST_TEST(total == 2); // those that were at it
}

BOOST_FIXTURE_TEST_CASE(do_everything_at_the_end_of_a_block, used) {
    asio::io_context context;
    run(context, [&]() -> asio::awaitable<void> {
        std::optional<procpool::task_handle<int>> later;
        {
            procpool::process_pool pool(context, {.workers = 2});
            auto handle = pool.submit(add, 2, 3).start();
            pool.close();
            co_await pool.join();
            later = handle;
        }
        BOOST_TEST(later->get() == 5);
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(results_that_block, blocking)

BOOST_AUTO_TEST_CASE(are_got) {
    auto handle = pool.submit(add, 2, 3).start();
    int sum = handle.get();
    BOOST_TEST(sum == 5);
    BOOST_CHECK_THROW(pool.submit(square, -1).start().get(), std::domain_error);
}

BOOST_AUTO_TEST_CASE(are_got_if_they_come_in_time) {
    auto handle = pool.submit(pass_gate, door.path(), 1).start();
    const auto get = [&](milliseconds limit) {
        if (!handle.wait_for(limit))
            throw std::runtime_error("it takes too long");
        return handle.get();
    };
    BOOST_CHECK_THROW(get(1ms), std::runtime_error);
    door.open();
    BOOST_TEST(get(patience) == 1);
}

BOOST_AUTO_TEST_CASE(are_waited_for) {
    auto handle = pool.submit(square, -1).start();
    handle.wait_for(milliseconds::max());
    BOOST_TEST(handle.ready());
    BOOST_TEST(!handle.successful());
}

BOOST_AUTO_TEST_CASE(are_waited_for_so_long) {
    auto handle = pool.submit(pass_gate, door.path(), 1).start();
    milliseconds limit{1};
    handle.wait_for(limit);
    BOOST_TEST(!handle.ready());
    limit = patience;
    door.open();
    bool in_time = handle.wait_for(limit);
    BOOST_TEST(in_time);
}

BOOST_AUTO_TEST_CASE(are_asked_about) {
    auto handle = pool.submit(pass_gate, door.path(), 1).start();
    const auto look = [&] {
        bool ready = handle.ready();
        return ready;
    };
    const auto look_whether_successful = [&] {
        bool successful = handle.successful();
        return successful;
    };
    BOOST_TEST(!look());
    BOOST_CHECK_THROW(look_whether_successful(), std::logic_error);
    door.open();
    BOOST_TEST(wait_until(look, patience));
    BOOST_TEST(look_whether_successful());
}

BOOST_AUTO_TEST_CASE(are_called_off) {
    auto handle = pool.submit(pass_gate, door.path(), 1).start();
    BOOST_REQUIRE(wait_until([&] { return door.begun(1); }, patience));
    handle.cancel();
    const auto look = [&] {
        bool cancelled = false;
        try {
            handle.get();
        } catch (const boost::system::system_error& error) {
            cancelled = error.code() == asio::error::operation_aborted;
        }
        return cancelled;
    };
    BOOST_TEST(look());
    handle = pool.submit(add, 2, 3).start();
    BOOST_TEST(!look());
    handle = pool.submit(crash).start();
    BOOST_TEST(!look());
}

BOOST_AUTO_TEST_CASE(are_called_off_if_they_have_not_begun) {
    auto told = [&](std::exception_ptr error, int sum) { error ? failed(error) : done(sum); };
    asio::cancellation_signal running;
    pool.submit(pass_gate, door.path(), 1)(asio::bind_cancellation_slot(running.slot(), told));
    auto other = pool.submit(pass_gate, door.path(), 2).start();
    BOOST_REQUIRE(wait_until([&] { return door.count() == 2; }, patience));
    asio::cancellation_signal signal;
    pool.submit(add, 2, 3)(asio::bind_cancellation_slot(signal.slot(), told));
    asio::post(pool.get_executor(), [&] { signal.emit(asio::cancellation_type::total); });
    asio::post(pool.get_executor(), [&] { running.emit(asio::cancellation_type::total); });
    BOOST_TEST(wait_until([&] { return errors == 1; }, patience));
    door.open();
    BOOST_TEST(wait_until([&] { return total == 1; }, patience));
    BOOST_TEST(other.get() == 2);
}

BOOST_AUTO_TEST_CASE(are_known_to_be_computed) {
    std::atomic<bool> running = false;
    std::function<void(const procpool::progress&)> begins = [&](const procpool::progress&) { running = true; };
    auto handle = pool.submit(add_and_tell, 2, 3).on_progress(begins).start();
    BOOST_TEST(handle.get() == 5);
    BOOST_TEST(running.load()); // it is told before the end
}

BOOST_AUTO_TEST_CASE(are_asked_for_the_exception) {
    auto handle = pool.submit(square, -1).start();
    const auto look = [&] {
        std::exception_ptr error;
        try {
            handle.get();
        } catch (...) {
            error = std::current_exception();
        }
        return text_of(error);
    };
    BOOST_TEST(look() == "less than nothing");
    handle = pool.submit(add, 2, 3).start();
    BOOST_TEST(look() == "");
}

BOOST_AUTO_TEST_CASE(are_told_to_callbacks) {
    auto handle = pool.submit(pass_gate, door.path(), 5).start();
    handle.result()([&](std::exception_ptr error, int sum) { error ? failed(error) : done(sum); });
    handle.result()([&](std::exception_ptr error, int sum) { error ? failed(error) : done(sum); });
    BOOST_TEST(total == 0);
    door.open();
    BOOST_TEST(wait_until([&] { return total == 10; }, patience));
    handle.result()([&](std::exception_ptr error, int sum) { error ? failed(error) : done(sum); });
    BOOST_TEST(wait_until([&] { return total == 15; }, patience));
    BOOST_TEST(errors == 0);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(results_that_are_awaited, awaiting)

BOOST_AUTO_TEST_CASE(are_awaited) {
    run([&]() -> asio::awaitable<void> {
        auto handle = pool.submit(add, 2, 3).start();
        int sum = co_await handle.result();
        BOOST_TEST(sum == 5);
    });
}

BOOST_AUTO_TEST_CASE(are_awaited_if_they_come_in_time) {
    const auto get = [&](procpool::task_handle<int> handle, milliseconds limit) -> asio::awaitable<int> {
        asio::steady_timer timer(context, limit);
        auto result = handle.result()(asio::as_tuple(asio::use_awaitable));
        auto first = co_await (std::move(result) || timer.async_wait(asio::use_awaitable));
        if (first.index() == 1)
            throw std::runtime_error("it takes too long");
        auto [error, value] = std::get<0>(first);
        if (error)
            std::rethrow_exception(error);
        co_return value;
    };
    run([&]() -> asio::awaitable<void> {
        auto handle = pool.submit(pass_gate, door.path(), 1).start();
        BOOST_CHECK_THROW(co_await get(handle, 1ms), std::runtime_error);
        BOOST_TEST(!handle.ready());
        door.open();
        const int passed = co_await get(handle, patience);
        BOOST_TEST(passed == 1);
        BOOST_CHECK_THROW(co_await get(pool.submit(square, -1).start(), patience), std::domain_error);
    });
}

BOOST_AUTO_TEST_CASE(are_waited_for) {
    run([&]() -> asio::awaitable<void> {
        auto handle = pool.submit(square, -1).start();
        co_await handle.result()(asio::as_tuple(asio::use_awaitable));
        BOOST_TEST(handle.ready());
        BOOST_TEST(!handle.successful());
    });
}

BOOST_AUTO_TEST_CASE(are_called_off) {
    run([&]() -> asio::awaitable<void> {
        auto handle = pool.submit(pass_gate, door.path(), 1).start();
        handle.cancel();
        bool cancelled = false;
        try {
            co_await handle.result();
        } catch (const boost::system::system_error& error) {
            cancelled = error.code() == asio::error::operation_aborted;
        }
        BOOST_TEST(cancelled);
    });
}

BOOST_AUTO_TEST_CASE(are_called_off_if_they_have_not_begun) {
    auto told = [&](std::exception_ptr error, int sum) { error ? failed(error) : done(sum); };
    asio::cancellation_signal running;
    pool.submit(pass_gate, door.path(), 1)(asio::bind_cancellation_slot(running.slot(), told));
    auto other = pool.submit(pass_gate, door.path(), 2).start();
    BOOST_REQUIRE(run_for(context, patience, [&] { return door.begun(1) && door.begun(2); }));
    asio::cancellation_signal signal;
    pool.submit(add, 2, 3)(asio::bind_cancellation_slot(signal.slot(), told));
    signal.emit(asio::cancellation_type::total);
    running.emit(asio::cancellation_type::total);
    BOOST_TEST(run_for(context, patience, [&] { return errors == 1; }));
    BOOST_TEST(total == 0);
    door.open();
    BOOST_TEST(run_for(context, patience, [&] { return total == 1; }));
    BOOST_TEST(run_for(context, patience, [&] { return other.ready(); }));
}

BOOST_AUTO_TEST_CASE(are_asked_for_the_exception) {
    run([&]() -> asio::awaitable<void> {
        auto handle = pool.submit(square, -1).start();
        auto [error, sum] = co_await handle.result()(asio::as_tuple(asio::use_awaitable));
        BOOST_TEST(text_of(error) == "less than nothing");
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(several_results_that_block, blocking)

BOOST_AUTO_TEST_CASE(are_waited_for_all) {
    std::vector handles{pool.submit(add, 2, 3).start(), pool.submit(square, -1).start()};
    for (auto& handle : handles)
        handle.wait_for(milliseconds::max());
    BOOST_TEST(handles[0].ready());
    BOOST_TEST(handles[1].ready());
}

BOOST_AUTO_TEST_CASE(are_waited_for_all_so_long) {
    std::vector handles{pool.submit(pass_gate, door.path(), 1).start(), pool.submit(add, 2, 3).start()};
    const auto wait = [&](milliseconds limit) {
        auto deadline = steady_clock::now() + limit;
        for (auto& handle : handles)
            handle.wait_for(ceil<milliseconds>(deadline - steady_clock::now()));
    };
    wait(1ms);
    BOOST_TEST(!handles[0].ready());
    BOOST_TEST(handles[1].wait_for(patience));
    auto open = std::ranges::partition(handles, [](auto& handle) { return handle.ready(); });
    BOOST_TEST(open.size() == 1u);
    BOOST_TEST(handles[0].get() == 5);
    door.open();
    wait(patience);
    BOOST_TEST(handles[1].get() == 1);
}

BOOST_AUTO_TEST_CASE(are_waited_for_until_the_first_comes) {
    std::vector handles{pool.submit(pass_gate, door.path(), 1).start(), pool.submit(add, 2, 3).start()};
    auto stream = procpool::as_completed(handles);
    auto first = *stream.next().get();
    BOOST_TEST(first.get() == 5);
    BOOST_TEST(!handles[0].ready());
}

BOOST_AUTO_TEST_CASE(are_waited_for_until_one_fails) {
    std::vector handles{pool.submit(pass_gate, door.path(), 1).start(), pool.submit(add, 2, 3).start(),
                        pool.submit(square, -1).start()};
    const auto wait = [&] {
        auto stream = procpool::as_completed(handles);
        auto over = stream.next().get();
        while (over && over->successful())
            over = stream.next().get();
        return over;
    };
    auto failure = wait();
    BOOST_REQUIRE(failure.has_value());
    BOOST_CHECK_THROW(failure->get(), std::domain_error);
    BOOST_TEST(!handles[0].ready());
    door.open();
    handles.pop_back();
    BOOST_TEST(!wait().has_value());
    BOOST_TEST(handles[0].ready());
}

BOOST_AUTO_TEST_CASE(are_taken_as_they_come) {
    std::vector handles{pool.submit(pass_gate, door.path(), 1).start(), pool.submit(add, 2, 3).start()};
    std::vector<int> sums;
    door.open();
    for (auto& handle : procpool::as_completed(handles))
        sums.push_back(handle.get());
    std::ranges::sort(sums);
    BOOST_TEST(sums == std::vector({1, 5}), per_element());
}

BOOST_AUTO_TEST_CASE(are_taken_as_they_come_in_time) {
    std::vector handles{pool.submit(pass_gate, door.path(), 1).start()};
    auto limit = 1ms;
    auto stream = procpool::as_completed(handles);
    auto next = stream.next().start();
    bool in_time = next.wait_for(limit);
    BOOST_TEST(!in_time);
    door.open();
    BOOST_TEST(next.wait_for(patience));
    BOOST_TEST(next.get()->get() == 1);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(several_results_that_are_awaited, awaiting)

BOOST_AUTO_TEST_CASE(are_waited_for_all) {
    run([&]() -> asio::awaitable<void> {
        std::vector handles{pool.submit(add, 2, 3).start(), pool.submit(square, -1).start()};
        for (auto& handle : handles)
            co_await handle.result()(asio::as_tuple(asio::use_awaitable));
        BOOST_TEST(handles[0].ready());
        BOOST_TEST(handles[1].ready());
    });
}

BOOST_AUTO_TEST_CASE(are_waited_for_all_so_long) {
    run([&]() -> asio::awaitable<void> {
        std::vector handles{pool.submit(pass_gate, door.path(), 1).start(), pool.submit(add, 2, 3).start()};
        milliseconds limit{1};
        asio::steady_timer timer(context, limit);
        for (auto& handle : handles) {
            auto result = handle.result()(asio::as_tuple(asio::use_awaitable));
            co_await (std::move(result) || timer.async_wait(asio::use_awaitable));
        }
        BOOST_TEST(!handles[0].ready());
        door.open();
        co_await handles[0].result();
        co_await handles[1].result();
    });
}

BOOST_AUTO_TEST_CASE(are_waited_for_until_the_first_comes) {
    run([&]() -> asio::awaitable<void> {
        std::vector handles{pool.submit(pass_gate, door.path(), 1).start(), pool.submit(add, 2, 3).start()};
        auto stream = procpool::as_completed(handles);
        auto first = *co_await stream.next();
        BOOST_TEST(first.get() == 5);
        BOOST_TEST(!handles[0].ready());
    });
}

BOOST_AUTO_TEST_CASE(are_waited_for_until_one_fails) {
    run([&]() -> asio::awaitable<void> {
        std::vector handles{pool.submit(pass_gate, door.path(), 1).start(), pool.submit(add, 2, 3).start(),
                            pool.submit(square, -1).start()};
        auto stream = procpool::as_completed(handles);
        auto over = co_await stream.next();
        while (over && over->successful())
            over = co_await stream.next();
        BOOST_REQUIRE(over.has_value());
        BOOST_CHECK_THROW(over->get(), std::domain_error);
        BOOST_TEST(!handles[0].ready());
    });
}

BOOST_AUTO_TEST_CASE(are_taken_as_they_come) {
    run([&]() -> asio::awaitable<void> {
        std::vector handles{pool.submit(pass_gate, door.path(), 1).start(), pool.submit(add, 2, 3).start()};
        std::vector<int> sums;
        door.open();
        auto stream = procpool::as_completed(handles);
        while (auto handle = co_await stream.next())
            sums.push_back(handle->get());
        std::ranges::sort(sums);
        BOOST_TEST(sums == std::vector({1, 5}), per_element());
    });
}

BOOST_AUTO_TEST_CASE(are_taken_as_they_come_in_time) {
    std::vector handles{pool.submit(pass_gate, door.path(), 1).start()};
    auto stream = procpool::as_completed(handles);
    const auto take = [&](milliseconds limit) -> asio::awaitable<bool> {
        asio::steady_timer timer(context, limit);
        auto next = stream.next()(asio::as_tuple(asio::use_awaitable));
        auto first = co_await (std::move(next) || timer.async_wait(asio::use_awaitable));
        co_return first.index() == 0;
    };
    run([&]() -> asio::awaitable<void> {
        bool in_time = co_await take(1ms);
        BOOST_TEST(!in_time);
        door.open();
        in_time = co_await take(patience);
        BOOST_TEST(in_time);
        BOOST_TEST(handles[0].get() == 1);
    });
}

BOOST_AUTO_TEST_SUITE_END()
