// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Everything that can go wrong with a task, at every place where code of the program runs for it: {it throws, calls
// exit, segfaults, is killed, spins} while {its arguments are encoded and decoded, it runs, its result is encoded and
// decoded, its arguments are destroyed, before and after the result has left}. Each time that operation alone fails,
// with the right error; all others complete with their right values; and the pool is at full strength again.

#include <facade/support.hpp>
#include <integration/crash_cells.hpp>

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <ranges>
#include <utility>
#include <vector>

#include <signal.h>

namespace {

using namespace procpool::testing;
using namespace procpool::testing::crash_cells;
using namespace std::chrono_literals;
using procpool::errc;
using procpool::process_pool;
using procpool::task_phase;

int add(int left, int right) {
    return left + right;
}

enum class form { call, map, settled, stream };

std::ostream& operator<<(std::ostream& out, form as) {
    constexpr const char* names[] = {"a call", "an item of map", "an item of map_settled", "an item of imap"};
    return out << names[static_cast<int>(as)];
}

/// How a cell is brought to a pool.
struct manner {
    form as = form::call;
    std::size_t chunk = 1;
    unsigned retries = 0;
};

constexpr std::size_t items = 12;
constexpr std::size_t bad_item = 5;

// Only what spins has a limit, for on a busy machine even a task that does nothing takes some time. Its limit is also
// that of the other items, which must not hit it; a call is alone with it.
constexpr auto limit_of_items = 1s;
constexpr auto limit_of_calls = 30ms;

/// Where the worker says that it was. An item's arguments are gone before its result is encoded if its failure ends the
/// batch.
task_phase phase_of(const cell& what, form as) {
    switch (what.where) {
    case place::arguments_decoded:
        return task_phase::decoding;
    case place::task_runs:
        return task_phase::running;
    case place::argument_destroyed:
        return as == form::map ? task_phase::running : task_phase::encoding;
    default:
        return task_phase::encoding;
    }
}

/// One operation in which something happens, and others beside it.
class trial {
public:
    trial(process_pool& pool, cell what, manner how) : pool_(pool), what_(std::move(what)), how_(how) {
        // Clang forgets to destroy a result that is made already when an argument's destructor throws, so nothing in it may
        // need that.
        if (what_.where == place::result_has_left)
            what_.gate = gate_.path().string();
    }
    trial(const trial&) = delete;
    trial& operator=(const trial&) = delete;

    /// The function is called in the completion handler of what failed.
    void start(std::function<void()> when_over) {
        when_over_ = std::move(when_over);
        for (int i = 0; i != beside; ++i) {
            start_other(i);
            if (i == beside / 2)
                start_bad();
        }
        pool_.map(std::negate<>{}, std::views::iota(0, 20)).timeout(0ms)(batch_beside_.handler());
    }

    /// Whether the operation that fails is over, and all beside it are.
    bool over() const {
        return over_ && batch_beside_.over() &&
               std::ranges::all_of(others_, [](const auto& one) { return one.over(); });
    }

    /// To be called when it is over: lets the rest of it happen, which must not disturb anybody.
    void open_gate() const { gate_.open(); }

    /// How many workers end of it.
    unsigned deaths() const {
        if (ends_later())
            return 1; // a thread that throws ends its process
        if (!what_.in_worker() || what_.how == fate::throws || what_.how == fate::spins)
            return 0; // a worker that is ended because its task took too long did not die
        return std::min(what_.runs, how_.retries + 1);
    }

    /// Whether the worker ends of it at some time after the operation is over.
    bool ends_later() const { return what_.where == place::result_has_left; }

    void check() {
        BOOST_TEST_CONTEXT(what_ << ", in " << how_.as << ", chunks of " << how_.chunk << ", " << how_.retries
                                 << " retries, in " << what_.runs << " runs") {
            check_others();
            BOOST_TEST_REQUIRE(results_.size() == (how_.as == form::call ? 1u : items + (how_.as == form::stream)));
            if (how_.as == form::call)
                check_result(results_[0], bad_item, true);
            else
                check_items();
        }
    }

private:
    struct result {
        std::exception_ptr error;
        std::optional<int> value;
    };

    static constexpr int beside = 8;

    void start_other(int i) { pool_.submit(add, i, 1).timeout(0ms)(others_.emplace_back().handler()); }

    void start_bad() {
        switch (how_.as) {
        case form::call:
            pool_.submit(work, bomb(bad_item, what_))
                .timeout(what_.how == fate::spins ? limit_of_calls : 0ms)
                .retries(how_.retries)([this](std::exception_ptr error, answer got) {
                    results_.push_back({std::move(error), got.value});
                    end();
                });
            break;
        case form::map:
            pool_.map(work, arguments(), {.chunk_size = how_.chunk})
                .timeout(what_.how == fate::spins ? limit_of_items : 0ms)
                .retries(how_.retries)([this](std::exception_ptr error, std::vector<answer> got) {
                    for (std::size_t item = 0; item != items; ++item)
                        results_.push_back({error, item < got.size() ? got[item].value : 0});
                    end();
                });
            break;
        case form::settled:
            pool_.map_settled(work, arguments(), {.chunk_size = how_.chunk})
                .timeout(what_.how == fate::spins ? limit_of_items : 0ms)
                .retries(how_.retries)([this](std::exception_ptr error, std::vector<procpool::outcome<answer>> got) {
                    for (std::size_t item = 0; item != items; ++item)
                        if (error)
                            results_.push_back({error, 0});
                        else if (got.at(item).has_error())
                            results_.push_back({got[item].error(), 0});
                        else
                            results_.push_back({nullptr, got[item].value().value});
                    end();
                });
            break;
        case form::stream: // whose limit is the pool's
            stream_.emplace(pool_.imap(work, arguments(), {.chunk_size = how_.chunk}));
            for (std::size_t item = 0; item != items + 1; ++item)
                stream_->next()([this](std::exception_ptr error, std::optional<answer> got) {
                    results_.push_back({std::move(error), got ? std::optional(got->value) : std::nullopt});
                    if (results_.size() == items + 1)
                        end();
                });
            break;
        }
    }

    std::vector<bomb> arguments() const {
        std::vector<bomb> all;
        for (std::size_t item = 0; item != items; ++item)
            all.emplace_back(static_cast<int>(item), item == bad_item ? what_ : cell{});
        return all;
    }

    void end() {
        BOOST_TEST(!over_, "it completes twice");
        over_ = true;
        when_over_();
    }

    void check_others() const {
        for (int i = 0; i != beside; ++i) {
            const auto& one = others_[static_cast<std::size_t>(i)];
            BOOST_TEST(one.calls == 1);
            BOOST_TEST(!one.error, text_of(one.error));
            BOOST_TEST(one.value.value_or(-1) == i + 1);
        }
        BOOST_TEST(batch_beside_.calls == 1);
        BOOST_TEST(!batch_beside_.error, text_of(batch_beside_.error));
        for (int i = 0; i != 20; ++i)
            BOOST_TEST(batch_beside_.value.value().at(static_cast<std::size_t>(i)) == -i);
    }

    void check_items() const {
        const bool as_a_whole =
            how_.as == form::map || (how_.as == form::settled && what_.where == place::arguments_encoded);
        for (std::size_t item = 0; item != items; ++item)
            BOOST_TEST_CONTEXT("item " << item)
        check_result(results_[item], item, item == bad_item || as_a_whole);
        if (how_.as == form::stream)
            BOOST_TEST((!results_[items].error && !results_[items].value), "there is something after its end");
    }

    void check_result(const result& got, std::size_t item, bool bad) const {
        if (!bad || succeeds()) {
            BOOST_TEST(!got.error, "it failed: " << text_of(got.error));
            BOOST_TEST(got.value.value_or(-1) == expected_of(static_cast<int>(item)));
            return;
        }
        BOOST_TEST_REQUIRE(static_cast<bool>(got.error), "it did not fail");
        if (what_.how == fate::throws) {
            BOOST_CHECK_THROW(std::rethrow_exception(got.error), std::domain_error);
            BOOST_TEST(text_of(got.error) == what_is_thrown);
        } else if (what_.how == fate::spins) {
            BOOST_TEST(code_of(got.error) == errc::timed_out);
        } else {
            check_death(got.error);
        }
        // An outcome's place tells which it is. What the program itself throws while it decodes is thrown as it is.
        if ((how_.as == form::map || how_.as == form::stream) && what_.in_worker())
            check_index(got.error);
    }

    bool succeeds() const { return ends_later() || (deaths() != 0 && what_.runs <= how_.retries); }

    void check_death(const std::exception_ptr& error) const {
        BOOST_TEST(code_of(error) == errc::worker_died);
        try {
            std::rethrow_exception(error);
        } catch (const procpool::worker_died& died) {
            const procpool::post_mortem& found = died.details();
            const int signal = what_.how == fate::segfaults ? SIGSEGV : what_.how == fate::is_killed ? SIGKILL : 0;
            BOOST_TEST(found.exit_code.value_or(0) == (signal == 0 ? exit_code : 0));
            BOOST_TEST(found.signal.value_or(0) == signal);
            BOOST_TEST(procpool::to_string(found.phase) == procpool::to_string(phase_of(what_, how_.as)));
            BOOST_TEST(found.attempt == how_.retries + 1);
            BOOST_TEST(found.pid > 0);
        } catch (...) {
            BOOST_ERROR("it has no post-mortem");
        }
    }

    static void check_index(const std::exception_ptr& error) {
        try {
            std::rethrow_exception(error);
        } catch (const procpool::failed_item& failed) {
            BOOST_TEST(failed.index() == bad_item);
        } catch (...) {
            BOOST_ERROR("its error does not tell the item: " << text_of(error));
        }
    }

    process_pool& pool_;
    cell what_;
    manner how_;
    gate gate_;
    std::function<void()> when_over_;
    std::deque<seen<int>> others_;
    seen<std::vector<int>> batch_beside_;
    std::vector<result> results_;
    std::optional<procpool::result_stream<answer>> stream_;
    bool over_ = false;
};

/// A pool in which things go wrong.
class scene {
public:
    explicit scene(std::size_t workers, std::chrono::milliseconds limit = 0ms)
        : workers_(workers), pool_(context_, {.workers = workers, .task_timeout = limit, .kill_grace = 100ms}) {}

    process_pool& pool() { return pool_; }
    trial& add(cell what, manner how) { return trials_.emplace_back(pool_, std::move(what), how); }

    /// Runs until all that was started is over, lets go wrong what is to go wrong afterwards, and looks at everything.
    void finish() {
        BOOST_TEST_REQUIRE(run_for(context_, patience,
                                   [&] { return std::ranges::all_of(trials_, [](auto& one) { return one.over(); }); }),
                           "an operation never completes");
        unsigned deaths = 0;
        unsigned later_deaths =
            0; // of which several may concern the same worker, or one that died of something else first
        for (trial& one : trials_) {
            one.check();
            one.open_gate();
            (one.ends_later() ? later_deaths : deaths) += one.deaths();
        }
        const std::uint64_t least = before_ + deaths + (trials_.size() == 1 ? later_deaths : 0);
        BOOST_TEST(run_for(context_, patience, [&] { return pool_.stats().workers_died >= least; }));
        trials_.clear();
        BOOST_TEST(run_for(context_, patience, [&] { return pool_.stats().workers_idle == workers_; }),
                   "the pool is not at full strength again");
        BOOST_TEST(pool_.stats().workers_died >= least);
        BOOST_TEST(pool_.stats().workers_died <= before_ + deaths + later_deaths);
        before_ = pool_.stats().workers_died;
    }

private:
    std::size_t workers_;
    asio::io_context context_;
    std::deque<trial> trials_;
    process_pool pool_;
    std::uint64_t before_ = 0; ///< so many workers had died before
};

constexpr std::size_t numbers_of_workers[] = {1, 2, 5, 13};

/// Each cell by itself, and the pool at full strength again after each.
void check_one_after_the_other(const std::vector<cell>& cells, manner how, std::size_t workers) {
    scene here(workers);
    for (const cell& one : cells) {
        here.add(one, how).start([] {});
        here.finish();
    }
}

/// Each cell begins in the completion handler of the one before.
void check_from_handlers(const std::vector<cell>& cells, manner how, std::size_t workers) {
    scene here(workers);
    std::vector<trial*> all;
    for (const cell& one : cells)
        all.push_back(&here.add(one, how));
    std::size_t next = 0;
    const std::function<void()> go_on = [&] {
        if (next != all.size())
            all[next++]->start(go_on);
    };
    go_on();
    here.finish();
}

/// All cells at once, in any order, several times over.
void check_all_at_once(std::vector<cell> cells, std::size_t workers) {
    const unsigned seed = std::random_device{}();
    BOOST_TEST_CONTEXT("seed " << seed << ", " << workers << " workers") {
        std::mt19937 random(seed);
        scene here(workers);
        for (int round = 0; round != 2; ++round) {
            std::ranges::shuffle(cells, random);
            for (const cell& one : cells)
                here.add(one, {}).start([] {});
            here.finish();
        }
    }
}

std::vector<cell> without_spinning(std::vector<cell> cells) {
    std::erase_if(cells, [](const cell& one) { return one.how == fate::spins; });
    return cells;
}

std::vector<cell> spinning() {
    auto cells = all_cells();
    std::erase_if(cells, [](const cell& one) { return one.how != fate::spins; });
    return cells;
}

} // namespace

BOOST_AUTO_TEST_SUITE(crash_matrix)

BOOST_AUTO_TEST_CASE(every_way_to_go_wrong_at_every_place_fails_that_call_alone) {
    for (const std::size_t workers : numbers_of_workers)
        check_one_after_the_other(all_cells(), {}, workers);
}

BOOST_AUTO_TEST_CASE(every_way_to_go_wrong_from_inside_the_completion_handler_of_the_one_before) {
    for (const std::size_t workers : numbers_of_workers)
        check_from_handlers(all_cells(), {}, workers);
}

BOOST_AUTO_TEST_CASE(every_way_to_go_wrong_at_once_with_workers_of_every_number) {
    for (const std::size_t workers : numbers_of_workers)
        check_all_at_once(all_cells(), workers);
}

BOOST_AUTO_TEST_CASE(every_way_to_go_wrong_in_a_batch_or_a_stream_fails_that_item_alone) {
    for (const form as : {form::map, form::settled, form::stream})
        for (const std::size_t chunk : {std::size_t{1}, std::size_t{4}, items})
            check_one_after_the_other(without_spinning(all_cells()), {as, chunk, 0}, 2);
}

BOOST_AUTO_TEST_CASE(an_item_that_spins_fails_alone) {
    scene here(4, limit_of_items);
    for (const cell& one : spinning()) {
        for (const form as : {form::map, form::settled, form::stream})
            here.add(one, {as, 4, 0}).start([] {});
        here.finish();
    }
}

BOOST_AUTO_TEST_CASE(batches_and_streams_that_go_wrong_from_inside_the_completion_handler_of_the_one_before) {
    for (const form as : {form::map, form::settled, form::stream})
        check_from_handlers(without_spinning(all_cells()), {as, 4, 0}, 2);
}

// A stream has no retries.
BOOST_AUTO_TEST_CASE(what_may_run_again_does_and_knows_which_run_it_is_and_the_last_death_tells_too) {
    for (const form as : {form::call, form::map, form::settled})
        for (const unsigned runs : {2u, 3u, 4u}) {
            auto cells = deadly_cells();
            for (cell& one : cells)
                one.runs = runs;
            check_one_after_the_other(cells, {as, 4, 2}, 2);
        }
}

BOOST_AUTO_TEST_CASE(what_is_no_death_is_not_run_again) {
    std::vector<cell> cells;
    std::ranges::copy_if(all_cells(), std::back_inserter(cells), [](const cell& one) {
        return one.how == fate::throws || (one.how == fate::spins && one.where == place::task_runs);
    });
    check_one_after_the_other(cells, {form::call, 1, 3}, 2);
}

BOOST_AUTO_TEST_SUITE_END()
