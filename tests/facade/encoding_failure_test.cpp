// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Values whose own serialize fails, at each of the four places where it is called.

#include <facade/support.hpp>

#include <boost/serialization/split_member.hpp>

#include <vector>

#include <unistd.h>

namespace {

using namespace procpool::testing;
using procpool::process_pool;

enum class place : int { nowhere, save_in_caller, load_in_worker, save_in_worker, load_in_caller };

/// A value that fails to be encoded or decoded where it is told to.
struct fragile {
    place breaks = place::nowhere;
    bool dies = false;

    template <class Archive>
    void save(Archive& archive, unsigned) const {
        break_at(procpool::is_worker() ? place::save_in_worker : place::save_in_caller);
        archive << breaks << dies;
    }
    template <class Archive>
    void load(Archive& archive, unsigned) {
        archive >> breaks >> dies;
        break_at(procpool::is_worker() ? place::load_in_worker : place::load_in_caller);
    }
    BOOST_SERIALIZATION_SPLIT_MEMBER()

private:
    void break_at(place here) const {
        if (breaks != here)
            return;
        if (dies)
            ::_exit(9);
        throw std::range_error("broken at place " + std::to_string(static_cast<int>(here)));
    }
};

int take(const fragile&) {
    return 1;
}

fragile give(int breaks, bool dies) {
    return {static_cast<place>(breaks), dies};
}

fragile through(const fragile& value) {
    return value;
}

int add(int left, int right) {
    return left + right;
}

struct fragile_function {
    fragile inside;
    int operator()(int value) const { return value; }
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& inside;
    }
};

/// The operation fails with the error of `here`, and those before and after it complete.
template <class R>
void check_breaks(one_worker& with, procpool::submission<R> operation, place here) {
    seen<int> before;
    seen<R> result;
    seen<int> after;
    with.pool.submit(add, 1, 2)(before.handler());
    std::move(operation)(result.handler());
    with.pool.submit(add, 3, 4)(after.handler());
    BOOST_REQUIRE(with.run_until([&] { return before.over() && result.over() && after.over(); }));
    BOOST_TEST(!before.error);
    BOOST_TEST(*before.value == 3);
    BOOST_TEST(!after.error);
    BOOST_TEST(*after.value == 7);
    BOOST_REQUIRE(result.error);
    BOOST_CHECK_THROW(std::rethrow_exception(result.error), std::range_error);
    BOOST_TEST(text_of(result.error) == "broken at place " + std::to_string(static_cast<int>(here)));
    BOOST_TEST(result.calls == 1);
    BOOST_TEST(with.pool.stats().workers_started == 1u);
}

constexpr auto all_places = {place::save_in_caller, place::load_in_worker, place::save_in_worker,
                             place::load_in_caller};

} // namespace

BOOST_FIXTURE_TEST_SUITE(encoding_failure, one_worker)

BOOST_AUTO_TEST_CASE(of_nothing_at_all) {
    BOOST_TEST(run(context, pool.submit(take, fragile{})) == 1);
    BOOST_TEST((run(context, pool.submit(through, fragile{})).breaks == place::nowhere));
}

BOOST_AUTO_TEST_CASE(of_an_argument_in_the_caller) {
    check_breaks(*this, pool.submit(take, fragile{place::save_in_caller}), place::save_in_caller);
}

BOOST_AUTO_TEST_CASE(of_an_argument_in_the_worker) {
    check_breaks(*this, pool.submit(take, fragile{place::load_in_worker}), place::load_in_worker);
}

BOOST_AUTO_TEST_CASE(of_the_result_in_the_worker) {
    check_breaks(*this, pool.submit(give, static_cast<int>(place::save_in_worker), false), place::save_in_worker);
}

BOOST_AUTO_TEST_CASE(of_the_result_in_the_caller) {
    check_breaks(*this, pool.submit(give, static_cast<int>(place::load_in_caller), false), place::load_in_caller);
}

BOOST_AUTO_TEST_CASE(of_a_value_that_goes_through) {
    for (const place here : all_places)
        check_breaks(*this, pool.submit(through, fragile{here}), here);
}

BOOST_AUTO_TEST_CASE(of_the_function_itself) {
    check_breaks(*this, pool.submit(fragile_function{{place::save_in_caller}}, 1), place::save_in_caller);
    check_breaks(*this, pool.submit(fragile_function{{place::load_in_worker}}, 1), place::load_in_worker);
}

BOOST_AUTO_TEST_CASE(of_one_item_of_a_batch) {
    for (const place here : all_places)
        for (const std::size_t chunk : {1u, 3u, 100u}) {
            std::vector<fragile> items(10);
            items[4].breaks = here;
            check_breaks(*this, pool.map(through, items, {.chunk_size = chunk}), here);
        }
}

BOOST_AUTO_TEST_CASE(of_a_handles_operation) {
    for (const place here : all_places) {
        auto handle = pool.submit(through, fragile{here}).start();
        BOOST_REQUIRE(run_until([&] { return handle.ready(); }));
        BOOST_TEST(!handle.successful());
        BOOST_CHECK_THROW(handle.get(), std::range_error);
    }
}

BOOST_AUTO_TEST_CASE(is_counted_as_a_failed_task) {
    for (const place here : all_places)
        run_to_error(context, pool.submit(through, fragile{here}));
    const auto stats = pool.stats();
    BOOST_TEST(stats.tasks_submitted == stats.tasks_completed + stats.tasks_failed);
    BOOST_TEST(stats.tasks_failed >= 3u);
}

BOOST_AUTO_TEST_CASE(by_death_says_in_which_phase_the_worker_was) {
    const auto phase_of = [&](auto operation) {
        try {
            run(context, std::move(operation));
            BOOST_FAIL("the worker did not die");
        } catch (const procpool::worker_died& error) {
            BOOST_TEST(error.details().exit_code.value_or(0) == 9);
            return error.details().phase;
        }
        return procpool::task_phase::unknown;
    };
    BOOST_TEST((phase_of(pool.submit(take, fragile{place::load_in_worker, true})) == procpool::task_phase::decoding));
    BOOST_TEST(
        (phase_of(pool.submit(give, static_cast<int>(place::save_in_worker), true)) == procpool::task_phase::encoding));
    BOOST_TEST(run(context, pool.submit(add, 1, 2)) == 3);
}

BOOST_AUTO_TEST_SUITE_END()
