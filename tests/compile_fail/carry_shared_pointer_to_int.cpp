// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*procpool: a shared pointer to a type that Boost.Serialization does not track

#include <procpool/serialization/serialization.hpp>

#include <boost/serialization/shared_ptr.hpp>

void send(procpool::serialization::encoder& encode, const std::shared_ptr<int>& value) {
    encode(value);
}
