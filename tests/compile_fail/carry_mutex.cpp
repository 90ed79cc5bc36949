// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*procpool: this type cannot be carried to another process; give it a serialize function

#include <procpool/serialization/serialization.hpp>

#include <mutex>
#include <optional>

void send(procpool::serialization::encoder& encode, const std::optional<std::mutex>& value) {
    encode(value);
}
