// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*procpool: this type cannot be carried to another process; give it a serialize function

#include <procpool/serialization/serialization.hpp>

struct opaque {
    int value = 0;
};

opaque receive(procpool::serialization::decoder& decode) {
    return decode.get<opaque>();
}

void receive_into(procpool::serialization::decoder& decode, opaque& value) {
    decode(value);
}
