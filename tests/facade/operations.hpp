// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_FACADE_OPERATIONS_HPP
#define PROCPOOL_TESTS_FACADE_OPERATIONS_HPP

#include <facade/support.hpp>

#include <csignal>
#include <functional>
#include <memory>
#include <numeric>
#include <ostream>
#include <ranges>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

// All asynchronous operations that a pool has, each with one task behind it, under one type: for tests of what has to hold for
// every one of them.

namespace procpool::testing {

// The task -----------------------------------------------------------------------------------------------------------

/// What a task does once it has begun, until the gate is open.
enum class manner {
    never_looks,     ///< whether it is to stop
    cooperative,     ///< ends when it is asked to, and then returns its number negated
    throws,          ///< throws when it is asked to stop
    stubborn,        ///< looks whether it is to stop, and goes on
    deaf_to_SIGTERM, ///< and never looks
    fails,           ///< throws at once
};

/// Where a task leaves word, its number, and what it is to do.
using order = std::tuple<std::filesystem::path, int, manner>;

inline std::filesystem::path mark(const std::filesystem::path& gate, const char* what, int who) {
    return gate / (what + std::to_string(who));
}

/// A task: begins, does as it is told, and returns its number.
inline int behave(const std::filesystem::path& gate, int who, manner how) {
    if (how == manner::deaf_to_SIGTERM)
        std::signal(SIGTERM, SIG_IGN);
    const bool looks = how == manner::cooperative || how == manner::throws || how == manner::stubborn;
    bool asked = looks && this_task::stop_requested(); // the first time before anybody knows that it has begun
    touch(mark(gate, "begun-", who));
    if (how == manner::fails)
        throw std::domain_error("failed as it was told");
    const bool over = wait_until(
        [&] {
            if (looks && !asked && this_task::stop_requested()) {
                asked = true;
                touch(mark(gate, "asked-", who));
            }
            return (asked && how != manner::stubborn) || std::filesystem::exists(gate / "open");
        },
        2 * patience);
    if (!over)
        throw std::runtime_error("the gate was never opened");
    if (asked && how == manner::throws)
        throw std::domain_error("asked to stop");
    touch(mark(gate, "ended-", who));
    return asked && how == manner::cooperative ? -who : who;
}

/// The same, for what calls a function with one argument.
inline int behave_as_told(const order& what) {
    return std::apply(behave, what);
}

// What became of an operation ----------------------------------------------------------------------------------------

// One number for each kind of value: of several, the sum.
inline int number_in(int value) {
    return value;
}
inline int number_in(const std::vector<int>& values) {
    return std::accumulate(values.begin(), values.end(), 0);
}
inline int number_in(const std::vector<outcome<int>>& outcomes) {
    int sum = 0;
    for (const outcome<int>& one : outcomes)
        sum += one.has_value() ? *one : 0;
    return sum;
}
inline int number_in(const std::optional<int>& value) {
    return value.value_or(0);
}
inline int number_in(std::optional<task_handle<int>> handle) {
    return handle && handle->ready() && handle->successful() ? handle->get() : 0;
}

/// What an operation completed with, and how often.
struct fate {
    std::atomic<int> calls = 0;
    std::exception_ptr error;
    std::optional<int> number; ///< none if the operation has no value

    void told(std::exception_ptr e) {
        error = std::move(e);
        ++calls;
    }
    template <class V>
    void told(std::exception_ptr e, V&& value) {
        if (!e)
            number = number_in(std::forward<V>(value));
        told(std::move(e));
    }

    auto handler() {
        return [this](std::exception_ptr e, auto&&... value) {
            told(std::move(e), std::forward<decltype(value)>(value)...);
        };
    }
    bool over() const { return calls != 0; }
    bool aborted() const { return code_of(error) == asio::error::operation_aborted; }
    /// Whether it completed with that number, or at least without an error if it has no value.
    bool yielded(int who) const { return over() && !error && number.value_or(who) == who; }
};

inline std::ostream& boost_test_print_type(std::ostream& out, const fate& what) {
    out << "called " << what.calls << " times";
    if (what.number)
        out << " with " << *what.number;
    return what.error ? out << ", error: " << text_of(what.error) : out;
}

// The operations -----------------------------------------------------------------------------------------------------

/// An operation of any kind that nobody has started yet.
using any_operation =
    std::variant<submission<int>, submission<void>, submission<std::vector<int>>, submission<std::vector<outcome<int>>>,
                 submission<std::optional<int>>, submission<std::optional<task_handle<int>>>>;

template <class Token>
void start(any_operation operation, Token&& token) {
    std::visit([&](auto& one) { std::move(one)(std::forward<Token>(token)); }, operation);
}

/// Runs the context until the operation is over.
inline void run_to_end(asio::io_context& context, any_operation operation, fate& what) {
    start(std::move(operation), what.handler());
    BOOST_REQUIRE(run_for(context, patience, [&] { return what.over(); }));
}

/// One operation of a pool and the task that it does or waits for.
/**
 * `again` makes operations: the first is the one to test. Of those that only wait, all wait for the same.
 */
struct subject {
    std::function<any_operation()> again;
    std::optional<task_handle<int>> task; ///< if that was started before the operation
};

struct nature {
    bool works = false;           ///< it is the task; otherwise it waits for one, which cancelling it must not touch
    bool starts_task = false;     ///< the task is submitted by starting the operation, not before
    bool closes = false;          ///< making the operation closes the pool
    bool needs_full_pool = false; ///< or it is over at once
    bool is_stream = false;       ///< each operation gets another result
    bool tells_failure = false;   ///< what the task throws is the operation's error
};

/// One kind of operation.
struct operation_kind : nature {
    const char* name;
    std::function<subject(process_pool&, const order&)> make;
};

inline std::ostream& operator<<(std::ostream& out, const operation_kind& kind) {
    return out << kind.name;
}

inline int plus(int left, int right) {
    return left + right;
}

namespace making {

inline std::vector<order> alone(const order& what) {
    return {what};
}

template <class Stream>
subject with_stream(Stream stream) {
    return {[kept = std::make_shared<Stream>(std::move(stream))]() -> any_operation { return kept->next(); }, {}};
}

template <class Make>
subject with_task(process_pool& pool, const order& what, Make make) {
    auto task = pool.submit(behave_as_told, what).start();
    return {[&pool, task, make]() -> any_operation { return make(pool, task); }, task};
}

} // namespace making

/// All kinds.
inline const std::vector<operation_kind>& all_kinds() {
    using namespace making;
    using handle = task_handle<int>;
    static const std::vector<operation_kind> kinds{
        {{.works = true, .starts_task = true, .tells_failure = true},
         "submit",
         [](process_pool& pool, const order& what) -> subject {
             return {[&pool, what]() -> any_operation { return pool.submit(behave_as_told, what); }, {}};
         }},
        {{.works = true, .starts_task = true, .tells_failure = true},
         "map",
         [](process_pool& pool, const order& what) -> subject {
             return {[&pool, what]() -> any_operation { return pool.map(behave_as_told, alone(what)); }, {}};
         }},
        {{.works = true, .starts_task = true, .tells_failure = true},
         "starmap",
         [](process_pool& pool, const order& what) -> subject {
             return {[&pool, what]() -> any_operation { return pool.starmap(behave, alone(what)); }, {}};
         }},
        {{.works = true, .starts_task = true},
         "map_settled",
         [](process_pool& pool, const order& what) -> subject {
             return {[&pool, what]() -> any_operation { return pool.map_settled(behave_as_told, alone(what)); }, {}};
         }},
        {{.works = true, .starts_task = true, .tells_failure = true},
         "map_reduce",
         [](process_pool& pool, const order& what) -> subject {
             return {[&pool, what]() -> any_operation { return pool.map_reduce(behave_as_told, alone(what), 0, plus); },
                     {}};
         }},
        {{.starts_task = true, .is_stream = true, .tells_failure = true},
         "imap's next",
         [](process_pool& pool, const order& what) { return with_stream(pool.imap(behave_as_told, alone(what))); }},
        {{.starts_task = true, .is_stream = true, .tells_failure = true},
         "imap_unordered's next",
         [](process_pool& pool, const order& what) {
             return with_stream(pool.imap_unordered(behave_as_told, alone(what)));
         }},
        {{.is_stream = true},
         "as_completed's next",
         [](process_pool& pool, const order& what) {
             auto task = pool.submit(behave_as_told, what).start();
             subject made = with_stream(as_completed(std::vector{task}));
             made.task = task;
             return made;
         }},
        {{.tells_failure = true},
         "result",
         [](process_pool& pool, const order& what) {
             return with_task(pool, what, [](process_pool&, handle task) { return task.result(); });
         }},
        {{.closes = true},
         "join",
         [](process_pool& pool, const order& what) {
             return with_task(pool, what, [](process_pool& of, const handle&) {
                 of.close();
                 return of.join();
             });
         }},
        {{.closes = true},
         "shutdown",
         [](process_pool& pool, const order& what) {
             return with_task(pool, what, [](process_pool& of, const handle&) { return of.shutdown(4 * patience); });
         }},
        {{.needs_full_pool = true},
         "wait_for_room",
         [](process_pool& pool, const order& what) {
             return with_task(pool, what, [](process_pool& of, const handle&) { return of.wait_for_room(); });
         }},
    };
    return kinds;
}

inline constexpr auto all_cancellation_types = {asio::cancellation_type::total, asio::cancellation_type::partial,
                                                asio::cancellation_type::terminal};

inline const char* name_of(asio::cancellation_type type) {
    return type == asio::cancellation_type::total     ? "total"
           : type == asio::cancellation_type::partial ? "partial"
                                                      : "terminal";
}

} // namespace procpool::testing

#endif
