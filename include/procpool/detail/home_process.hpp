// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_DETAIL_HOME_PROCESS_HPP
#define PROCPOOL_DETAIL_HOME_PROCESS_HPP

namespace procpool::detail {

/// The process in which something was made. In a copy of it made by fork, a lock may be held by a thread that is not there.
class home_process {
public:
    home_process() noexcept;

    /// Whether this is that process, and not a copy.
    bool is_here() const noexcept;

private:
    int id_;
};

} // namespace procpool::detail

#endif
