// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*PROCPOOL_EXCEPTION needs a type

#include <procpool/procpool.hpp>

struct silent_error {
    int code;
};

PROCPOOL_EXCEPTION(silent_error)
