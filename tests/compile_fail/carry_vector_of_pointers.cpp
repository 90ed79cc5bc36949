// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*procpool: a raw pointer cannot be carried to another process

#include <procpool/serialization/serialization.hpp>

#include <vector>

void send(procpool::serialization::encoder& encode, const std::vector<const int*>& value) {
    encode(value);
}
