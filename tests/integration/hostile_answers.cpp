// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Answers in frames that are right, of which the bytes say nothing that the result's type allows. That is found out where they
// are decoded, by the façade; the worker is ended for it all the same, and nobody else loses anything.

#include <facade/support.hpp>

#include <integration/forged_frames.hpp>
#include <support/proc.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/serialization/split_member.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

#include <algorithm>
#include <cstring>
#include <deque>
#include <iterator>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace procpool::testing;
using procpool::errc;
using procpool::process_pool;
using procpool::wire::frame_kind;
using words = std::vector<std::string>;

/// The same in a class that says itself how it is carried.
struct page {
    words lines;
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& lines;
    }
};

/// A class with a mistake in it: it reads more than it writes.
struct lopsided {
    int value = 0;
    template <class Archive>
    void save(Archive& archive, unsigned) const {
        archive << value;
    }
    template <class Archive>
    void load(Archive& archive, unsigned) {
        int more = 0;
        archive >> value >> more;
    }
    BOOST_SERIALIZATION_SPLIT_MEMBER()
};

int same(int value) {
    return value;
}

/// In a task: answers it, with what no worker would answer, and never ends.
[[noreturn]] void answer_with(frame_kind kind, std::span<const std::byte> bytes) {
    const place own = own_place();
    write_header(static_cast<std::uint32_t>(bytes.size()), kind, own.slot, own.sent);
    write_all(bytes);
    wait_for_the_end();
}

template <class R>
R answer_with_garbage(frame_kind kind, unsigned seed) {
    answer_with(kind, garbage(100, seed));
}

constexpr int items = 8;
constexpr int bad = 3;
constexpr auto numbers = std::views::iota(0, items);
constexpr procpool::batch_options one_each{.chunk_size = 1};

/// The same for one of the items, which is the only one of its chunk, with a report that is right.
words garbage_for_one(int item) {
    if (item != bad)
        return {std::to_string(item)};
    const procpool::worker::chunk_report report{.items = 1};
    std::vector<std::byte> bytes(sizeof report);
    std::memcpy(bytes.data(), &report, sizeof report);
    std::ranges::copy(garbage(100, 7), std::back_inserter(bytes));
    answer_with(frame_kind::result, bytes);
}

/// One of the items is such that its result cannot be read, by the program's own mistake.
std::optional<lopsided> lopsided_or_nothing(int item) {
    return item == bad ? std::optional(lopsided{}) : std::nullopt;
}

/// An exception with the same mistake.
struct lopsided_error : std::runtime_error {
    lopsided_error() : std::runtime_error("lopsided") {}
    lopsided inside;
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& inside;
    }
};

int throw_for_one(int item) {
    if (item == bad)
        throw lopsided_error();
    return item;
}

bool is_protocol_error_of_item(const std::exception_ptr& error, std::size_t index) {
    try {
        std::rethrow_exception(error);
    } catch (const procpool::failed_item& failed) {
        return code_of(error) == errc::protocol_error && failed.index() == index;
    } catch (...) {
        return false;
    }
}

/// A batch as a whole fails with the error of the item that is bad.
template <class R>
void check_fails_with_item(procpool::submission<R> batch) {
    auto started = std::move(batch).start();
    BOOST_REQUIRE(started.wait_for(patience));
    try {
        started.get();
        BOOST_ERROR("the garbage was taken for a value");
    } catch (...) {
        BOOST_TEST(is_protocol_error_of_item(std::current_exception(), bad));
    }
}

/// A pool of one worker, on a context that a thread runs.
struct served_pool {
    served_pool() : work(asio::make_work_guard(context)), pool(context, {.workers = 1}) {
        server = std::thread([this] { context.run(); });
    }
    ~served_pool() {
        pool.close();
        pool.join().get();
        work.reset();
        server.join();
    }

    /// The one worker was ended for what it did, and another is there.
    void check_replaced(std::uint64_t died) {
        BOOST_TEST(wait_until([&] { return pool.stats().workers_idle == 1; }, patience));
        BOOST_TEST(pool.stats().workers_died == died);
        BOOST_TEST(pool.submit(same, 5).get() == 5);
    }

    asio::io_context context;
    asio::executor_work_guard<asio::io_context::executor_type> work;
    process_pool pool;
    std::thread server;
};

/// The operation fails, and all that wait behind it at the same worker, which never comes to them, are done by another.
template <class R>
void check_garbage(served_pool& with, procpool::submission<R> answered, std::uint64_t died) {
    auto garbled = std::move(answered).start();
    std::deque<procpool::task_handle<int>> behind;
    for (int i = 0; i != 100; ++i)
        behind.push_back(with.pool.submit(same, i).start());
    BOOST_REQUIRE(garbled.wait_for(patience));
    BOOST_CHECK_EXCEPTION(garbled.get(), procpool::pool_error, [](const procpool::pool_error& error) {
        return error.code() == errc::protocol_error &&
               std::string(error.what()).find("cannot be read") != std::string::npos;
    });
    for (int i = 0; i != 100; ++i) {
        BOOST_REQUIRE(behind[static_cast<std::size_t>(i)].wait_for(patience));
        BOOST_TEST(behind[static_cast<std::size_t>(i)].get() == i);
    }
    with.check_replaced(died);
}

} // namespace

PROCPOOL_EXCEPTION(lopsided_error)

BOOST_AUTO_TEST_SUITE(hostile_answers)

BOOST_FIXTURE_TEST_CASE(that_cannot_be_decoded_fail_their_operation_and_end_their_worker, served_pool) {
    std::uint64_t died = 0;
    for (unsigned seed = 0; seed != 10; ++seed)
        BOOST_TEST_CONTEXT("seed " << seed) {
            check_garbage(*this, pool.submit(answer_with_garbage<words>, frame_kind::result, seed), ++died);
            check_garbage(*this, pool.submit(answer_with_garbage<page>, frame_kind::result, seed), ++died);
            check_garbage(*this, pool.submit(answer_with_garbage<void>, frame_kind::result, seed), ++died);
            check_garbage(*this, pool.submit(answer_with_garbage<int>, frame_kind::failure, seed), ++died);
        }
}

BOOST_FIXTURE_TEST_CASE(for_an_item_of_a_batch_fail_that_item_and_end_their_worker, served_pool) {
    check_fails_with_item(pool.map(garbage_for_one, numbers, one_each));
    check_replaced(1);

    auto settled = pool.map_settled(garbage_for_one, numbers, one_each).start();
    BOOST_REQUIRE(settled.wait_for(patience));
    const auto outcomes = settled.get();
    for (int i = 0; i != items; ++i)
        if (const auto& one = outcomes[static_cast<std::size_t>(i)]; i == bad)
            BOOST_TEST(code_of(one.error()) == errc::protocol_error);
        else
            BOOST_TEST(one.value() == words{std::to_string(i)});
    check_replaced(2);

    const auto join = [](words left, const words& right) {
        left.insert(left.end(), right.begin(), right.end());
        return left;
    };
    check_fails_with_item(pool.map_reduce(garbage_for_one, numbers, words{}, join, one_each));
    check_replaced(3);
}

BOOST_FIXTURE_TEST_CASE(for_an_item_of_a_stream_fail_that_item_and_end_their_worker, served_pool) {
    auto stream = pool.imap(garbage_for_one, numbers, one_each);
    for (int i = 0; i != items; ++i) {
        auto next = stream.next().start();
        BOOST_REQUIRE(next.wait_for(patience));
        try {
            BOOST_TEST((next.get() == words{std::to_string(i)}));
            BOOST_TEST(i != bad);
        } catch (const procpool::pool_error&) {
            BOOST_TEST(is_protocol_error_of_item(std::current_exception(), bad));
            BOOST_TEST(i == bad);
        }
    }
    BOOST_TEST(!stream.next().get());
    check_replaced(1);
}

BOOST_FIXTURE_TEST_CASE(for_an_item_leave_the_others_of_its_chunk_as_they_are, served_pool) {
    std::uint64_t died = 0;
    for (const std::size_t chunk : {1, items}) {
        const auto settled = pool.map_settled(lopsided_or_nothing, numbers, {.chunk_size = chunk}).get();
        for (int i = 0; i != items; ++i)
            if (const auto& one = settled[static_cast<std::size_t>(i)]; i == bad)
                BOOST_TEST(code_of(one.error()) == errc::protocol_error);
            else
                BOOST_TEST((one.has_value() && !one.value()));
        check_replaced(++died);

        const auto thrown = pool.map_settled(throw_for_one, numbers, {.chunk_size = chunk}).get();
        for (int i = 0; i != items; ++i)
            if (const auto& one = thrown[static_cast<std::size_t>(i)]; i == bad)
                BOOST_TEST(code_of(one.error()) == errc::protocol_error);
            else
                BOOST_TEST(one.value() == i);
        check_replaced(++died);
    }
    check_fails_with_item(pool.map(throw_for_one, numbers, one_each));
    check_replaced(++died);
}

// It may be the program's own mistake, so what the worker has begun is not lost to it, and what it has not begun goes elsewhere.
BOOST_AUTO_TEST_CASE(that_cannot_be_decoded_cost_nobody_else_what_the_worker_has_begun) {
    asio::io_context context;
    process_pool pool(context, {.workers = 1});
    BOOST_REQUIRE(run_for(context, patience, [&] { return pool.stats().workers_idle == 1; }));
    context.poll(); // all that the worker is to be told has been written
    const gate door;
    seen<lopsided> unreadable;
    seen<int> begun;
    std::deque<seen<int>> behind;
    pool.submit([] { return lopsided{1}; })(unreadable.handler());
    pool.submit(pass_gate, door.path(), 1)(begun.handler());
    for (int i = 0; i != 10; ++i)
        pool.submit(same, i)(behind.emplace_back().handler());
    // All are sent in one turn, and nothing is read after it before the second has begun.
    while (pool.stats().tasks_with_workers == 0)
        context.run_one();
    BOOST_TEST_REQUIRE(pool.stats().tasks_with_workers == 12u);
    BOOST_REQUIRE(wait_until([&] { return door.begun(1); }, patience));

    BOOST_REQUIRE(run_for(context, patience, [&] { return unreadable.over(); }));
    BOOST_TEST(code_of(unreadable.error) == errc::protocol_error);
    BOOST_TEST(text_of(unreadable.error).find("serialize") != std::string::npos, text_of(unreadable.error));
    BOOST_REQUIRE(run_for(context, patience, [&] { return pool.stats().tasks_with_workers == 1; }));
    door.open();
    BOOST_REQUIRE(run_for(context, patience, [&] {
        return begun.over() && std::ranges::all_of(behind, [](const auto& one) { return one.over(); });
    }));
    BOOST_TEST(!begun.error, text_of(begun.error));
    BOOST_TEST(begun.value.value_or(0) == 1);
    for (int i = 0; i != 10; ++i)
        BOOST_TEST(behind[static_cast<std::size_t>(i)].value.value_or(-1) == i);
    BOOST_REQUIRE(run_for(context, patience, [&] { return pool.stats().workers_idle == 1; }));
    BOOST_TEST(pool.stats().workers_died == 1u);
    BOOST_TEST(pool.stats().workers_started == 2u);
}

// Of an initializer or a preload.
void fail_with_garbage() {
    write_header(100, frame_kind::not_ready, 0, 0);
    write_all(garbage(100, 1));
    wait_for_the_end();
}

BOOST_AUTO_TEST_CASE(of_an_initializer_or_a_preload_end_the_process_and_fail_what_waits_with_the_reason) {
    for (const bool preloaded : {false, true})
        BOOST_TEST_CONTEXT((preloaded ? "preload" : "initializer")) {
            asio::io_context context;
            procpool::pool_options options{.workers = 1};
            if (preloaded)
                options.method = procpool::start_method::forkserver;
            (preloaded ? options.preload : options.initializer) = procpool::bind(fail_with_garbage);
            process_pool pool(context, std::move(options));
            const std::exception_ptr error = run_to_error(context, pool.submit(same, 1));
            BOOST_TEST(code_of(error) == errc::initializer_failed);
            BOOST_TEST(text_of(error).find("could not be read") != std::string::npos, text_of(error));
        }
}

BOOST_AUTO_TEST_SUITE_END()
