// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*procpool: this type cannot be carried to another process; give it a serialize function for Boost.Serialization, as in

#include <procpool/serialization/serialization.hpp>

struct opaque {
    int value = 0;
};

void send(procpool::serialization::encoder& encode, const opaque& value) {
    encode(value);
}
