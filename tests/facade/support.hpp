// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_FACADE_SUPPORT_HPP
#define PROCPOOL_TESTS_FACADE_SUPPORT_HPP

#include <support/wait_until.hpp>

#include <procpool/procpool.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PROCPOOL_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PROCPOOL_TEST_SANITIZED 1
#endif
#endif

namespace procpool {

/// For the messages of failed checks.
inline std::ostream& boost_test_print_type(std::ostream& out, errc code) {
    return out << make_error_code(code);
}

} // namespace procpool

namespace procpool::testing {

namespace asio = boost::asio;

/// Longer than anything here takes on a busy machine, and short enough for a test that hangs to end.
inline constexpr std::chrono::seconds patience{30};

/// A folder of its own in the place for temporary files.
class scratch_folder {
public:
    scratch_folder() {
        std::string name = (std::filesystem::temp_directory_path() / "procpool-facade-XXXXXX").string();
        if (!::mkdtemp(name.data()))
            throw std::runtime_error("no folder could be made in the place for temporary files");
        path_ = name;
    }
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;
    ~scratch_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

inline void touch(const std::filesystem::path& path) {
    std::ofstream file(path);
}

/// What a test and its tasks tell each other by: a task says that it has begun, and goes on when the gate is open.
class gate {
public:
    std::filesystem::path path() const { return folder_.path(); }
    void open() const { touch(path() / "open"); }
    bool begun(int who = 0) const { return std::filesystem::exists(path() / std::to_string(who)); }

    /// How many tasks have begun.
    std::size_t count() const {
        std::size_t found = 0;
        for (const auto& entry : std::filesystem::directory_iterator(path()))
            found += entry.path().filename() != "open";
        return found;
    }

private:
    scratch_folder folder_;
};

/// A task: begins, waits for the gate to be opened, and returns its number.
inline int pass_gate(const std::filesystem::path& gate, int who) {
    touch(gate / std::to_string(who));
    if (!wait_until([&] { return std::filesystem::exists(gate / "open"); }, 2 * patience))
        throw std::runtime_error("the gate was never opened");
    return who;
}

/// A task: says that it has begun, and is over.
inline int leave_mark(const std::filesystem::path& gate, int who) {
    touch(gate / std::to_string(who));
    return who;
}

/// What a handler was called with.
template <class R>
struct seen {
    std::atomic<int> calls = 0;
    std::exception_ptr error;
    std::optional<R> value;

    auto handler() {
        return [this](std::exception_ptr e, R v) {
            error = std::move(e);
            value.emplace(std::move(v));
            ++calls;
        };
    }
    bool over() const { return calls != 0; }
};

template <>
struct seen<void> {
    std::atomic<int> calls = 0;
    std::exception_ptr error;

    auto handler() {
        return [this](std::exception_ptr e) {
            error = std::move(e);
            ++calls;
        };
    }
    bool over() const { return calls != 0; }
};

/// The code of an error; none for no error. What is no system_error is thrown.
inline boost::system::error_code code_of(const std::exception_ptr& error) {
    if (!error)
        return {};
    try {
        std::rethrow_exception(error);
    } catch (const boost::system::system_error& thrown) {
        return thrown.code();
    }
}

/// The text of an error; empty for none.
inline std::string text_of(const std::exception_ptr& error) {
    if (!error)
        return {};
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& thrown) {
        return thrown.what();
    }
}

/// Runs the context until the operation is over; its value, or its error as an exception.
template <class R>
R run(asio::io_context& context, submission<R> operation) {
    seen<R> result;
    std::move(operation)(result.handler());
    BOOST_REQUIRE(run_for(context, patience, [&] { return result.over(); }));
    if (result.error)
        std::rethrow_exception(result.error);
    if constexpr (!std::is_void_v<R>)
        return std::move(*result.value);
}

/// Runs the context until the operation is over; its error.
template <class R>
std::exception_ptr run_to_error(asio::io_context& context, submission<R> operation) {
    seen<R> result;
    std::move(operation)(result.handler());
    BOOST_REQUIRE(run_for(context, patience, [&] { return result.over(); }));
    return result.error;
}

/// A context that one thread runs, and a small pool on it.
struct small_pool {
    explicit small_pool(std::size_t workers = 1) : pool(context, {.workers = workers}) {}

    template <class P>
    bool run_until(P predicate) {
        return run_for(context, patience, std::move(predicate));
    }

    asio::io_context context;
    process_pool pool;
};

struct one_worker : small_pool {};
struct two_workers : small_pool {
    two_workers() : small_pool(2) {}
};

} // namespace procpool::testing

#endif
