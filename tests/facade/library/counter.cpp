// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include "counter.hpp"

#include <procpool/exception.hpp>

namespace library {

namespace {

int calls = 0;

}

int count() {
    return ++calls;
}

std::string describe(const std::vector<int>& values) {
    std::string text;
    for (const int one : values)
        text += std::to_string(one) + ";";
    return text;
}

int fail(const std::string& text) {
    throw library_error(text);
}

int scaler::operator()(int value) const {
    return value * factor;
}

PROCPOOL_EXCEPTION(library_error)

} // namespace library
