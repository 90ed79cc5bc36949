// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SERIALIZATION_SERIALIZATION_HPP
#define PROCPOOL_SERIALIZATION_SERIALIZATION_HPP

// All of the part that turns values into bytes and back.

#include <procpool/serialization/codecs.hpp>
#include <procpool/serialization/exceptions.hpp>

#endif
