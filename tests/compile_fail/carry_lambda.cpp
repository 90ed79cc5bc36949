// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*procpool: a lambda or std::function cannot be carried .*captures do not cross a process boundary

#include <procpool/serialization/serialization.hpp>

void send(procpool::serialization::encoder& encode, int value) {
    encode([value] { return value; });
}
