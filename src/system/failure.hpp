// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_FAILURE_HPP
#define PROCPOOL_SYSTEM_FAILURE_HPP

#include <boost/system/system_error.hpp>

#include <cerrno>
#include <exception>
#include <string>

namespace procpool::system {

/// Throws an error of the system, with what was being done, and with what can be done about it if something can.
[[noreturn]] inline void throw_failure(const char* doing, int error = errno) {
    std::string text = doing;
    if (error == EMFILE)
        text += " (this process has as many descriptors open as RLIMIT_NOFILE lets it; see ulimit -n)";
    else if (error == ENFILE)
        text += " (the whole system has as many files open as /proc/sys/fs/file-max lets it)";
    else if (error == ENOSPC) // which is what adding to an epoll says
        text += " (this user watches as many descriptors as /proc/sys/fs/epoll/max_user_watches allows)";
    throw boost::system::system_error(error, boost::system::system_category(), text);
}

/// The same, not thrown.
inline std::exception_ptr failure_of(const char* doing, int error) {
    try {
        throw_failure(doing, error);
    } catch (...) {
        return std::current_exception();
    }
}

} // namespace procpool::system

#endif
