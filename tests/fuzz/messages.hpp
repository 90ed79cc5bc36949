// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_FUZZ_MESSAGES_HPP
#define PROCPOOL_TESTS_FUZZ_MESSAGES_HPP

#include <fuzz/memory_watch.hpp>
#include <fuzz/subjects.hpp>

#include <procpool/error.hpp>
#include <procpool/serialization/serialization.hpp>

#include <new>
#include <optional>
#include <string>
#include <typeinfo>

namespace procpool::fuzz {

template <class T>
wire::payload encode(const T& value) {
    wire::payload_builder builder;
    serialization::encoder to(builder);
    to(value);
    return builder.finish();
}

/// The value that some bytes say, or none; anything else than a value or the one error is a violation, and so is memory
/// beyond so many bytes for each that was given.
template <class T>
std::optional<T> try_decode(bytes given, std::size_t worth) {
    const memory_watch memory;
    std::optional<T> value;
    try {
        serialization::decoder from(given);
        value.emplace(from.template get<T>());
        from.finish();
    } catch (const pool_error& error) {
        value.reset();
        require(error.code() == errc::not_serializable,
                "a message is refused with another error than not_serializable");
    } catch (const std::exception& error) {
        throw violation(std::string("a message is refused with ") + typeid(error).name() + ": " + error.what());
    }
    if (memory.most() > 64 * 1024 + worth * given.size())
        throw violation("a message of " + std::to_string(given.size()) + " bytes takes " +
                        std::to_string(memory.most()) + " bytes of memory");
    return value;
}

/// What was decoded can be encoded, and then decoded.
template <class T>
T again(const T& value) {
    try {
        const wire::payload encoded = encode(value);
        serialization::decoder from(encoded.bytes());
        T second = from.template get<T>();
        from.finish();
        return second;
    } catch (const std::exception& error) {
        throw violation(std::string("a value that was decoded cannot be carried: ") + error.what());
    }
}

} // namespace procpool::fuzz

#endif
