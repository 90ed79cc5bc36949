// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include "standard_exceptions.hpp"

#include "error_categories.hpp"

#include <procpool/error.hpp>
#include <procpool/serialization/exception_registry.hpp>

#include <boost/throw_exception.hpp>

#include <algorithm>
#include <any>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <functional>
#include <future>
#include <ios>
#include <memory>
#include <new>
#include <optional>
#include <regex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <variant>
#include <vector>

// One kind of exception is one specialization of `carrier`. `encode` says whether it could; `decode` makes the
// exception. Most have a what() that is put together from a prefix and something else, so giving them what() again
// would double it: the something else is cut off first.

namespace procpool::serialization {
namespace {

using detail::bounded_text;
using detail::decode_text;

/// For an exception whose own constructors cannot give it the text it had.
template <class E>
class with_text : public E {
public:
    with_text(const E& original, std::string text)
        : E(original), text_(std::make_shared<const std::string>(std::move(text))) {}
    const char* what() const noexcept override { return text_->c_str(); }

private:
    std::shared_ptr<const std::string> text_; // Copying an exception must not throw.
};

template <class E>
std::exception_ptr make_exception(const E& exception, const std::string& text) {
    if (text == exception.what())
        return detail::make_decoded(exception);
    return detail::make_decoded(with_text<E>(exception, text));
}

/// What stands before ": " and an ending, if anything does.
std::optional<std::string> prefix_of(std::string_view text, const std::string& ending) {
    const std::string tail = ": " + ending;
    if (!text.ends_with(tail))
        return std::nullopt;
    text.remove_suffix(tail.size());
    return std::string(text);
}

/// Exceptions that are made of their text.
template <class E>
struct carrier {
    static bool encode(encoder& to, const E& exception) {
        to(bounded_text(exception.what()));
        return true;
    }
    static std::exception_ptr decode(decoder& from) {
        const std::string text = decode_text(from);
        if constexpr (std::is_constructible_v<E, const std::string&>)
            return make_exception(E(text), text);
        else
            return make_exception(E(), text);
    }
};

template <>
struct carrier<std::bad_variant_access> {
    static bool encode(encoder& to, const std::bad_variant_access& exception) {
        to(bounded_text(exception.what()));
        return true;
    }
    static std::exception_ptr decode(decoder& from) {
        const std::string text = decode_text(from);
        // The library gives this one texts that its public constructor cannot give it; so let the library throw it.
        try {
            std::variant<std::monostate, int> other;
            (void)std::get<int>(other);
        } catch (const std::bad_variant_access& wrong_index) {
            if (text == wrong_index.what())
                return std::current_exception();
        }
        return make_exception(std::bad_variant_access(), text);
    }
};

template <>
struct carrier<std::system_error> {
    static bool encode(encoder& to, const std::system_error& exception) {
        if (!is_known_category(exception.code().category()))
            return false;
        encode_code(to, exception.code());
        to(bounded_text(exception.what()));
        return true;
    }
    static std::exception_ptr decode(decoder& from) {
        const std::error_code code = decode_std_code(from);
        const std::string text = decode_text(from);
        const auto prefix = prefix_of(text, code.message());
        return make_exception(prefix ? std::system_error(code, *prefix) : std::system_error(code), text);
    }
};

template <>
struct carrier<std::ios_base::failure> {
    static bool encode(encoder& to, const std::ios_base::failure& exception) {
        return carrier<std::system_error>::encode(to, exception);
    }
    static std::exception_ptr decode(decoder& from) {
        const std::error_code code = decode_std_code(from);
        const std::string text = decode_text(from);
        return make_exception(std::ios_base::failure(prefix_of(text, code.message()).value_or(""), code), text);
    }
};

template <>
struct carrier<std::filesystem::filesystem_error> {
    using error = std::filesystem::filesystem_error;

    static bool encode(encoder& to, const error& exception) {
        if (!is_known_category(exception.code().category()))
            return false;
        encode_code(to, exception.code());
        to(bounded_text(exception.what()));
        // The text of the base class, without the paths.
        to(bounded_text(exception.std::system_error::what()));
        to(exception.path1());
        to(exception.path2());
        return true;
    }
    static std::exception_ptr decode(decoder& from) {
        const std::error_code code = decode_std_code(from);
        const std::string text = decode_text(from);
        const std::string base = decode_text(from);
        const auto first = from.get<std::filesystem::path>();
        const auto second = from.get<std::filesystem::path>();
        const std::string prefix = prefix_of(base, code.message()).value_or("");
        // Nothing but the text shows whether an empty path was given or none.
        error made(prefix, first, second, code);
        if (text != made.what() && second.empty()) {
            made = error(prefix, first, code);
            if (text != made.what() && first.empty())
                made = error(prefix, code);
        }
        return make_exception(made, text);
    }
};

template <>
struct carrier<std::future_error> {
    static bool encode(encoder& to, const std::future_error& exception) {
        if (exception.code().category() != std::future_category())
            return false;
        to(exception.code().value());
        to(bounded_text(exception.what()));
        return true;
    }
    static std::exception_ptr decode(decoder& from) {
        const auto code = static_cast<std::future_errc>(from.get<int>());
        const std::string text = decode_text(from);
        return make_exception(std::future_error(code), text);
    }
};

template <>
struct carrier<std::regex_error> {
    static bool encode(encoder& to, const std::regex_error& exception) {
        if (!is_of_the_standard(exception.code()))
            return false;
        to(static_cast<int>(exception.code()));
        to(bounded_text(exception.what()));
        return true;
    }
    static std::exception_ptr decode(decoder& from) {
        const int value = from.get<int>();
        const std::string text = decode_text(from);
        if (!is_of_the_standard(value))
            fail("procpool: a message holds an error of a regular expression that there is not");
        return make_exception(std::regex_error(static_cast<std::regex_constants::error_type>(value)), text);
    }

private:
    static bool is_of_the_standard(int value) {
        using namespace std::regex_constants;
        const auto all = {error_collate,   error_ctype,      error_escape,   error_backref, error_brack,
                          error_paren,     error_brace,      error_badbrace, error_range,   error_space,
                          error_badrepeat, error_complexity, error_stack};
        return std::any_of(all.begin(), all.end(), [value](auto one) { return static_cast<int>(one) == value; });
    }
};

template <>
struct carrier<boost::system::system_error> {
    using error = boost::system::system_error;

    static bool encode(encoder& to, const error& exception) {
        if (!is_known_category(exception.code().category()))
            return false;
        encode_code(to, exception.code());
        to(bounded_text(exception.what()));
        return true;
    }
    static std::exception_ptr decode(decoder& from) {
        const boost::system::error_code code = decode_boost_code(from);
        const std::string text = decode_text(from);
        const auto prefix = prefix_of(text, code.what());
        return make_exception(prefix ? error(code, *prefix) : error(code), text);
    }
};

/// The errors of a pool that a task itself used.
template <>
struct carrier<pool_error> {
    static bool encode(encoder& to, const pool_error& exception) {
        to(exception.code().value());
        to(bounded_text(exception.what()));
        return true;
    }
    static std::exception_ptr decode(decoder& from) {
        const int value = from.get<int>();
        const std::string text = decode_text(from);
        if (value < static_cast<int>(errc::worker_died) || value > static_cast<int>(errc::would_deadlock))
            fail("procpool: a message holds an error of a pool that no pool has");
        const errc code = static_cast<errc>(value);
        const pool_error plain(code);
        if (text == plain.what())
            return detail::make_decoded(plain);
        const auto prefix = prefix_of(text, plain.code().what());
        return make_exception(pool_error(code, prefix ? *prefix : text), text);
    }
};

template <>
struct carrier<worker_died> {
    static bool encode(encoder& to, const worker_died& exception) {
        const auto& attempts = exception.attempts();
        to(attempts.size());
        for (const post_mortem& details : attempts)
            encode_one(to, details);
        to(bounded_text(exception.what()));
        return true;
    }
    static std::exception_ptr decode(decoder& from) {
        std::vector<post_mortem> attempts;
        for (auto left = from.get<std::size_t>(); left != 0; --left) // each takes bytes, of which there is an end
            attempts.push_back(decode_one(from));
        const std::string text = decode_text(from);
        if (attempts.empty())
            fail("procpool: a message holds the end of no worker");
        return make_exception(worker_died(std::move(attempts)), text);
    }

private:
    static void encode_one(encoder& to, const post_mortem& details) {
        to(details.pid);
        to(details.worker);
        to(details.exit_code);
        to(details.signal);
        to(details.phase);
        to(details.attempt);
        to(details.out_of_memory_likely);
        const resource_usage usage = details.usage.value_or(resource_usage());
        to(details.usage.has_value());
        to(usage.user_time.count());
        to(usage.system_time.count());
        to(usage.most_resident);
        to(bounded_text(details.reason.c_str()));
        to(bounded_text(details.standard_error_tail.c_str()));
    }

    /// A time that a process can have taken, so that two of them can be added.
    static std::chrono::microseconds decode_time(decoder& from) {
        const std::chrono::microseconds time(from.get<std::chrono::microseconds::rep>());
        if (time.count() < 0 || time > std::chrono::microseconds::max() / 2)
            fail("procpool: a message holds an end of a worker that took a time which cannot be");
        return time;
    }

    static post_mortem decode_one(decoder& from) {
        post_mortem details;
        from(details.pid);
        from(details.worker);
        from(details.exit_code);
        from(details.signal);
        from(details.phase);
        from(details.attempt);
        from(details.out_of_memory_likely);
        resource_usage usage;
        const bool has_usage = from.get<bool>();
        usage.user_time = decode_time(from);
        usage.system_time = decode_time(from);
        from(usage.most_resident);
        if (has_usage)
            details.usage = usage;
        details.reason = decode_text(from);
        details.standard_error_tail = decode_text(from);
        if (details.phase > task_phase::writing)
            fail("procpool: a message holds an end of a worker in a phase that there is not");
        return details;
    }
};

template <>
struct carrier<remote_exception> {
    static bool encode(encoder& to, const remote_exception& exception) {
        to(bounded_text(exception.type().c_str()));
        to(bounded_text(exception.what()));
        return true;
    }
    static std::exception_ptr decode(decoder& from) {
        const std::string type = decode_text(from);
        const std::string text = decode_text(from);
        return detail::make_decoded(remote_exception(type, text));
    }
};

/// Whether an exception was thrown as an E, by hand or by boost::throw_exception.
template <class E>
bool is_thrown_as(const std::type_info& type) {
    if (type == typeid(E) || type == typeid(boost::wrapexcept<E>))
        return true;
    // libstdc++'s streams throw a type of its own, so that programs built for its older failure can catch it.
    return std::is_same_v<E, std::ios_base::failure> && std::strcmp(type.name(), "St13__ios_failure") == 0;
}

template <class... Es>
struct kinds {
    static bool encode(encoder& to, const std::exception& exception, const std::type_info& type) {
        std::uint8_t number = 0;
        bool done = false;
        (void)((is_thrown_as<Es>(type) ? (done = encode_as<Es>(to, exception, number), true) : (++number, false)) ||
               ...);
        return done;
    }

    static std::exception_ptr decode(decoder& from) {
        const std::uint8_t number = from.byte();
        std::uint8_t other = 0;
        std::exception_ptr made;
        (void)((number == other++ ? (made = carrier<Es>::decode(from), true) : false) || ...);
        if (!made)
            fail("procpool: a message holds an exception of an unknown kind");
        return made;
    }

private:
    template <class E>
    static bool encode_as(encoder& to, const std::exception& exception, std::uint8_t number) {
        to.byte(number);
        return carrier<E>::encode(to, dynamic_cast<const E&>(exception));
    }
};

using all_kinds =
    kinds<std::exception, std::logic_error, std::domain_error, std::invalid_argument, std::length_error,
          std::out_of_range, std::runtime_error, std::range_error, std::overflow_error, std::underflow_error,
          std::bad_alloc, std::bad_array_new_length, std::bad_cast, std::bad_any_cast, std::bad_typeid,
          std::bad_exception, std::bad_function_call, std::bad_optional_access, std::bad_variant_access,
          std::bad_weak_ptr, std::system_error, std::ios_base::failure, std::filesystem::filesystem_error,
          std::future_error, std::regex_error, boost::system::system_error, pool_error, worker_died, remote_exception>;

} // namespace

bool encode_standard_exception(encoder& to, const std::exception& exception, const std::type_info& type) {
    return all_kinds::encode(to, exception, type);
}

std::exception_ptr decode_standard_exception(decoder& from) {
    return all_kinds::decode(from);
}

} // namespace procpool::serialization
