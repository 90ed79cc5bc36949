// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Exceptions arrive as themselves, with the same what(), or as a remote_exception that tells of them.

#include "support.hpp"

#include <procpool/exception.hpp>

#include <boost/asio/error.hpp>
#include <boost/serialization/access.hpp>
#include <boost/system/system_error.hpp>
#include <boost/test/unit_test.hpp>
#include <boost/throw_exception.hpp>

#include <any>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <new>
#include <optional>
#include <random>
#include <regex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <typeinfo>
#include <variant>

using namespace procpool;
using namespace procpool::testing;
using serialization::decode_exception;
using serialization::encode_exception;

namespace failures {

/// Made again from its text.
struct parse_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};
struct from_characters : std::exception {
    explicit from_characters(const char* characters) : text(characters) {}
    const char* what() const noexcept override { return text.c_str(); }
    std::string text;
};

/// Carried whole.
class located : public std::exception {
public:
    located() = default;
    located(std::string file, int line) : text_("in " + file), line_(line) {}
    const char* what() const noexcept override { return text_.c_str(); }
    int line() const { return line_; }

private:
    friend class boost::serialization::access;
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& text_& line_;
    }
    std::string text_;
    int line_ = 0;
};

/// No exception by its type.
struct status {
    int code = 0;
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& code;
    }
};

struct derived_from_parse_error : parse_error {
    using parse_error::parse_error;
};

struct unregistered : std::exception {
    const char* what() const noexcept override { return "nobody knows it"; }
};

struct throws_when_written : std::exception {
    const char* what() const noexcept override { return "cannot be written"; }
    template <class Archive>
    void serialize(Archive&, unsigned int) {
        throw 1;
    }
};

template <class A, class B>
struct of_two : std::runtime_error {
    using std::runtime_error::runtime_error;
};

PROCPOOL_EXCEPTION(parse_error)
PROCPOOL_EXCEPTION(from_characters)
PROCPOOL_EXCEPTION(of_two<int, long>)
namespace {
PROCPOOL_EXCEPTION(located)
PROCPOOL_EXCEPTION(located) // A header may say it again.
} // namespace

} // namespace failures

namespace {
struct local_error : std::exception {
    explicit local_error(const std::string&) {}
};
} // namespace

PROCPOOL_EXCEPTION(local_error) // See exceptions_other_unit.cpp.
PROCPOOL_EXCEPTION(failures::status)
PROCPOOL_EXCEPTION(failures::throws_when_written)

namespace {

template <class Function>
std::exception_ptr thrown_by(Function function) {
    try {
        function();
    } catch (...) {
        return std::current_exception();
    }
    return nullptr;
}

/// What arrives of an exception.
template <class E>
std::exception_ptr arrived(const E& exception) {
    return decode_exception(encode_exception(std::make_exception_ptr(exception)).bytes());
}

std::pair<std::string, std::string> type_and_text(const std::exception_ptr& exception) {
    try {
        std::rethrow_exception(exception);
    } catch (const std::exception& standard) {
        return {typeid(standard).name(), standard.what()};
    } catch (...) {
        return {"?", ""};
    }
}

/// The same type, exactly, and the same text.
void check_same(const std::exception_ptr& exception) {
    const auto sent = type_and_text(exception);
    const auto received = type_and_text(decode_exception(encode_exception(exception).bytes()));
    BOOST_TEST(received.first == sent.first);
    BOOST_TEST(received.second == sent.second);
}

template <class E>
void check_same(const E& exception) {
    check_same(std::make_exception_ptr(exception));
}

template <class E>
E caught(const std::exception_ptr& exception) {
    try {
        std::rethrow_exception(exception);
    } catch (const E& one) {
        return one;
    }
}

bool is_protocol_error(const std::exception_ptr& exception) {
    try {
        std::rethrow_exception(exception);
    } catch (const pool_error& error) {
        return error.code() == errc::protocol_error;
    } catch (...) {
        return false;
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(serialization_exceptions)

BOOST_AUTO_TEST_CASE(those_made_of_a_text) {
    check_same(std::logic_error("a"));
    check_same(std::domain_error("b"));
    check_same(std::invalid_argument("c"));
    check_same(std::length_error("d"));
    check_same(std::out_of_range("e"));
    check_same(std::runtime_error("f"));
    check_same(std::range_error("g"));
    check_same(std::overflow_error("h"));
    check_same(std::underflow_error(""));
}

BOOST_AUTO_TEST_CASE(those_without_a_text_of_their_own) {
    check_same(std::exception());
    check_same(std::bad_alloc());
    check_same(std::bad_array_new_length());
    check_same(std::bad_cast());
    check_same(std::bad_any_cast());
    check_same(std::bad_typeid());
    check_same(std::bad_exception());
    check_same(std::bad_function_call());
    check_same(std::bad_optional_access());
    check_same(std::bad_variant_access());
    check_same(std::bad_weak_ptr());
    check_same(thrown_by([] { (void)std::get<int>(std::variant<std::string, int>()); }));
    check_same(thrown_by([] { (void)std::optional<int>().value(); }));
    check_same(thrown_by([] { std::function<void()>()(); }));
}

BOOST_AUTO_TEST_CASE(those_with_an_error_code) {
    check_same(std::system_error(std::make_error_code(std::errc::io_error)));
    check_same(std::system_error(std::make_error_code(std::errc::io_error), "while reading"));
    check_same(std::system_error(std::make_error_code(std::errc::io_error), "twice: Input/output error"));
    check_same(std::system_error(2, std::system_category(), ""));
    check_same(std::system_error(std::make_error_code(std::io_errc::stream), "s"));
    check_same(std::system_error(std::make_error_code(std::future_errc::no_state)));
    BOOST_TEST((caught<std::system_error>(arrived(std::system_error(7, std::system_category()))).code() ==
                std::error_code(7, std::system_category())));
    check_same(std::ios_base::failure("text"));
    check_same(std::ios_base::failure("text", std::make_error_code(std::errc::io_error)));
    check_same(std::future_error(std::future_errc::promise_already_satisfied));
    check_same(std::regex_error(std::regex_constants::error_brack));
}

BOOST_AUTO_TEST_CASE(what_a_regular_expression_throws_can_be_caught_as_what_it_is) {
    const auto failure = thrown_by([] { std::regex("(a"); });
    const auto received = decode_exception(encode_exception(failure).bytes());
    try {
        std::rethrow_exception(received);
    } catch (const std::regex_error& error) {
        BOOST_TEST((error.code() == std::regex_constants::error_paren));
        BOOST_TEST(error.what() == type_and_text(failure).second);
    }
}

BOOST_AUTO_TEST_CASE(what_a_stream_throws_can_be_caught_as_what_it_is) {
    const auto failure = thrown_by([] {
        std::ifstream stream;
        stream.exceptions(std::ios::failbit);
        stream.open("/there/is/no/such/file");
    });
    const auto received = decode_exception(encode_exception(failure).bytes());
    BOOST_TEST(caught<std::ios_base::failure>(received).what() == type_and_text(failure).second);
}

BOOST_AUTO_TEST_CASE(errors_of_the_file_system) {
    using std::filesystem::filesystem_error;
    const std::error_code code = std::make_error_code(std::errc::no_such_file_or_directory);
    check_same(filesystem_error("what", code));
    check_same(filesystem_error("what", "/a", code));
    check_same(filesystem_error("what", "/a", "/b", code));
    check_same(filesystem_error("what", "", code));
    check_same(filesystem_error("what", "", "", code));
    check_same(filesystem_error("", "/a", "", code));
    check_same(thrown_by([] { std::filesystem::rename("/there/is/no/such/file", "/nor/this"); }));
    const auto received = caught<filesystem_error>(arrived(filesystem_error("what", "/a", "/b", code)));
    BOOST_TEST(received.path1() == "/a");
    BOOST_TEST(received.path2() == "/b");
    BOOST_TEST(received.code() == code);
}

BOOST_AUTO_TEST_CASE(errors_of_boost_system) {
    using boost::system::system_error;
    namespace error = boost::asio::error;
    for (const boost::system::error_code code :
         {boost::system::error_code(error::operation_aborted), boost::system::error_code(error::eof),
          boost::system::error_code(error::host_not_found), boost::system::error_code(error::service_not_found),
          make_error_code(boost::system::errc::io_error), make_error_code(errc::queue_full)}) {
        check_same(system_error(code));
        check_same(system_error(code, "while reading"));
        BOOST_TEST(caught<system_error>(arrived(system_error(code))).code() == code);
    }
    // With the place in the source where the error arose: that is in the text alone.
    static constexpr boost::source_location here = BOOST_CURRENT_LOCATION;
    boost::system::error_code located;
    located.assign(5, boost::system::system_category(), &here);
    const auto received = caught<system_error>(arrived(system_error(located)));
    BOOST_TEST((received.code() == located));
    try {
        std::rethrow_exception(arrived(system_error(located)));
    } catch (const system_error& exception) {
        BOOST_TEST(exception.what() == system_error(located).what());
    }
}

BOOST_AUTO_TEST_CASE(errors_of_pools_inside_tasks) {
    check_same(pool_error(errc::timed_out));
    check_same(pool_error(errc::queue_full, "the queue of the inner pool is full"));
    check_same(remote_exception("some::type", "of another process"));
    BOOST_TEST(caught<remote_exception>(arrived(remote_exception("some::type", "x"))).type() == "some::type");
    post_mortem details;
    details.pid = 17;
    details.signal = 11;
    details.phase = task_phase::running;
    check_same(worker_died(details));
    const worker_died received = caught<worker_died>(arrived(worker_died(details)));
    BOOST_TEST(received.details().pid == 17);
    BOOST_TEST(*received.details().signal == 11);
    BOOST_TEST(!received.details().exit_code.has_value());
    BOOST_TEST(!received.details().usage.has_value());
    BOOST_TEST(received.attempts().size() == 1u);
}

BOOST_AUTO_TEST_CASE(all_that_is_known_of_several_attempts) {
    post_mortem first;
    first.exit_code = 3;
    first.worker = 4;
    first.reason = "of a reason";
    first.phase = task_phase::decoding;
    first.standard_error_tail = "one\ntwo";
    post_mortem second;
    second.signal = 9;
    second.attempt = 2;
    second.out_of_memory_likely = true;
    second.usage = {std::chrono::milliseconds(1500), std::chrono::milliseconds(20), std::size_t{64} << 20};
    second.standard_error_tail = "on its way\nno memory\n";
    const worker_died sent(std::vector{first, second});
    const std::string text = sent.what();
    for (const char* part : {"in attempt 2", "out-of-memory", "1520 ms", "64 MiB", "\"no memory\"",
                             "in attempt 1, worker 4", "exited with code 3 while decoding"})
        BOOST_TEST(text.find(part) != std::string::npos, part << " in: " << text);
    check_same(sent);
    const worker_died received = caught<worker_died>(arrived(sent));
    BOOST_TEST(received.attempts().size() == 2u);
    BOOST_TEST(*received.attempts().front().exit_code == 3);
    BOOST_TEST(received.attempts().front().reason == first.reason);
    BOOST_TEST(received.attempts().front().standard_error_tail == first.standard_error_tail);
    BOOST_TEST(received.details().out_of_memory_likely);
    BOOST_TEST((received.details().usage->user_time == second.usage->user_time));
    BOOST_TEST((received.details().usage->system_time == second.usage->system_time));
    BOOST_TEST(*received.details().usage->most_resident == *second.usage->most_resident);
}

BOOST_AUTO_TEST_CASE(registered_types) {
    check_same(failures::parse_error("line 3"));
    check_same(failures::from_characters("characters"));
    check_same(failures::located("file", 12));
    check_same(failures::of_two<int, long>("two"));
    check_same(local_error("x"));
    BOOST_TEST(caught<failures::located>(arrived(failures::located("file", 12))).line() == 12);
    BOOST_TEST(caught<failures::status>(arrived(failures::status{5})).code == 5);
}

BOOST_AUTO_TEST_CASE(thrown_by_boost) {
    const auto wrapped = [](const auto& exception) {
        return decode_exception(
            encode_exception(thrown_by([&] { boost::throw_exception(exception, BOOST_CURRENT_LOCATION); })).bytes());
    };
    BOOST_TEST(type_and_text(wrapped(failures::parse_error("x"))).first == typeid(failures::parse_error).name());
    BOOST_TEST(type_and_text(wrapped(std::out_of_range("x"))).first == typeid(std::out_of_range).name());
    const auto code = make_error_code(boost::system::errc::io_error);
    BOOST_TEST(caught<boost::system::system_error>(wrapped(boost::system::system_error(code))).code() == code);
    BOOST_TEST(caught<remote_exception>(wrapped(failures::unregistered())).type() == "failures::unregistered");
}

BOOST_AUTO_TEST_CASE(everything_else_is_told_of) {
    const auto told = [](const auto& exception, const std::string& type, const std::string& text) {
        const auto received = caught<remote_exception>(arrived(exception));
        BOOST_TEST(received.type() == type);
        BOOST_TEST(received.what() == text);
    };
    told(failures::unregistered(), "failures::unregistered", "nobody knows it");
    told(failures::derived_from_parse_error("x"), "failures::derived_from_parse_error", "x");
    told(failures::throws_when_written(), "failures::throws_when_written", "cannot be written");
    told(42, "int", "an object of type int was thrown");
    told(static_cast<const char*>("thrown text"), "char const*", "thrown text");
    BOOST_TEST(caught<remote_exception>(decode_exception(encode_exception(nullptr).bytes())).what() == "no exception");

    struct strange_category : std::error_category {
        const char* name() const noexcept override { return "strange"; }
        std::string message(int) const override { return "strange"; }
    };
    static const strange_category category;
    told(std::system_error(1, category, "x"), "std::system_error", "x: strange");
}

BOOST_AUTO_TEST_CASE(a_giant_text_is_cut_off_between_characters) {
    const std::string giant(1 << 24, 'x');
    const auto payload = encode_exception(std::make_exception_ptr(std::runtime_error(giant)));
    BOOST_TEST(payload.size() < 70000u);
    BOOST_TEST(std::string(caught<std::runtime_error>(decode_exception(payload.bytes())).what()).size() ==
               serialization::what_limit);

    std::string umlauts = "x";
    while (umlauts.size() < 100000)
        umlauts += "ä";
    const std::string received = caught<std::runtime_error>(arrived(std::runtime_error(umlauts))).what();
    BOOST_TEST(received.size() == serialization::what_limit - 1);
    BOOST_TEST(umlauts.starts_with(received));

    const auto code = std::make_error_code(std::errc::io_error);
    BOOST_TEST(caught<std::system_error>(arrived(std::system_error(code, giant))).code() == code);
}

BOOST_AUTO_TEST_CASE(times_that_no_process_can_have_taken_give_a_protocol_error) {
    for (const std::chrono::microseconds time : {std::chrono::microseconds(-1), std::chrono::microseconds::max(),
                                                 std::chrono::microseconds::max() / 2 + std::chrono::microseconds(1)}) {
        post_mortem details;
        details.usage.emplace().user_time = time;
        BOOST_TEST(is_protocol_error(
            decode_exception(encode_exception(std::make_exception_ptr(worker_died(details))).bytes())));
    }
}

BOOST_AUTO_TEST_CASE(damaged_messages_give_a_protocol_error) {
    std::vector<std::exception_ptr> samples{
        std::make_exception_ptr(std::out_of_range("text")),
        std::make_exception_ptr(std::system_error(std::make_error_code(std::errc::io_error), "x")),
        std::make_exception_ptr(std::filesystem::filesystem_error("w", "/a", "/b", std::error_code())),
        std::make_exception_ptr(pool_error(errc::timed_out, "why")),
        std::make_exception_ptr(worker_died(post_mortem())),
        std::make_exception_ptr(remote_exception("t", "w")),
        std::make_exception_ptr(failures::located("f", 1)),
        std::make_exception_ptr(failures::parse_error("p")),
    };
    std::mt19937 random(7);
    for (const std::exception_ptr& sample : samples) {
        const auto payload = encode_exception(sample);
        const message whole(payload.bytes().begin(), payload.bytes().end());
        for (std::size_t size = 0; size != whole.size(); ++size)
            BOOST_TEST(is_protocol_error(decode_exception(std::span(whole).first(size))));
        for (std::size_t at = 0; at != whole.size(); ++at) {
            for (unsigned byte = 0; byte != 256; ++byte) {
                message changed = whole;
                changed[at] = static_cast<std::byte>(byte);
                BOOST_TEST((decode_exception(changed) != nullptr));
            }
        }
    }
    for (int round = 0; round != 20000; ++round) {
        message bytes(random() % 40);
        for (std::byte& one : bytes)
            one = static_cast<std::byte>(random() % 2 ? random() % 6 : random() % 256);
        BOOST_TEST((decode_exception(bytes) != nullptr));
    }
    BOOST_TEST(is_protocol_error(decode_exception(forged().byte(1).byte(99))));
    BOOST_TEST(is_protocol_error(decode_exception(forged().byte(2).byte(3).text("abc"))));
    BOOST_TEST(is_protocol_error(decode_exception(forged().byte(3).count(1u << 20).text(std::string(2u << 20, 'x')))));
}

BOOST_AUTO_TEST_SUITE_END()
