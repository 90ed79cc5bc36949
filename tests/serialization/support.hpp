// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_SERIALIZATION_SUPPORT_HPP
#define PROCPOOL_TESTS_SERIALIZATION_SUPPORT_HPP

#include <procpool/error.hpp>
#include <procpool/serialization/serialization.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#define PROCPOOL_TEST_UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PROCPOOL_TEST_UNDER_ASAN 1
#endif
#endif
#ifdef PROCPOOL_TEST_UNDER_ASAN
#include <sanitizer/lsan_interface.h>
#endif

namespace procpool::testing {

using message = std::vector<std::byte>;

template <class T>
message encoded(const T& value) {
    wire::payload_builder builder;
    serialization::encoder encode(builder);
    encode(value);
    const wire::payload made = builder.finish();
    return message(made.bytes().begin(), made.bytes().end());
}

/// The value that a message says, the whole message.
template <class T>
T decoded(std::span<const std::byte> bytes) {
    serialization::decoder decode(bytes);
    T value = decode.template get<T>();
    decode.finish();
    return value;
}

template <class T>
T round_trip(const T& value) {
    return decoded<T>(encoded(value));
}

/// A message put together by hand, as a compromised worker might.
class forged {
public:
    forged& byte(unsigned value) {
        bytes_.push_back(static_cast<std::byte>(value));
        return *this;
    }
    template <class T>
    forged& raw(T value) {
        for (const std::byte one : std::bit_cast<std::array<std::byte, sizeof(T)>>(value))
            bytes_.push_back(one);
        return *this;
    }
    /// A count as the encoder writes the large ones.
    forged& count(std::size_t value) { return byte(255).raw(value); }
    forged& text(const std::string& value) {
        for (const char c : value)
            raw(c);
        return *this;
    }
    operator std::span<const std::byte>() const { return bytes_; }
    const message& bytes() const { return bytes_; }

private:
    message bytes_;
};

/// Whether bytes are refused, and in the one way in which they may be.
template <class T>
bool is_refused(std::span<const std::byte> bytes) {
    try {
        (void)decoded<T>(bytes);
        return false;
    } catch (const pool_error& error) {
        return error.code() == errc::not_serializable;
    }
}

/// For where a message may by right hold a cycle of shared pointers, which is a leak in any program.
class leaks_allowed {
public:
    explicit leaks_allowed([[maybe_unused]] bool allowed) {
#ifdef PROCPOOL_TEST_UNDER_ASAN
        allowed_ = allowed;
        if (allowed_)
            __lsan_disable();
#endif
    }
    ~leaks_allowed() {
#ifdef PROCPOOL_TEST_UNDER_ASAN
        if (allowed_)
            __lsan_enable();
#endif
    }
    leaks_allowed(const leaks_allowed&) = delete;
    leaks_allowed& operator=(const leaks_allowed&) = delete;

private:
    [[maybe_unused]] bool allowed_ = false;
};

} // namespace procpool::testing

#endif
