// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*procpool: a view into memory of this process

#include <procpool/serialization/serialization.hpp>

#include <string_view>

void send(procpool::serialization::encoder& encode, const std::string_view& value) {
    encode(value);
}
