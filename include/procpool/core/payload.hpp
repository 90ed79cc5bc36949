// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_CORE_PAYLOAD_HPP
#define PROCPOOL_CORE_PAYLOAD_HPP

#include <procpool/wire/payload.hpp>

namespace procpool::core {
using wire::payload;
using wire::payload_builder;
} // namespace procpool::core

#endif
