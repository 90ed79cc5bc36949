// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*procpool: this type cannot be carried to another process; give it a serialize function

#include <procpool/serialization/serialization.hpp>

#include <map>
#include <vector>

struct opaque {
    int value = 0;
};

void send(procpool::serialization::encoder& encode, const std::map<int, std::vector<opaque>>& value) {
    encode(value);
}
