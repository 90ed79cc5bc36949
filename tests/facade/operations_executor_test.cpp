// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Where and when the handler of each operation runs, and with whose memory.

#include <facade/operations.hpp>

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace {

using namespace procpool::testing;
using procpool::errc;
using procpool::process_pool;

constexpr int who = 5;

/// A type of which no value can be encoded.
struct unencodable {
    template <class Archive>
    void serialize(Archive&, unsigned) {
        throw std::domain_error("cannot be encoded");
    }
};

int take(const unencodable&) {
    return who;
}

/// A pool of one worker with one operation of that kind, whose task ends as soon as it has begun.
struct stage {
    explicit stage(const operation_kind& of)
        : kind(of), pool(context, {.workers = 1, .max_pending = std::size_t{of.needs_full_pool ? 1u : 0u}}),
          made(of.make(pool, {door.path(), who, manner::never_looks})) {}

    void run_to_end() {
        BOOST_REQUIRE(run_for(context, patience, [this] { return result.over(); }));
        BOOST_TEST(result.yielded(who), result);
        BOOST_TEST(result.calls == 1);
    }

    const operation_kind& kind;
    const gate door;
    asio::io_context context;
    fate result;
    process_pool pool;
    subject made;
};

/// Calls something with a fresh stage for each kind of operation.
template <class Check>
void for_all(Check check) {
    for (const operation_kind& kind : all_kinds())
        BOOST_TEST_CONTEXT(kind.name) {
            stage with(kind);
            check(with);
        }
}

/// A handler that looks where it is, tells the stage's result, and runs on that executor.
template <class Executor, class Look>
auto handler_on(const Executor& executor, stage& with, Look look) {
    return asio::bind_executor(executor, [&with, look](std::exception_ptr error, auto&&... values) {
        look();
        with.result.told(std::move(error), std::forward<decltype(values)>(values)...);
    });
}

// Not within ----------------------------------------------------------------------------------------------------------

/// Set while this thread is in a function that starts an operation.
thread_local bool starting = false;

/// Starts an operation inside a handler of the pool's context and outside of any, with a handler of the pool's executor, and with
/// one of an executor that runs everything at once if it is asked to. None of them may be called by the function that starts it.
void check_not_within(asio::io_context& context, const std::function<any_operation()>& make) {
    for (const bool inside : {false, true})
        for (const bool at_once : {false, true})
            BOOST_TEST_CONTEXT((inside ? "inside" : "outside") << (at_once ? ", on the system's executor" : "")) {
                std::atomic<int> within = 0;
                std::atomic<int> calls = 0;
                const auto handler = [&](std::exception_ptr, auto&&...) {
                    within += starting;
                    ++calls;
                };
                const auto initiate = [&] {
                    any_operation operation = make();
                    starting = true;
                    if (at_once)
                        start(std::move(operation), asio::bind_executor(asio::system_executor(), handler));
                    else
                        start(std::move(operation), handler);
                    starting = false;
                };
                if (inside)
                    asio::post(context, initiate);
                else
                    initiate();
                BOOST_REQUIRE(run_for(context, patience, [&] { return calls != 0; }));
                BOOST_TEST(within == 0);
                BOOST_TEST(calls == 1);
            }
}

/// Makes an operation of each kind for a task that is over before the operation is started, if it can be.
void check_all_not_within(asio::io_context& context, process_pool& pool) {
    const gate door;
    door.open();
    for (const operation_kind& kind : all_kinds()) {
        if (kind.needs_full_pool || kind.closes)
            continue;
        BOOST_TEST_CONTEXT(kind.name)
        check_not_within(context, [&]() -> any_operation {
            const subject made = kind.make(pool, {door.path(), who, manner::never_looks});
            if (made.task && !kind.works)
                wait_until([&] {
                    context.restart();
                    context.poll();
                    return made.task->ready();
                });
            return made.again();
        });
    }
    BOOST_TEST_CONTEXT("wait_for_room")
    check_not_within(context, [&] { return pool.wait_for_room(); });
}

void check_all_that_end_at_once(asio::io_context& context, process_pool& pool) {
    const std::vector<int> none;
    const std::vector<unencodable> bad(1);
    const std::vector<std::tuple<int, int>> no_tuples;
    check_not_within(context, [&] { return pool.map(std::negate<>{}, none); });
    check_not_within(context, [&] { return pool.starmap(plus, no_tuples); });
    check_not_within(context, [&] { return pool.map_settled(std::negate<>{}, none); });
    check_not_within(context, [&] { return pool.map_reduce(std::negate<>{}, none, 1, plus); });
    check_not_within(context, [&] { return pool.imap(std::negate<>{}, none).next(); });
    check_not_within(context, [&] { return pool.imap_unordered(std::negate<>{}, none).next(); });
    check_not_within(context, [&] { return pool.submit(take, unencodable{}); });
    check_not_within(context, [&] { return pool.map(take, bad); });
    check_not_within(context, [&] { return pool.map_settled(take, bad); });
    check_not_within(context, [&] { return pool.map_reduce(take, bad, 1, plus); });
    auto stream = pool.imap(take, bad);
    check_not_within(context, [&] { return stream.next(); }); // four times: an error, and then nothing any more
}

/// The system's executor has threads from its first use on, which are something left over.
struct end_of_system_threads {
    ~end_of_system_threads() {
        auto& threads = asio::query(asio::system_executor(), asio::execution::context);
        threads.stop();
        threads.join();
    }
};

} // namespace

BOOST_TEST_GLOBAL_FIXTURE(end_of_system_threads);

BOOST_AUTO_TEST_SUITE(operations_executor)

BOOST_AUTO_TEST_CASE(is_by_default_the_pools) {
    for_all([](stage& with) {
        start(with.made.again(), with.result.handler());
        with.door.open();
        // Nobody runs the context, so nothing is told, whatever becomes of the task.
        BOOST_TEST(!with.result.over());
        with.run_to_end();
    });
}

BOOST_AUTO_TEST_CASE(may_be_a_strand_of_the_pools_context) {
    for_all([](stage& with) {
        const auto strand = asio::make_strand(with.context);
        bool inside = false;
        start(with.made.again(), handler_on(strand, with, [&] { inside = strand.running_in_this_thread(); }));
        with.door.open();
        with.run_to_end();
        BOOST_TEST(inside);
    });
}

BOOST_AUTO_TEST_CASE(may_be_of_another_context_which_is_kept_busy_meanwhile) {
    for_all([](stage& with) {
        asio::io_context other;
        std::thread::id where;
        start(with.made.again(), handler_on(other.get_executor(), with, [&] { where = std::this_thread::get_id(); }));
        std::thread runner([&] { other.run(); }); // returns when it has nothing to wait for
        const std::thread::id there = runner.get_id();
        with.door.open();
        with.run_to_end();
        runner.join();
        BOOST_TEST((where == there));
    });
}

BOOST_AUTO_TEST_CASE(may_be_one_of_a_type_that_is_not_known) {
    asio::thread_pool threads(1);
    for_all([&](stage& with) {
        for (const bool the_pools : {false, true}) {
            const asio::any_io_executor executor =
                the_pools ? with.pool.get_executor() : asio::any_io_executor(asio::make_strand(threads));
            stage own(with.kind);
            bool inside = false;
            start(own.made.again(),
                  handler_on(executor, own, [&] { inside = threads.get_executor().running_in_this_thread(); }));
            own.door.open();
            // The context of the other pool is for one of the handlers.
            BOOST_REQUIRE(run_for(own.context, patience, [&] {
                with.context.restart();
                with.context.poll();
                return own.result.over();
            }));
            BOOST_TEST(own.result.yielded(who), own.result);
            BOOST_TEST(inside != the_pools);
        }
    });
    threads.join();
}

BOOST_AUTO_TEST_CASE(does_not_run_the_handler_within_the_initiation) {
    small_pool with;
    check_all_not_within(with.context, with.pool);
    check_all_that_end_at_once(with.context, with.pool);
    with.pool.close();
    check_not_within(with.context, [&] { return with.pool.join(); });
    check_not_within(with.context, [&] { return with.pool.shutdown(patience); });
}

BOOST_AUTO_TEST_CASE(does_not_run_the_handler_within_the_initiation_on_a_closed_pool) {
    small_pool with;
    with.pool.close();
    check_all_not_within(with.context, with.pool);
    check_all_that_end_at_once(with.context, with.pool);
}

BOOST_AUTO_TEST_CASE(does_not_run_the_handler_within_the_initiation_on_a_terminated_pool) {
    small_pool with;
    with.pool.terminate();
    check_all_not_within(with.context, with.pool);
    check_all_that_end_at_once(with.context, with.pool);
    check_not_within(with.context, [&] { return with.pool.join(); });
    check_not_within(with.context, [&] { return with.pool.shutdown(patience); });
}

BOOST_AUTO_TEST_CASE(does_not_run_the_handler_within_the_initiation_on_a_full_pool) {
    asio::io_context context;
    const gate door;
    process_pool pool(context, {.workers = 1, .max_pending = 1});
    fate first;
    start(pool.submit(behave, door.path(), who, manner::never_looks), first.handler());
    check_not_within(context, [&] { return pool.submit(plus, 1, 2); });
    check_not_within(context, [&] { return pool.map(std::negate<>{}, std::vector<int>{1}); });
    check_not_within(context, [&] { return pool.imap(std::negate<>{}, std::vector<int>{1}).next(); });
    BOOST_TEST(!first.over());
    door.open();
    BOOST_TEST(run_for(context, patience, [&] { return first.over(); }));
}

BOOST_AUTO_TEST_CASE(does_not_run_the_handler_within_the_initiation_if_results_are_there_already) {
    small_pool with;
    for (const bool in_order : {true, false}) {
        const std::vector<int> inputs{1, 2, 3, 4, 5, 6};
        auto stream = in_order ? with.pool.imap(std::negate<>{}, inputs, {.chunk_size = 1, .window = 10})
                               : with.pool.imap_unordered(std::negate<>{}, inputs, {.chunk_size = 1, .window = 10});
        const auto before = with.pool.stats().tasks_completed;
        fate first;
        run_to_end(with.context, stream.next(), first);
        BOOST_REQUIRE(with.run_until([&] { return with.pool.stats().tasks_completed == before + inputs.size(); }));
        for (int times = 0; times != 2; ++times) // one takes four: first results, and then the end
            check_not_within(with.context, [&] { return stream.next(); });
    }
}

BOOST_AUTO_TEST_CASE(tells_of_a_used_submission_outside_of_its_initiation) {
    for_all([](stage& with) {
        any_operation operation = with.made.again();
        with.door.open();
        std::visit([&](auto& one) { std::move(one)(with.result.handler()); }, operation);
        fate second;
        std::visit([&](auto& one) { std::move(one)(asio::bind_executor(with.context, second.handler())); },
                   operation); // NOLINT
        BOOST_TEST(!second.over());
        with.run_to_end();
        BOOST_TEST(run_for(with.context, patience, [&] { return second.over(); }));
        BOOST_CHECK_THROW(std::rethrow_exception(second.error), std::logic_error);
    });
}

// The allocator -------------------------------------------------------------------------------------------------------

struct memory {
    std::atomic<int> taken = 0;
    std::atomic<int> given_back = 0;
};

template <class T>
struct counting_allocator {
    using value_type = T;

    explicit counting_allocator(memory& counts) : where(&counts) {}
    template <class Other>
    counting_allocator(const counting_allocator<Other>& other) : where(other.where) {}

    T* allocate(std::size_t count) {
        ++where->taken;
        return std::allocator<T>().allocate(count);
    }
    void deallocate(T* at, std::size_t count) {
        ++where->given_back;
        std::allocator<T>().deallocate(at, count);
    }

    template <class Other>
    bool operator==(const counting_allocator<Other>& other) const {
        return where == other.where;
    }

    memory* where;
};

BOOST_AUTO_TEST_CASE(and_allocator_are_both_the_handlers_own) {
    small_pool with;
    asio::thread_pool threads(1);
    memory counts;
    fate result;
    std::atomic<bool> inside = false;
    std::atomic<int> held = -1;
    auto handler = [&](std::exception_ptr error, int value) {
        inside = threads.get_executor().running_in_this_thread();
        held = counts.taken - counts.given_back;
        result.told(std::move(error), value);
    };
    with.pool.submit(plus, 1, 2)(
        asio::bind_allocator(counting_allocator<char>(counts), asio::bind_executor(threads, std::move(handler))));
    BOOST_TEST(counts.taken > 0); // the operation's own
    BOOST_REQUIRE(with.run_until([&] { return result.over(); }));
    threads.join();
    BOOST_TEST(result.yielded(3), result);
    BOOST_TEST(inside);
    BOOST_TEST(counts.taken >= 2); // and that by which it got to its executor
    BOOST_TEST(held == 0);         // given back before the handler was called
    BOOST_TEST(counts.taken == counts.given_back);
}

BOOST_AUTO_TEST_SUITE_END()
