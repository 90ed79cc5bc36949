// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*procpool: PROCPOOL_EXCEPTION needs a type with a default constructor and a serialize function

#include <procpool/exception.hpp>

#include <exception>

struct needs_two : std::exception {
    needs_two(int, int) {}
};

PROCPOOL_EXCEPTION(needs_two)
