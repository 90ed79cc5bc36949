// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Submissions with the tokens that are, or make, callbacks.

#include <facade/samples.hpp>
#include <facade/support.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/consign.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/strand.hpp>

#include <cstddef>
#include <functional>

namespace {

using namespace procpool::testing;
using procpool::process_pool;

int add(int left, int right) {
    return left + right;
}

struct memory {
    std::ptrdiff_t bytes = 0;
    int allocations = 0;
};

/// An allocator that counts what it has given out.
template <class T>
struct counting_allocator {
    using value_type = T;

    explicit counting_allocator(memory& counts) : where(&counts) {}
    template <class Other>
    counting_allocator(const counting_allocator<Other>& other) : where(other.where) {}

    T* allocate(std::size_t n) {
        where->bytes += static_cast<std::ptrdiff_t>(n * sizeof(T));
        ++where->allocations;
        return static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t(alignof(T))));
    }
    void deallocate(T* p, std::size_t n) {
        where->bytes -= static_cast<std::ptrdiff_t>(n * sizeof(T));
        ::operator delete(p, std::align_val_t(alignof(T)));
    }

    template <class Other>
    bool operator==(const counting_allocator<Other>& other) const {
        return where == other.where;
    }

    memory* where;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(callback_token, one_worker)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_callback_gets_the_value, R, sample_types) {
    one_worker with;
    seen<R> result;
    with.pool.submit(sample<R>::make)(result.handler());
    BOOST_REQUIRE(with.run_until([&] { return result.over(); }));
    BOOST_TEST(!result.error);
    if constexpr (!std::is_void_v<R>)
        BOOST_TEST(sample<R>::right(*result.value));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_callback_gets_the_error_and_a_default_value, R, sample_types) {
    one_worker with;
    seen<R> result;
    with.pool.submit(fail<R>)(result.handler());
    BOOST_REQUIRE(with.run_until([&] { return result.over(); }));
    BOOST_TEST(text_of(result.error) == "out of the domain");
    if constexpr (!std::is_void_v<R>)
        BOOST_TEST(sample<R>::blank(*result.value));
}

BOOST_AUTO_TEST_CASE(a_callback_may_be_move_only) {
    auto owned = std::make_unique<int>(5);
    int sum = 0;
    pool.submit(add, 1, 2)([owned = std::move(owned), &sum](std::exception_ptr, int value) { sum = *owned + value; });
    BOOST_TEST(run_until([&] { return sum != 0; }));
    BOOST_TEST(sum == 8);
}

BOOST_AUTO_TEST_CASE(a_callback_may_be_an_lvalue_or_constant) {
    int sum = 0;
    auto callback = [&sum](std::exception_ptr, int value) { sum += value; };
    const auto constant = callback;
    pool.submit(add, 1, 2)(callback);
    pool.submit(add, 10, 20)(constant);
    BOOST_TEST(run_until([&] { return sum == 33; }));
}

BOOST_AUTO_TEST_CASE(a_callback_may_take_its_arguments_in_any_way) {
    int calls = 0;
    pool.submit(sample<std::string>::make)([&](const std::exception_ptr&, const std::string&) { ++calls; });
    pool.submit(sample<std::string>::make)([&](std::exception_ptr&&, std::string&&) { ++calls; });
    pool.submit(sample<std::string>::make)([&](auto&&...) { ++calls; });
    pool.submit(sample<std::string>::make)(
        std::function<void(std::exception_ptr, std::string)>([&](auto, auto) { ++calls; }));
    BOOST_TEST(run_until([&] { return calls == 4; }));
}

BOOST_AUTO_TEST_CASE(a_callback_may_start_another_operation) {
    int left = 100;
    std::function<void(std::exception_ptr, int)> again = [&](std::exception_ptr, int value) {
        BOOST_TEST(value == left);
        if (--left != 0)
            pool.submit(add, left, 0)(again);
    };
    pool.submit(add, left, 0)(again);
    BOOST_TEST(run_until([&] { return left == 0; }));
}

BOOST_AUTO_TEST_CASE(what_a_callback_throws_leaves_the_context_and_the_pool_goes_on) {
    pool.submit(add, 1, 2)([](std::exception_ptr, int) { throw std::domain_error("the handler's own"); });
    int others = 0;
    for (int i = 0; i != 20; ++i)
        pool.submit(add, 1, 2)([&](std::exception_ptr error, int) { others += !error; });
    BOOST_CHECK_THROW(run_until([] { return false; }), std::domain_error);
    BOOST_TEST(run_until([&] { return others == 20; }));
    BOOST_TEST(run(context, pool.submit(add, 1, 2)) == 3);
}

BOOST_AUTO_TEST_CASE(detached_runs_the_task_all_the_same) {
    const gate place;
    pool.submit(leave_mark, place.path(), 1)(asio::detached);
    pool.submit(fail<int>)(asio::detached);
    pool.submit(sample<void>::make)(asio::detached);
    pool.submit(leave_mark, place.path(), 2)(asio::detached);
    BOOST_TEST(run_until([&] { return place.begun(1) && place.begun(2); }));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(deferred_is_started_by_giving_it_a_callback, R, sample_types) {
    one_worker with;
    seen<R> result;
    auto later = with.pool.submit(sample<R>::make)(asio::deferred);
    BOOST_TEST(with.pool.stats().tasks_submitted == 0u);
    std::move(later)(result.handler());
    BOOST_TEST(with.pool.stats().tasks_submitted == 1u);
    BOOST_REQUIRE(with.run_until([&] { return result.over(); }));
    if constexpr (!std::is_void_v<R>)
        BOOST_TEST(sample<R>::right(*result.value));
}

BOOST_AUTO_TEST_CASE(deferred_that_is_dropped_does_nothing) {
    { [[maybe_unused]] auto dropped = pool.submit(add, 1, 2)(asio::deferred); }
    BOOST_TEST(run(context, pool.submit(add, 1, 2)) == 3);
    BOOST_TEST(pool.stats().tasks_submitted == 1u);
}

BOOST_AUTO_TEST_CASE(as_tuple_of_a_callback_gets_one_tuple) {
    int sum = 0;
    pool.submit(add, 1, 2)(asio::as_tuple([&](std::tuple<std::exception_ptr, int> all) { sum = std::get<1>(all); }));
    BOOST_TEST(run_until([&] { return sum == 3; }));
}

BOOST_AUTO_TEST_CASE(bind_executor_makes_the_handler_run_there) {
    auto strand = asio::make_strand(context);
    bool there = false;
    pool.submit(add, 1, 2)(
        asio::bind_executor(strand, [&](std::exception_ptr, int) { there = strand.running_in_this_thread(); }));
    BOOST_TEST(run_until([&] { return there; }));
}

BOOST_AUTO_TEST_CASE(bind_executor_to_another_context_makes_the_handler_run_there_alone) {
    asio::io_context other;
    seen<int> result;
    pool.submit(add, 1, 2)(asio::bind_executor(other, result.handler()));
    BOOST_REQUIRE(run_until([&] { return pool.stats().tasks_completed == 1; }));
    BOOST_TEST(!result.over()); // that context has not been run yet
    BOOST_REQUIRE(run_until([&] {
        other.restart();
        other.poll();
        return result.over();
    }));
    BOOST_TEST(*result.value == 3);
}

BOOST_AUTO_TEST_CASE(the_bound_allocators_memory_is_given_back_before_the_handler_runs) {
    memory counts;
    std::ptrdiff_t at_call = -1;
    pool.submit(add, 1, 2)(asio::bind_allocator(counting_allocator<char>(counts),
                                                [&](std::exception_ptr, int) { at_call = counts.bytes; }));
    BOOST_TEST(counts.allocations > 0);
    BOOST_TEST(counts.bytes > 0);
    BOOST_REQUIRE(run_until([&] { return at_call != -1; }));
    BOOST_TEST(at_call == 0);
    BOOST_TEST(counts.bytes == 0);
}

BOOST_AUTO_TEST_CASE(the_bound_allocators_memory_is_given_back_for_batches_and_handles_as_well) {
    memory counts;
    int calls = 0;
    const auto count = [&](auto&&...) {
        BOOST_TEST(counts.bytes == 0);
        ++calls;
    };
    const std::vector<std::pair<int, int>> sums{{1, 2}, {3, 4}};
    pool.starmap(add, sums)(asio::bind_allocator(counting_allocator<char>(counts), count));
    BOOST_TEST(counts.bytes > 0);
    BOOST_REQUIRE(run_until([&] { return calls == 1; }));
    auto handle = pool.submit(add, 1, 2).start();
    handle.result()(asio::bind_allocator(counting_allocator<char>(counts), count));
    BOOST_TEST(counts.bytes > 0);
    BOOST_REQUIRE(run_until([&] { return calls == 2; }));
    pool.close();
    pool.join()(asio::bind_allocator(counting_allocator<char>(counts), count));
    BOOST_TEST(counts.bytes > 0);
    BOOST_REQUIRE(run_until([&] { return calls == 3; }));
    BOOST_TEST(counts.bytes == 0);
}

BOOST_AUTO_TEST_CASE(the_bound_allocators_memory_is_given_back_when_the_operation_fails) {
    memory counts;
    int calls = 0;
    const auto count = [&](std::exception_ptr error, int) {
        BOOST_TEST(bool(error));
        BOOST_TEST(counts.bytes == 0);
        ++calls;
    };
    pool.submit(fail<int>)(asio::bind_allocator(counting_allocator<char>(counts), count));
    BOOST_REQUIRE(run_until([&] { return calls == 1; }));
    pool.terminate();
    pool.submit(add, 1, 2)(asio::bind_allocator(counting_allocator<char>(counts), count));
    BOOST_REQUIRE(run_until([&] { return calls == 2; }));
    BOOST_TEST(counts.allocations > 0);
}

BOOST_AUTO_TEST_CASE(bind_cancellation_slot_calls_the_operation_off) {
    const gate closed;
    asio::cancellation_signal signal;
    seen<int> result;
    pool.submit(pass_gate, closed.path(), 1)(asio::bind_cancellation_slot(signal.slot(), result.handler()));
    BOOST_REQUIRE(run_until([&] { return closed.begun(1); }));
    signal.emit(asio::cancellation_type::terminal);
    BOOST_REQUIRE(run_until([&] { return result.over(); }));
    BOOST_TEST(code_of(result.error) == asio::error::operation_aborted);
    signal.emit(asio::cancellation_type::terminal); // has nothing to do any more
    BOOST_TEST(run(context, pool.submit(add, 1, 2)) == 3);
    BOOST_TEST(result.calls == 1);
}

BOOST_AUTO_TEST_CASE(consign_keeps_its_values_until_the_handler_was_called_and_no_longer) {
    auto kept = std::make_shared<int>(1);
    const std::weak_ptr<int> watch = kept;
    bool alive = false;
    bool over = false;
    auto token = asio::consign(
        [&, watch](std::exception_ptr, int) {
            alive = !watch.expired();
            over = true;
        },
        std::move(kept));
    pool.submit(add, 1, 2)(std::move(token));
    BOOST_TEST(!watch.expired());
    BOOST_REQUIRE(run_until([&] { return over; }));
    BOOST_TEST(alive);
    BOOST_TEST(watch.expired());
}

BOOST_AUTO_TEST_CASE(a_handler_is_called_once_and_moved_at_most_never_copied) {
    struct once {
        once() = default;
        once(once&& other) noexcept : calls(std::exchange(other.calls, nullptr)) {}
        void operator()(std::exception_ptr, int) { ++*calls; }
        int* calls = nullptr;
    };
    int calls = 0;
    once handler;
    handler.calls = &calls;
    pool.submit(add, 1, 2)(std::move(handler));
    BOOST_REQUIRE(run_until([&] { return calls != 0; }));
    BOOST_TEST(run(context, pool.submit(add, 1, 2)) == 3);
    BOOST_TEST(calls == 1);
}

BOOST_AUTO_TEST_SUITE_END()
