// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include "error_categories.hpp"

#include <procpool/error.hpp>

#include <boost/asio/error.hpp>

#include <array>
#include <cstdint>
#include <future>
#include <ios>

namespace procpool::serialization {
namespace {

// The number of a category in a message is its place here; both sides are the same build.
const auto& known_categories(const std::error_category*) {
    static const std::array<const std::error_category*, 4> known{&std::generic_category(), &std::system_category(),
                                                                 &std::iostream_category(), &std::future_category()};
    return known;
}

const auto& known_categories(const boost::system::error_category*) {
    namespace error = boost::asio::error;
    static const std::array<const boost::system::error_category*, 6> known{
        &boost::system::generic_category(), &boost::system::system_category(), &error::get_netdb_category(),
        &error::get_addrinfo_category(),    &error::get_misc_category(),       &pool_category()};
    return known;
}

template <class Category>
std::size_t number_of(const Category& category) {
    const auto& known = known_categories(&category);
    std::size_t number = 0;
    while (number != known.size() && *known[number] != category)
        ++number;
    return number;
}

template <class Category>
bool is_known(const Category& category) {
    return number_of(category) != known_categories(&category).size();
}

template <class Code, class Category>
void encode(encoder& to, const Code& code, const Category& category) {
    to.count(number_of(category));
    to.raw(code.value());
}

template <class Code, class Category>
Code decode(decoder& from) {
    const auto& known = known_categories(static_cast<const Category*>(nullptr));
    const std::size_t number = from.number();
    int value = 0;
    from.raw(value);
    if (number >= known.size())
        fail("procpool: a message holds an error code of an unknown category");
    return Code(value, *known[number]);
}

} // namespace

bool is_known_category(const std::error_category& category) {
    return is_known(category);
}

bool is_known_category(const boost::system::error_category& category) {
    return is_known(category);
}

void encode_code(encoder& to, const std::error_code& code) {
    encode(to, code, code.category());
}

void encode_code(encoder& to, const boost::system::error_code& code) {
    encode(to, code, code.category());
}

std::error_code decode_std_code(decoder& from) {
    return decode<std::error_code, std::error_category>(from);
}

boost::system::error_code decode_boost_code(decoder& from) {
    return decode<boost::system::error_code, boost::system::error_category>(from);
}

} // namespace procpool::serialization
