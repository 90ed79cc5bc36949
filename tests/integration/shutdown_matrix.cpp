// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// close, join, shutdown, terminate and destruction in every order, in every state that a pool can be in, from every
// place. Each time every operation completes exactly once, with its right value or an error that tells why there is
// none, and nothing is left: no child, no descriptor, no thread.

#include <facade/support.hpp>

#include <support/leftovers.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <filesystem>
#include <iterator>
#include <memory>
#include <ranges>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace procpool::testing;
using namespace std::chrono_literals;
using procpool::errc;
using procpool::pool_options;
using procpool::process_pool;

// Tasks -------------------------------------------------------------------------------------------------------------

int triple(int value) {
    return 3 * value;
}

int mark_and_spin(const std::filesystem::path& gate, int who) {
    touch(gate / std::to_string(who));
    // For ever, but after a while it leaves other tests some of the processors.
    for (const auto start = std::chrono::steady_clock::now();;)
        if (std::chrono::steady_clock::now() - start > 1ms)
            std::this_thread::sleep_for(1ms);
    return who;
}

// What is done to a pool --------------------------------------------------------------------------------------------

enum class step : int { close, join, shutdown, terminate };

using steps = std::vector<step>;

/// All orders of up to so many of the four. Destruction comes behind each.
std::vector<steps> all_orders(std::size_t most) {
    std::vector<steps> all{{}};
    for (std::size_t from = 0; from != all.size(); ++from)
        for (const step next : {step::close, step::join, step::shutdown, step::terminate})
            if (all[from].size() != most && std::ranges::find(all[from], next) == all[from].end()) {
                steps longer = all[from];
                longer.push_back(next);
                all.push_back(std::move(longer));
            }
    return all;
}

bool has(const steps& order, step wanted) {
    return std::ranges::find(order, wanted) != order.end();
}

enum class state : int { never_run, starting, idle, busy, spinning, in_a_batch, in_a_stream };

constexpr auto all_states = {state::never_run, state::starting,   state::idle,       state::busy,
                             state::spinning,  state::in_a_batch, state::in_a_stream};

/// What comes behind the steps.
enum class finish : int {
    destroy_at_once,     ///< whatever is under way; then the context runs on, until all is told
    wait_and_destroy,    ///< when all is over, if the steps lead to that
    destroy_with_context ///< both, and nobody runs the context any more
};

constexpr auto all_finishes = {finish::destroy_at_once, finish::wait_and_destroy, finish::destroy_with_context};

/// From where the steps are made, and the pool is destroyed.
enum class place : int {
    between_handlers, ///< by the thread that runs the context
    in_a_handler,     ///< in a completion handler of the pool's own
    on_another_thread ///< while others run the context
};

std::string describe(place where, state now, const steps& order, finish how) {
    constexpr const char* places[] = {"between handlers", "in a handler", "on another thread"};
    constexpr const char* states[] = {"never run", "starting", "idle", "busy", "spinning", "in a batch", "in a stream"};
    constexpr const char* names[] = {"close, ", "join, ", "shutdown, ", "terminate, "};
    constexpr const char* finishes[] = {"destroy", "wait and destroy", "destroy with its context"};
    std::string text = std::string(places[static_cast<int>(where)]) + ", " + states[static_cast<int>(now)] + ": ";
    for (const step one : order)
        text += names[static_cast<int>(one)];
    return text + finishes[static_cast<int>(how)];
}

/// Starting workers is what takes the time here.
bool several_take_part(state now) {
    return now == state::busy || now == state::spinning || now == state::in_a_batch;
}

/// A pool on its way to the end, with all kinds of operations.
class ending {
public:
    ending(asio::io_context& context, state now)
        : state_(now), workers_(several_take_part(now) ? 2 : 1),
          pool_(std::make_unique<process_pool>(context, pool_options{.workers = workers_})) {
        switch (state_) {
        case state::idle:
            submit(1);
            break;
        case state::never_run:
        case state::starting:
        case state::busy:
            submit(100);
            start_batch(100);
            break;
        case state::spinning:
            for (int i = 0; i != static_cast<int>(workers_); ++i)
                pool_->submit(mark_and_spin, gate_.path(), i)(spinning_.emplace_back().handler());
            submit(20);
            start_batch(20);
            break;
        case state::in_a_batch:
            start_batch(5000);
            break;
        case state::in_a_stream:
            stream_.emplace(pool_->imap(triple, std::views::iota(0)));
            take(10);
            break;
        }
    }

    /// Whether the pool is in its state by now.
    bool is_reached() const {
        switch (state_) {
        case state::never_run:
            return true;
        case state::starting:
            return pool_->stats().workers_started != 0;
        case state::idle:
            return singles_.front().what.over() && pool_->stats().workers_idle == workers_;
        case state::busy:
            return pool_->stats().tasks_completed != 0;
        case state::spinning:
            return gate_.count() == workers_;
        case state::in_a_batch:
            return pool_->stats().tasks_completed > 2;
        case state::in_a_stream:
            return taken_.back().over();
        }
        return false;
    }

    /// Makes one step, and then starts one operation more of each kind, for which it may be too late.
    void make(step next) {
        switch (next) {
        case step::close:
            pool_->close();
            break;
        case step::join:
            pool_->join()(waits_.emplace_back().handler());
            break;
        case step::shutdown:
            pool_->shutdown(10ms)(waits_.emplace_back().handler());
            break;
        case step::terminate:
            pool_->terminate();
            break;
        }
        closed_ = closed_ || next != step::join;
        may_be_terminated_ = may_be_terminated_ || next == step::shutdown || next == step::terminate;
        submit(1);
        start_batch(1);
        if (stream_)
            take(1);
    }

    template <class Handler>
    void wait_for_room(Handler handler) {
        pool_->wait_for_room()(std::move(handler));
    }

    /// What is left of the stream is the last thing for which a closed pool may wait.
    void drop_stream() { stream_.reset(); }

    bool workers_are_gone() const {
        const auto now = pool_->stats();
        return now.workers_starting + now.workers_idle + now.workers_busy == 0;
    }

    void destroy(bool all_is_over) {
        may_be_terminated_ = may_be_terminated_ || !all_is_over;
        pool_.reset();
    }

    bool over() const {
        const auto is_over = [](const auto& one) { return one.over(); };
        const auto what_is_over = [](const auto& one) { return one.what.over(); };
        return std::ranges::all_of(singles_, what_is_over) && std::ranges::all_of(batches_, what_is_over) &&
               std::ranges::all_of(spinning_, is_over) && std::ranges::all_of(taken_, is_over) &&
               std::ranges::all_of(waits_, is_over);
    }

    /// Looks at what was told: all of it, unless nobody was there to run the handlers.
    void check(bool all) const {
        int number = 0;
        for (const auto& one : singles_) {
            check_one(one.what, one.late, all, [&](int value) { return value == 3 * number; });
            ++number;
        }
        for (const auto& one : spinning_)
            check_one(one, false, all, [](int) { return false; });
        for (const auto& one : batches_)
            check_one(one.what, one.late, all, [](const std::vector<int>& values) {
                for (std::size_t i = 0; i != values.size(); ++i)
                    if (values[i] != 3 * static_cast<int>(i))
                        return false;
                return !values.empty();
            });
        check_stream(all);
        for (const auto& one : waits_) {
            BOOST_TEST(one.calls <= 1);
            BOOST_TEST((one.over() || !all));
            BOOST_TEST(!one.error, text_of(one.error));
        }
    }

private:
    template <class R>
    struct operation {
        bool late; ///< begun when the pool was closed
        seen<R> what;
        explicit operation(bool closed) : late(closed) {}
    };

    void submit(int count) {
        for (int i = 0; i != count; ++i) {
            const int value = static_cast<int>(singles_.size());
            pool_->submit(triple, value)(singles_.emplace_back(closed_).what.handler());
        }
    }

    void start_batch(int count) {
        pool_->map(triple, std::views::iota(0, count),
                   {.chunk_size = 5})(batches_.emplace_back(closed_).what.handler());
    }

    void take(int count) {
        for (int i = 0; i != count; ++i)
            stream_->next()(taken_.emplace_back().handler());
    }

    template <class R, class Right>
    void check_one(const seen<R>& one, bool late, bool all, Right is_right) const {
        BOOST_TEST(one.calls <= 1);
        if (!one.over()) {
            BOOST_TEST(!all, "nobody was told");
        } else if (one.error) {
            const auto code = code_of(one.error);
            BOOST_TEST(((code == errc::pool_closed && late) || (code == errc::pool_terminated && may_be_terminated_)),
                       text_of(one.error));
        } else {
            BOOST_TEST(!late, "it was accepted after the pool was closed");
            BOOST_TEST(is_right(one.value.value()), "it has a wrong value");
        }
    }

    /// A stream that there is goes on when its pool is closed. It ends with its pool, or when it is dropped.
    void check_stream(bool all) const {
        int item = 0;
        bool ended = false;
        for (const auto& one : taken_) {
            BOOST_TEST(one.calls <= 1);
            BOOST_TEST((one.over() || !all));
            if (one.error) {
                const auto code = code_of(one.error);
                BOOST_TEST(
                    ((code == errc::pool_terminated && may_be_terminated_) || code == asio::error::operation_aborted),
                    text_of(one.error));
            } else if (one.over()) {
                ended = ended || !one.value->has_value();
                BOOST_TEST((ended ? !one.value->has_value() : one.value->value() == 3 * item));
            }
            ++item;
        }
        BOOST_TEST((!ended || may_be_terminated_), "the stream ends by itself");
    }

    state state_;
    std::size_t workers_;
    gate gate_;
    bool closed_ = false;
    bool may_be_terminated_ = false;
    std::deque<operation<int>> singles_;
    std::deque<operation<std::vector<int>>> batches_;
    std::deque<seen<int>> spinning_;
    std::deque<seen<std::optional<int>>> taken_;
    std::deque<seen<void>> waits_;
    std::unique_ptr<process_pool> pool_;
    std::optional<procpool::result_stream<int>> stream_;
};

/// Whether a pool in that state comes to its end by these steps.
bool leads_to_the_end(state now, const steps& order) {
    const bool ends = has(order, step::shutdown) || has(order, step::terminate);
    return ends || (has(order, step::close) && now != state::spinning);
}

/// This process's children, descriptors and threads. (`leftovers` knows more, but looks at every process of the
/// machine, and there are more than a thousand runs.)
std::string own_things() {
    std::string all = ::waitid(P_ALL, 0, nullptr, WEXITED | WNOHANG | WNOWAIT) == 0 ? "children, " : "";
    for (const char* const folder : {"/proc/self/fd", "/proc/self/task"}) {
        const std::filesystem::directory_iterator entries(folder);
        all += std::to_string(std::distance(begin(entries), end(entries))) + " in " + folder + ", ";
    }
    return all;
}

/// One pool's end.
class run_of_ending {
public:
    run_of_ending(place where, state now, const steps& order, finish how)
        : where_(where), order_(order), how_(how), all_is_over_(how == finish::wait_and_destroy) {
        context_.emplace();
        { const asio::steady_timer timer(*context_); } // now the context has its own descriptors
        const std::string before = own_things();
        what_.emplace(*context_, now);
        if (now != state::never_run)
            BOOST_TEST_REQUIRE(run_until([&] { return what_->is_reached(); }));
        switch (where_) {
        case place::between_handlers:
            make_steps();
            wait_if_wanted();
            what_->destroy(all_is_over_);
            break;
        case place::in_a_handler:
            end_in_handler();
            break;
        case place::on_another_thread:
            end_beside_the_context();
            break;
        }
        what_->drop_stream();
        BOOST_TEST(wait_until([&] { return own_things() == before; }), "before: " << before << "now: " << own_things());
        tell_the_rest();
    }

private:
    template <class P>
    bool run_until(P predicate) {
        return run_for(*context_, patience, predicate);
    }

    void make_steps() {
        for (const step next : order_)
            what_->make(next);
    }

    bool is_over() const { return what_->over() && what_->workers_are_gone(); }

    void wait_if_wanted() {
        if (!all_is_over_)
            return;
        what_->drop_stream();
        BOOST_TEST(run_until([&] { return is_over(); }));
    }

    // There is always room in this pool, so waiting for it has a completion handler, in which to make the steps, at
    // once.
    void end_in_handler() {
        bool done = false;
        what_->wait_for_room([&](std::exception_ptr) {
            make_steps();
            if (!all_is_over_)
                what_->destroy(false);
            done = true;
        });
        BOOST_TEST(run_until([&] { return done; }));
        if (all_is_over_) {
            wait_if_wanted();
            what_->destroy(true);
        }
    }

    void end_beside_the_context() {
        auto work = asio::make_work_guard(*context_);
        std::thread one([&] { context_->run(); });
        std::thread two([&] { context_->run(); });
        make_steps();
        if (all_is_over_) {
            what_->drop_stream();
            BOOST_TEST(wait_until([&] { return is_over(); }, patience));
        }
        what_->destroy(all_is_over_);
        if (how_ == finish::destroy_with_context)
            context_->stop();
        else
            BOOST_TEST(wait_until([&] { return what_->over(); }, patience));
        work.reset();
        one.join();
        two.join();
    }

    void tell_the_rest() {
        const bool nobody_runs_it = how_ == finish::destroy_with_context;
        if (!nobody_runs_it)
            BOOST_TEST(run_until([&] { return what_->over(); }), "an operation is never told");
        if (!nobody_runs_it)
            BOOST_TEST(run_for(*context_, patience), "the context never runs out of work");
        context_.reset();
        what_->check(!nobody_runs_it);
    }

    std::optional<asio::io_context> context_;
    std::optional<ending> what_;
    place where_;
    const steps& order_;
    finish how_;
    bool all_is_over_;
};

// Where starting a worker takes many times as long, orders of one step less have to do.
#ifdef PROCPOOL_TEST_SANITIZED
constexpr std::size_t fewer = 1;
#else
constexpr std::size_t fewer = 0;
#endif

void check_all(place where, std::size_t most_steps) {
    const leftovers before = leftovers::now();
    for (const state now : all_states)
        for (const steps& order : all_orders(most_steps - fewer))
            for (const finish how : all_finishes)
                if (how != finish::wait_and_destroy || leads_to_the_end(now, order))
                    BOOST_TEST_CONTEXT(describe(where, now, order, how))
    run_of_ending(where, now, order, how);
}

} // namespace

BOOST_AUTO_TEST_SUITE(shutdown_matrix)

BOOST_AUTO_TEST_CASE(every_order_in_every_state) {
    check_all(place::between_handlers, 3);
}

BOOST_AUTO_TEST_CASE(every_order_in_every_state_in_a_completion_handler) {
    check_all(place::in_a_handler, 2);
}

BOOST_AUTO_TEST_CASE(every_order_in_every_state_by_another_thread_than_those_that_run_the_context) {
    check_all(place::on_another_thread, 2);
}

BOOST_AUTO_TEST_SUITE_END()
