// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*procpool: this smart pointer cannot be carried .*<boost/serialization/unique_ptr.hpp>

#include <procpool/serialization/serialization.hpp>

#include <memory>

void send(procpool::serialization::encoder& encode, const std::unique_ptr<int>& value) {
    encode(value);
}
