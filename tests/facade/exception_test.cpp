// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// What a task throws is thrown at the caller.

#include <facade/support.hpp>

#include <boost/serialization/string.hpp>
#include <boost/throw_exception.hpp>

#include <any>
#include <csignal>

#include <functional>
#include <future>
#include <new>
#include <optional>
#include <typeinfo>
#include <variant>
#include <vector>

#include <unistd.h>

namespace errors {

struct with_text : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Is carried whole.
struct with_position : std::exception {
    with_position() = default;
    with_position(std::string in, int at) : file(std::move(in)), line(at) {}
    const char* what() const noexcept override { return "a syntax error"; }

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& file& line;
    }

    std::string file;
    int line = 0;
};

/// No exception of the standard's kind.
struct plain {
    int value = 0;
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& value;
    }
};

struct derived_from_registered : with_text {
    using with_text::with_text;
};

struct unregistered : std::logic_error {
    using std::logic_error::logic_error;
};

struct unregistered_plain {};

template <class T>
struct generic_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

PROCPOOL_EXCEPTION(with_text)
PROCPOOL_EXCEPTION(with_text) // more than once
PROCPOOL_EXCEPTION(with_position)
PROCPOOL_EXCEPTION(plain)
PROCPOOL_EXCEPTION(generic_error<std::pair<int, int>>)

} // namespace errors

namespace {

using namespace procpool::testing;
using procpool::process_pool;
using procpool::remote_exception;

template <class E>
int throw_with_text(const std::string& text) {
    throw E(text);
}

/// The error of a call, by the type as which it has to be thrown exactly.
template <class E, class F, class... Arguments>
E caught(one_worker& with, F f, Arguments... arguments) {
    const auto error = run_to_error(with.context, with.pool.submit(f, arguments...));
    BOOST_REQUIRE(error);
    try {
        std::rethrow_exception(error);
    } catch (const E& thrown) {
        BOOST_TEST((typeid(thrown) == typeid(E)), "thrown as " << typeid(thrown).name());
        return thrown;
    }
}

template <class E>
void check_text(one_worker& with) {
    const std::string text = std::string("a text for ") + typeid(E).name();
    BOOST_TEST(caught<E>(with, throw_with_text<E>, text).what() == text);
}

template <class... E>
void check_texts(one_worker& with) {
    (check_text<E>(with), ...);
}

int fine() {
    return 42;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(task_exception, one_worker)

BOOST_AUTO_TEST_CASE(of_the_standard_with_a_text_arrives_as_itself) {
    check_texts<std::runtime_error, std::logic_error, std::domain_error, std::invalid_argument, std::length_error,
                std::out_of_range, std::range_error, std::overflow_error, std::underflow_error>(*this);
    BOOST_TEST(caught<std::runtime_error>(*this, throw_with_text<std::runtime_error>, "").what() == std::string());
    BOOST_TEST(caught<std::runtime_error>(*this, throw_with_text<std::runtime_error>, "Grüße\n%s\t").what() ==
               std::string("Grüße\n%s\t"));
}

BOOST_AUTO_TEST_CASE(of_the_standard_without_a_text_arrives_as_itself) {
    caught<std::bad_alloc>(
        *this, +[]() -> int { throw std::bad_alloc(); });
    caught<std::bad_cast>(
        *this, +[]() -> int { throw std::bad_cast(); });
    caught<std::bad_typeid>(
        *this, +[]() -> int { throw std::bad_typeid(); });
    caught<std::bad_optional_access>(
        *this, +[]() -> int { return std::optional<int>().value(); });
    caught<std::bad_variant_access>(
        *this, +[]() -> int { return std::get<int>(std::variant<std::monostate, int>()); });
    caught<std::bad_any_cast>(
        *this, +[]() -> int { return std::any_cast<int>(std::any()); });
    caught<std::bad_function_call>(
        *this, +[]() -> int { return std::function<int()>()(); });
    caught<std::bad_weak_ptr>(
        *this, +[]() -> int { return *std::shared_ptr<int>(std::weak_ptr<int>()); });
    caught<std::bad_array_new_length>(
        *this, +[]() -> int { throw std::bad_array_new_length(); });
    caught<std::exception>(
        *this, +[]() -> int { throw std::exception(); });
}

BOOST_AUTO_TEST_CASE(thrown_by_the_standard_library_arrives_as_itself) {
    const auto text = +[](const std::string& of) { return std::stoi(of); };
    caught<std::invalid_argument>(*this, text, "no number");
    caught<std::out_of_range>(*this, text, "99999999999999999999");
    caught<std::out_of_range>(
        *this, +[] { return std::vector<int>().at(1); });
}

BOOST_AUTO_TEST_CASE(system_error_arrives_with_its_code_and_text) {
    const auto thrown = +[]() -> int {
        throw std::system_error(std::make_error_code(std::errc::no_space_on_device), "the disk is full");
    };
    const auto error = caught<std::system_error>(*this, thrown);
    BOOST_TEST((error.code() == std::errc::no_space_on_device));
    BOOST_TEST((error.code().category() == std::generic_category()));
    BOOST_TEST(error.what() ==
               std::system_error(std::make_error_code(std::errc::no_space_on_device), "the disk is full").what());

    const auto system = +[]() -> int { throw std::system_error(13, std::system_category()); };
    const auto other = caught<std::system_error>(*this, system);
    BOOST_TEST((other.code() == std::error_code(13, std::system_category())));
    BOOST_TEST(other.what() == std::system_error(13, std::system_category()).what());
}

BOOST_AUTO_TEST_CASE(system_error_of_boost_arrives_with_its_code_and_text) {
    const auto thrown = +[]() -> int { throw boost::system::system_error(asio::error::connection_refused, "connect"); };
    const auto error = caught<boost::system::system_error>(*this, thrown);
    BOOST_TEST(error.code() == asio::error::connection_refused);
    BOOST_TEST(error.what() == boost::system::system_error(asio::error::connection_refused, "connect").what());
    const auto eof = +[]() -> int { throw boost::system::system_error(asio::error::eof); };
    BOOST_TEST(caught<boost::system::system_error>(*this, eof).code() == asio::error::eof);
}

BOOST_AUTO_TEST_CASE(filesystem_error_arrives_with_its_paths_code_and_text) {
    const scratch_folder folder;
    const auto missing = folder.path() / "missing";
    const auto error = caught<std::filesystem::filesystem_error>(
        *this, +[](const std::filesystem::path& path) { return std::filesystem::file_size(path); }, missing);
    BOOST_TEST((error.code() == std::errc::no_such_file_or_directory));
    BOOST_TEST(error.path1() == missing);
    BOOST_TEST(error.path2().empty());
    try {
        [[maybe_unused]] const auto size = std::filesystem::file_size(missing);
    } catch (const std::filesystem::filesystem_error& here) {
        BOOST_TEST(error.what() == here.what());
    }
    const auto both = caught<std::filesystem::filesystem_error>(
        *this,
        +[](const std::filesystem::path& path) -> int {
            std::filesystem::rename(path, path / "other");
            return 0;
        },
        missing);
    BOOST_TEST(both.path1() == missing);
    BOOST_TEST(both.path2() == missing / "other");
}

BOOST_AUTO_TEST_CASE(ios_failure_and_future_error_arrive_as_themselves) {
    const auto failure = caught<std::ios_base::failure>(
        *this, +[]() -> int {
            std::ifstream file;
            file.exceptions(std::ios::failbit);
            file.open("");
            return 0;
        });
    BOOST_TEST((failure.code() == std::io_errc::stream));
    const auto broken = caught<std::future_error>(
        *this, +[] {
            std::future<int> future;
            {
                std::promise<int> promise;
                future = promise.get_future();
            }
            return future.get();
        });
    BOOST_TEST((broken.code() == std::future_errc::broken_promise));
}

BOOST_AUTO_TEST_CASE(of_a_type_of_the_program_that_was_named_arrives_as_itself) {
    check_text<errors::with_text>(*this);
    using generic = errors::generic_error<std::pair<int, int>>;
    check_text<generic>(*this);
    const auto whole = caught<errors::with_position>(
        *this, +[]() -> int { throw errors::with_position("a file that has a long name", 42); });
    BOOST_TEST(whole.file == "a file that has a long name");
    BOOST_TEST(whole.line == 42);
    BOOST_TEST(caught<errors::plain>(
                   *this, +[]() -> int { throw errors::plain{7}; })
                   .value == 7);
}

BOOST_AUTO_TEST_CASE(thrown_by_boost_arrives_as_what_was_given_to_it) {
    const auto named = +[]() -> int { BOOST_THROW_EXCEPTION(errors::with_text("by Boost")); };
    BOOST_TEST(caught<errors::with_text>(*this, named).what() == std::string("by Boost"));
    const auto whole = +[]() -> int { BOOST_THROW_EXCEPTION(errors::with_position("file", 1)); };
    BOOST_TEST(caught<errors::with_position>(*this, whole).line == 1);
    const auto standard = +[]() -> int { BOOST_THROW_EXCEPTION(std::out_of_range("by Boost")); };
    BOOST_TEST(caught<std::out_of_range>(*this, standard).what() == std::string("by Boost"));
}

BOOST_AUTO_TEST_CASE(of_any_other_type_arrives_as_a_remote_exception_that_names_it) {
    const auto other = caught<remote_exception>(*this, throw_with_text<errors::unregistered>, "what it said");
    BOOST_TEST(other.type() == "errors::unregistered");
    BOOST_TEST_INFO(other.what());
    BOOST_TEST(std::string(other.what()).find("what it said") != std::string::npos);

    // Types that are derived from one that was named are other types.
    const auto derived = caught<remote_exception>(*this, throw_with_text<errors::derived_from_registered>, "derived");
    BOOST_TEST(derived.type() == "errors::derived_from_registered");
    BOOST_TEST(std::string(derived.what()).find("derived") != std::string::npos);

    BOOST_TEST(caught<remote_exception>(
                   *this, +[]() -> int { throw 42; })
                   .type() == "int");
    BOOST_TEST(caught<remote_exception>(
                   *this, +[]() -> int { throw "text"; })
                   .type() == "char const*");
    BOOST_TEST(caught<remote_exception>(
                   *this, +[]() -> int { throw std::string("text"); })
                   .type()
                   .find("string") != std::string::npos);
    const auto plain = caught<remote_exception>(
        *this, +[]() -> int { throw errors::unregistered_plain(); });
    BOOST_TEST(plain.type() == "errors::unregistered_plain");
    BOOST_TEST(*plain.what() != '\0');
}

BOOST_AUTO_TEST_CASE(errors_of_a_pool_inside_the_task_arrive_too) {
    const auto error = caught<procpool::pool_error>(
        *this, +[]() -> int { throw procpool::pool_error(procpool::errc::queue_full, "inside"); });
    BOOST_TEST(error.code() == procpool::errc::queue_full);
    BOOST_TEST(std::string(error.what()).find("inside") != std::string::npos);
    const auto remote = caught<remote_exception>(
        *this, +[]() -> int { throw remote_exception("some::type", "far away"); });
    BOOST_TEST(remote.type() == "some::type");
    BOOST_TEST(remote.what() == std::string("far away"));
}

BOOST_AUTO_TEST_CASE(with_a_text_of_a_megabyte_arrives_shortened) {
    const std::string text(1'000'000, 'x');
    const std::string what = caught<std::runtime_error>(*this, throw_with_text<std::runtime_error>, text).what();
    BOOST_TEST(what.size() >= 1000u);
    BOOST_TEST(text.compare(0, 1000, what, 0, 1000) == 0);
}

BOOST_AUTO_TEST_CASE(by_a_hundred_tasks_leaves_the_worker_alive) {
    for (int i = 0; i != 100; ++i)
        check_text<errors::with_text>(*this);
    BOOST_TEST(run(context, pool.submit(fine)) == 42);
    BOOST_TEST(pool.stats().workers_started == 1u);
    BOOST_TEST(pool.stats().tasks_failed == 100u);
}

BOOST_AUTO_TEST_CASE(of_a_worker_that_dies_is_worker_died_with_what_is_known) {
    const auto signal = caught<procpool::worker_died>(
        *this, +[] { return std::raise(SIGSEGV); });
    BOOST_TEST(signal.code() == procpool::errc::worker_died);
    BOOST_TEST(signal.details().signal.value_or(0) == SIGSEGV);
    BOOST_TEST(!signal.details().exit_code.has_value());
    BOOST_TEST((signal.details().phase == procpool::task_phase::running));
    BOOST_TEST(signal.details().worker == 0u);
    BOOST_TEST(signal.details().pid > 0);
    BOOST_TEST(signal.details().attempt == 1u);
    BOOST_TEST(procpool::describe_end(signal.details()).find("SIGSEGV") != std::string::npos);
    BOOST_TEST_INFO(signal.what());
    BOOST_TEST(std::string(signal.what()).find("SIGSEGV") != std::string::npos);

    const auto exit = caught<procpool::worker_died>(
        *this, +[]() -> int { ::_exit(3); });
    BOOST_TEST(exit.details().exit_code.value_or(0) == 3);
    BOOST_TEST(!exit.details().signal.has_value());
    BOOST_TEST(procpool::describe_end(exit.details()) == "exited with code 3");
    BOOST_TEST(exit.details().pid != signal.details().pid);

    const auto normal = caught<procpool::worker_died>(
        *this, +[]() -> int { std::exit(0); });
    BOOST_TEST(normal.details().exit_code.value_or(1) == 0);
    const auto terminate = caught<procpool::worker_died>(
        *this, +[]() -> int { std::terminate(); });
    BOOST_TEST(terminate.details().signal.value_or(0) == SIGABRT);
    const auto through_noexcept = caught<procpool::worker_died>(
        *this, +[]() noexcept { return throw_with_text<std::runtime_error>("cannot get out"); });
    BOOST_TEST(through_noexcept.details().signal.value_or(0) == SIGABRT);

    BOOST_TEST(run(context, pool.submit(fine)) == 42);
    BOOST_TEST(pool.stats().workers_died == 5u);
}

BOOST_AUTO_TEST_SUITE_END()
