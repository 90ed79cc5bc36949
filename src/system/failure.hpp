// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_FAILURE_HPP
#define PROCPOOL_SYSTEM_FAILURE_HPP

#include <boost/system/system_error.hpp>

#include <cerrno>

namespace procpool::system {

/// Throws what errno says, with what was being done.
[[noreturn]] inline void throw_failure(const char* doing) {
    throw boost::system::system_error(errno, boost::system::system_category(), doing);
}

} // namespace procpool::system

#endif
