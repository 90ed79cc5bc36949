// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Calling off batches of several items.

#include <facade/operations.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <functional>
#include <iterator>
#include <ranges>
#include <string>
#include <vector>

namespace {

using namespace procpool::testing;
using asio::cancellation_type;
using procpool::process_pool;

// Batches of several items -------------------------------------------------------------------------------------------

struct batch_kind {
    const char* name;
    any_operation (*make)(process_pool&, const std::vector<order>&, procpool::batch_options);
};

constexpr batch_kind batch_kinds[] = {
    {"map",
     [](process_pool& pool, const std::vector<order>& items, procpool::batch_options how) -> any_operation {
         return pool.map(behave_as_told, items, how);
     }},
    {"starmap",
     [](process_pool& pool, const std::vector<order>& items, procpool::batch_options how) -> any_operation {
         return pool.starmap(behave, items, how);
     }},
    {"map_settled",
     [](process_pool& pool, const std::vector<order>& items, procpool::batch_options how) -> any_operation {
         return pool.map_settled(behave_as_told, items, how);
     }},
    {"map_reduce",
     [](process_pool& pool, const std::vector<order>& items, procpool::batch_options how) -> any_operation {
         return pool.map_reduce(behave_as_told, items, 0, plus, how);
     }},
};

/// A batch under way, with a task of somebody else's behind it.
class batch_scene {
public:
    batch_scene(const batch_kind& kind, std::size_t workers, std::vector<manner> items, std::size_t chunk_size)
        : workers_(workers), pool_(context_, {.workers = workers, .kill_grace = patience}) {
        std::vector<order> orders;
        for (std::size_t i = 0; i != items.size(); ++i)
            orders.emplace_back(door_.path(), static_cast<int>(i) + 1, items[i]);
        start(kind.make(pool_, orders, {.chunk_size = chunk_size}),
              asio::bind_cancellation_slot(signal_.slot(), result.handler()));
        pool_.submit(plus, 3, 4)(behind_.handler());
        const int running = static_cast<int>(std::min(workers, items.size()));
        BOOST_REQUIRE(run_until([&] {
            for (int who = 1; who <= running; ++who)
                if (!exists("begun-", who))
                    return false;
            return true;
        }));
    }

    bool exists(const char* what, int who) const { return std::filesystem::exists(mark(door_.path(), what, who)); }
    void open() const { door_.open(); }
    void cancel(cancellation_type type) { signal_.emit(type); }
    template <class P>
    bool run_until(P predicate) {
        return run_for(context_, patience, std::move(predicate));
    }

    /// The batch is over, and so is the neighbour, and the pool goes on; so many workers had to be replaced for it.
    void check_end(std::size_t ended_workers) {
        BOOST_TEST(run_until([&] { return result.over() && behind_.over(); }));
        BOOST_TEST(behind_.yielded(7), behind_);
        // All workers that there are to be are needed for these.
        const gate meeting;
        std::deque<fate> later(workers_);
        for (std::size_t i = 0; i != workers_; ++i)
            pool_.submit(behave, meeting.path(), static_cast<int>(i), manner::never_looks)(later[i].handler());
        BOOST_TEST(run_until([&] { return meeting.count() == workers_; }));
        meeting.open();
        BOOST_TEST(run_until(
            [&] { return std::all_of(later.begin(), later.end(), [](const fate& one) { return one.over(); }); }));
        BOOST_TEST(result.calls == 1);
        BOOST_TEST(pool_.stats().workers_died == 0u);
        BOOST_TEST(pool_.stats().workers_started == workers_ + ended_workers);
    }

    fate result;

private:
    const gate door_;
    asio::io_context context_;
    asio::cancellation_signal signal_;
    fate behind_;
    const std::size_t workers_;
    process_pool pool_;
};

template <class Check>
void for_all_batches(Check check) {
    for (const batch_kind& kind : batch_kinds)
        for (const cancellation_type type : all_cancellation_types)
            BOOST_TEST_CONTEXT(kind.name << ", " << name_of(type))
    check(kind, type);
}
} // namespace

BOOST_AUTO_TEST_SUITE(batch_cancellation)

// However a batch is cut up, each item is for itself: it is withdrawn unless it was begun.
BOOST_AUTO_TEST_CASE(of_a_batch_withdraws_the_items_that_were_not_begun) {
    for_all_batches([](const batch_kind& kind, cancellation_type type) {
        for (const std::size_t chunk_size : {0, 1, 4, 6})
            BOOST_TEST_CONTEXT("chunks of " << chunk_size) {
                batch_scene with(kind, 1, std::vector<manner>(6, manner::never_looks), chunk_size);
                with.cancel(type);
                if (type != cancellation_type::terminal)
                    with.open();
                BOOST_REQUIRE(with.run_until([&] { return with.result.over(); }));
                BOOST_TEST(with.result.aborted(), with.result);
                with.open();
                with.check_end(type == cancellation_type::terminal ? 1 : 0);
                BOOST_TEST(with.exists("ended-", 1) == (type != cancellation_type::terminal));
                for (int who = 2; who <= 6; ++who)
                    BOOST_TEST(!with.exists("begun-", who));
            }
    });
}

BOOST_AUTO_TEST_CASE(of_a_batch_all_of_whose_items_run_is_like_that_of_single_tasks) {
    for_all_batches([](const batch_kind& kind, cancellation_type type) {
        batch_scene with(kind, 2, {manner::cooperative, manner::cooperative}, 1);
        with.cancel(type);
        if (type == cancellation_type::total)
            with.open();
        BOOST_REQUIRE(with.run_until([&] { return with.result.over(); }));
        BOOST_TEST(with.result.yielded(type == cancellation_type::total ? 3 : -3), with.result);
        with.check_end(0);
    });
}

BOOST_AUTO_TEST_CASE(of_a_batch_ends_only_the_workers_of_items_that_do_not_end_by_themselves) {
    for_all_batches([](const batch_kind& kind, cancellation_type type) {
        batch_scene with(kind, 2, {manner::cooperative, manner::never_looks}, 1);
        with.cancel(type);
        if (type != cancellation_type::terminal)
            with.open();
        BOOST_REQUIRE(with.run_until([&] { return with.result.over(); }));
        if (type == cancellation_type::terminal)
            BOOST_TEST(with.result.aborted(), with.result);
        else // the first may have seen that the gate is open before it saw that it is to stop
            BOOST_TEST((with.result.yielded(3) || (type == cancellation_type::partial && with.result.yielded(1))),
                       with.result);
        BOOST_TEST(with.exists("ended-", 2) == (type != cancellation_type::terminal));
        with.open();
        with.check_end(type == cancellation_type::terminal ? 1 : 0);
    });
}
BOOST_AUTO_TEST_SUITE_END()
