// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <wire/handshake.hpp>

#include <cstring>
#include <type_traits>

namespace procpool::wire {

namespace {

constexpr std::uint32_t longest_text = 64 * 1024;

template <class Number>
void put(payload_builder& out, Number number) {
    static_assert(std::is_arithmetic_v<Number>);
    out.append(&number, sizeof number);
}

void put(payload_builder& out, const std::string& text) {
    put(out, static_cast<std::uint32_t>(text.size()));
    out.append(text.data(), text.size());
}

// Takes values off the front of some bytes; after the first that is not whole, everything fails.
class taker {
public:
    explicit taker(std::span<const std::byte> bytes) : bytes_(bytes) {}

    template <class Number>
    void take(Number& number) {
        if (!good_ || bytes_.size() < sizeof number) {
            good_ = false;
            return;
        }
        std::memcpy(&number, bytes_.data(), sizeof number);
        bytes_ = bytes_.subspan(sizeof number);
    }

    void take(std::string& text) {
        std::uint32_t size = 0;
        take(size);
        if (!good_ || size > bytes_.size() || size > longest_text) {
            good_ = false;
            return;
        }
        text.assign(reinterpret_cast<const char*>(bytes_.data()), size);
        bytes_ = bytes_.subspan(size);
    }

    bool finished() const { return good_ && bytes_.empty(); }

private:
    std::span<const std::byte> bytes_;
    bool good_ = true;
};

} // namespace

payload encode(const hello_message& message) {
    payload_builder out;
    put(out, message.version);
    put(out, message.build_id);
    return out.finish();
}

payload encode(const setup_message& message) {
    payload_builder out;
    put(out, message.worker_index);
    put(out, message.memory_limit);
    put(out, message.spin);
    return out.finish();
}

payload encode(const module_message& message) {
    payload_builder out;
    put(out, message.number);
    put(out, message.path);
    put(out, message.build_id);
    return out.finish();
}

payload encode(const progress_message& message) {
    payload_builder out;
    put(out, message.fraction);
    put(out, message.text);
    return out.finish();
}

std::optional<hello_message> decode_hello(std::span<const std::byte> bytes) {
    hello_message message;
    taker from(bytes);
    from.take(message.version);
    from.take(message.build_id);
    return from.finished() ? std::optional(message) : std::nullopt;
}

std::optional<setup_message> decode_setup(std::span<const std::byte> bytes) {
    setup_message message;
    taker from(bytes);
    from.take(message.worker_index);
    from.take(message.memory_limit);
    from.take(message.spin);
    return from.finished() ? std::optional(message) : std::nullopt;
}

std::optional<module_message> decode_module(std::span<const std::byte> bytes) {
    module_message message;
    taker from(bytes);
    from.take(message.number);
    from.take(message.path);
    from.take(message.build_id);
    return from.finished() ? std::optional(message) : std::nullopt;
}

std::optional<progress_message> decode_progress(std::span<const std::byte> bytes) {
    progress_message message;
    taker from(bytes);
    from.take(message.fraction);
    from.take(message.text);
    return from.finished() ? std::optional(message) : std::nullopt;
}

} // namespace procpool::wire
