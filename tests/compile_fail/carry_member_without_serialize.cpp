// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*procpool: this type cannot be carried to another process; give it a serialize function

#include <procpool/serialization/serialization.hpp>

struct opaque {
    int value = 0;
};

struct holder {
    opaque member;
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& member;
    }
};

void send(procpool::serialization::encoder& encode, const holder& value) {
    encode(value);
}
