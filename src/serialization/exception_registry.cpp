// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/serialization/exception_registry.hpp>

#include <cstring>
#include <map>
#include <mutex>
#include <typeindex>
#include <vector>

namespace procpool::serialization {
namespace {

struct entry {
    std::string name;
    std::vector<exception_codec> codecs; ///< One for each registration, the latest of which counts.
};

struct registry {
    std::mutex mutex;
    std::map<std::type_index, entry> types;
    std::map<std::type_index, std::type_index> thrown_by_boost;
    std::map<std::string, std::type_index> names;
};

registry& the_registry() {
    // Never destroyed: modules unregister their types when the program ends, in an order that nobody knows.
    static registry& instance = *new registry;
    return instance;
}

} // namespace

void register_exception(const std::type_info& type, const std::type_info* thrown_by_boost, exception_codec codec) {
    registry& known = the_registry();
    const std::lock_guard lock(known.mutex);
    entry& one = known.types[type];
    if (one.codecs.empty()) {
        // Types in unnamed namespaces may share a name; then the order in which they register, the same in every
        // process of this program, tells them apart.
        std::string name = type.name();
        for (int number = 2; known.names.contains(name); ++number)
            name = std::string(type.name()) + '#' + std::to_string(number);
        known.names.emplace(name, type);
        one.name = std::move(name);
    }
    one.codecs.push_back(codec);
    if (thrown_by_boost)
        known.thrown_by_boost.insert_or_assign(*thrown_by_boost, type);
}

void unregister_exception(const std::type_info& type, const std::type_info* thrown_by_boost) noexcept {
    registry& known = the_registry();
    const std::lock_guard lock(known.mutex);
    const auto at = known.types.find(type);
    if (at == known.types.end())
        return;
    at->second.codecs.pop_back();
    if (!at->second.codecs.empty())
        return;
    known.names.erase(at->second.name);
    known.types.erase(at);
    if (thrown_by_boost)
        known.thrown_by_boost.erase(*thrown_by_boost);
}

std::optional<known_exception> find_exception(const std::type_info& thrown) {
    registry& known = the_registry();
    const std::lock_guard lock(known.mutex);
    const auto wrapped = known.thrown_by_boost.find(thrown);
    const auto at =
        known.types.find(wrapped == known.thrown_by_boost.end() ? std::type_index(thrown) : wrapped->second);
    if (at == known.types.end())
        return std::nullopt;
    return known_exception{at->second.name, at->second.codecs.back()};
}

std::optional<exception_codec> find_exception(const std::string& name) {
    registry& known = the_registry();
    const std::lock_guard lock(known.mutex);
    const auto at = known.names.find(name);
    if (at == known.names.end())
        return std::nullopt;
    return known.types.at(at->second).codecs.back();
}

namespace detail {

std::string bounded_text(const char* text) {
    if (!text)
        return {};
    std::size_t size = ::strnlen(text, what_limit + 1);
    if (size > what_limit) {
        size = what_limit;
        // Not in the middle of a character of UTF-8; in another encoding at most three bytes are lost.
        for (int i = 0; i != 3 && (static_cast<unsigned char>(text[size]) & 0xC0u) == 0x80u; ++i)
            --size;
    }
    return std::string(text, size);
}

std::string decode_text(decoder& from) {
    const std::size_t size = from.count();
    if (size > what_limit)
        fail("procpool: a message holds an exception whose text is too long");
    return std::string(reinterpret_cast<const char*>(from.take(size)), size);
}

} // namespace detail

} // namespace procpool::serialization
