// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Exceptions. Any bytes give an exception; it can be carried on, and then says the same.

#include <fuzz/exceptions.hpp>
#include <fuzz/input.hpp>
#include <fuzz/memory_watch.hpp>

#include <procpool/error.hpp>
#include <procpool/serialization/decoder.hpp>
#include <procpool/serialization/exceptions.hpp>

#include <optional>
#include <typeinfo>

namespace procpool::fuzz {

namespace {

struct seen {
    const std::type_info* type = nullptr; ///< of a std::exception
    std::string text;
    std::optional<std::size_t> item;
    bool is_class = true;
};

std::optional<std::size_t> item_of_current() {
    try {
        throw;
    } catch (const failed_item& item) {
        return item.index();
    } catch (...) {
        return std::nullopt;
    }
}

seen look_at(const std::exception_ptr& exception) {
    require(exception != nullptr, "bytes give no exception at all");
    try {
        std::rethrow_exception(exception);
    } catch (const std::exception& thrown) {
        if (const auto* const death = dynamic_cast<const worker_died*>(&thrown))
            for (const post_mortem& details : death->attempts())
                require(details.phase <= task_phase::writing, "a worker has ended in a phase that there is not");
        return {&typeid(thrown), thrown.what(), item_of_current()};
    } catch (const reason& thrown) {
        return {nullptr, std::to_string(static_cast<int>(thrown)), std::nullopt, false};
    } catch (...) {
        throw violation("bytes give an exception of a type that nobody registered");
    }
}

void carry_on(const std::exception_ptr& exception, const seen& before) {
    const wire::payload encoded = serialization::encode_exception(exception);
    const seen after = look_at(serialization::decode_exception(encoded.bytes()));
    require(after.text == serialization::detail::bounded_text(before.text.c_str()),
            "an exception says something else after another journey");
    require(!after.item, "an exception has an item although it is of no batch");
    // Those whose text is not the one that their type would give them are of a type that has no other way of being carried.
    require(after.type == before.type || (after.type && *after.type == typeid(remote_exception)),
            "an exception is of another type after another journey");
}

} // namespace

void exceptions(bytes given) {
    {
        const memory_watch memory;
        const seen plain = look_at(serialization::decode_exception(given));
        require(memory.most() <= 64 * 1024 + 64 * given.size(),
                "an exception takes more memory than its bytes are worth");
        require(!plain.item, "an exception has an item although it is of no batch");
    }
    const std::exception_ptr exception = serialization::decode_exception(given);
    const seen before = look_at(exception);
    carry_on(exception, before);

    constexpr std::size_t item = 17;
    serialization::decoder message(given);
    const seen of_item = look_at(serialization::decode_exception(message, given.size(), item));
    require(of_item.text == before.text, "an item's exception says something else");
    if (of_item.is_class)
        require(of_item.item == item || *of_item.type == *before.type,
                "an item's exception does not know which item it was");
    (void)look_at(serialization::with_item(exception, item));
}

} // namespace procpool::fuzz
