// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/serialization/exceptions.hpp>

#include "standard_exceptions.hpp"

#include <procpool/error.hpp>
#include <procpool/serialization/exception_registry.hpp>

#include <cxxabi.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <typeinfo>

namespace procpool::serialization {
namespace {

/// How an exception is carried: the first byte of its message.
enum class form : std::uint8_t {
    out_of_memory, ///< There was no memory to say more.
    standard,
    registered,
    described, ///< By its type's name and its text.
};

/// A type's name as a reader of the source would write it.
std::string readable_name(const std::type_info& type) {
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> name(abi::__cxa_demangle(type.name(), nullptr, nullptr, &status),
                                                      &std::free);
    std::string_view text = status == 0 && name ? name.get() : type.name();
    // What boost::throw_exception makes of a type is not what the source says.
    constexpr std::string_view wrapper = "boost::wrapexcept<";
    if (text.starts_with(wrapper) && text.ends_with('>')) {
        text.remove_prefix(wrapper.size());
        text.remove_suffix(1);
    }
    return detail::bounded_text(std::string(text).c_str());
}

using attempt = std::optional<wire::payload>;

/// The message of one attempt, or nothing if the exception cannot be carried in this way.
template <class Write>
attempt try_to_encode(form as, Write write) {
    wire::payload_builder builder;
    {
        encoder to(builder);
        to.byte(static_cast<std::uint8_t>(as));
        try {
            // What is attached would not be carried with it.
            if (!write(to) || !builder.attached_so_far().empty())
                return std::nullopt;
        } catch (const std::bad_alloc&) {
            throw;
        } catch (...) {
            return std::nullopt; // A serialize that throws: the exception is told of in another way.
        }
    }
    return builder.finish();
}

attempt encode_registered(const std::exception_ptr& exception, const std::type_info& type) {
    const auto known = find_exception(type);
    if (!known)
        return std::nullopt;
    return try_to_encode(form::registered, [&](encoder& to) {
        to(known->name);
        known->codec.encode(exception, to);
        return true;
    });
}

wire::payload encode_described(const std::string& type, const std::string& text) {
    auto encoded = try_to_encode(form::described, [&](encoder& to) {
        to(type);
        to(text);
        return true;
    });
    return std::move(encoded).value();
}

std::string text_of_object(const std::string& type) {
    std::string text = "an object of type " + type + " was thrown";
    try {
        throw;
    } catch (const char* thrown) {
        if (thrown)
            text = detail::bounded_text(thrown);
    } catch (const std::string& thrown) {
        text = detail::bounded_text(thrown.c_str());
    } catch (...) {
        // Nothing more is known of it.
    }
    return text;
}

/// To be called in a handler of the exception.
wire::payload encode_current(const std::exception_ptr& exception, const std::type_info& type) {
    if (auto encoded = encode_registered(exception, type))
        return *std::move(encoded);
    try {
        throw;
    } catch (const std::exception& standard) {
        if (auto encoded = try_to_encode(form::standard,
                                         [&](encoder& to) { return encode_standard_exception(to, standard, type); }))
            return *std::move(encoded);
        return encode_described(readable_name(type), detail::bounded_text(standard.what()));
    } catch (...) {
        const std::string name = readable_name(type);
        return encode_described(name, text_of_object(name));
    }
}

std::exception_ptr decode(decoder& from) {
    switch (static_cast<form>(from.byte())) {
    case form::out_of_memory:
        return detail::make_decoded(std::bad_alloc());
    case form::standard:
        return decode_standard_exception(from);
    case form::registered: {
        const auto codec = find_exception(detail::decode_text(from));
        if (!codec) // its type may be one of a library that only the worker has loaded
            throw pool_error(errc::protocol_error, "procpool: its type is not registered in this program");
        return codec->decode(from);
    }
    case form::described: {
        const std::string type = detail::decode_text(from);
        const std::string text = detail::decode_text(from);
        return detail::make_decoded(remote_exception(type, text));
    }
    }
    fail("procpool: a message holds an exception of an unknown form");
}

std::exception_ptr cannot_be_read(const char* why) noexcept {
    try {
        throw pool_error(errc::protocol_error,
                         std::string("procpool: a worker sent an exception that cannot be read (") + why + ")");
    } catch (...) {
        return std::current_exception();
    }
}

/// @param unreadable set if the bytes say no exception
std::exception_ptr decode_or_tell(std::span<const std::byte> bytes, bool& unreadable) noexcept {
    try {
        decoder from(bytes);
        std::exception_ptr exception = decode(from);
        from.finish();
        return exception;
    } catch (const std::bad_alloc&) {
        return std::current_exception();
    } catch (const pool_error& error) {
        unreadable = error.code() == errc::not_serializable;
        return cannot_be_read(error.what());
    } catch (const std::exception& error) {
        return cannot_be_read(error.what()); // thrown by the exception's own type
    } catch (...) {
        return cannot_be_read("its own type throws");
    }
}

} // namespace

wire::payload encode_exception(std::exception_ptr exception) noexcept {
    try {
        if (!exception)
            return encode_described("", "no exception");
        try {
            std::rethrow_exception(exception);
        } catch (...) {
            return encode_current(exception, *abi::__cxa_current_exception_type());
        }
    } catch (...) {
        // One byte fits into a payload without any memory.
        const std::byte only[] = {static_cast<std::byte>(form::out_of_memory)};
        return wire::payload(only);
    }
}

std::exception_ptr decode_exception(std::span<const std::byte> bytes) noexcept {
    bool unreadable = false;
    return decode_or_tell(bytes, unreadable);
}

const std::size_t*& detail::item_being_decoded() noexcept {
    thread_local const std::size_t* item = nullptr;
    return item;
}

std::exception_ptr decode_exception(decoder& message, std::size_t size, std::optional<std::size_t> item) {
    const std::span<const std::byte> bytes(message.take(size), size);
    bool unreadable = false;
    detail::item_being_decoded() = item ? &*item : nullptr;
    std::exception_ptr exception = decode_or_tell(bytes, unreadable);
    detail::item_being_decoded() = nullptr;
    if (unreadable)
        message.note_unreadable();
    return exception;
}

namespace {

// Only of exactly that type: more derived ones would lose what they are.
template <class E>
std::exception_ptr exactly(const E& thrown, std::size_t item) {
    if (typeid(thrown) != typeid(E))
        return std::current_exception();
    return std::make_exception_ptr(detail::item_exception<E>(thrown, item));
}

} // namespace

std::exception_ptr with_item(const std::exception_ptr& exception, std::size_t item) noexcept {
    try {
        std::rethrow_exception(exception);
    } catch (const worker_died& thrown) {
        return exactly(thrown, item);
    } catch (const pool_error& thrown) {
        return exactly(thrown, item);
    } catch (const boost::system::system_error& thrown) {
        return exactly(thrown, item);
    } catch (...) {
        return exception;
    }
}

} // namespace procpool::serialization
