// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_DESCRIPTOR_PLAN_HPP
#define PROCPOOL_SYSTEM_DESCRIPTOR_PLAN_HPP

#include <utility>
#include <vector>

namespace procpool::system {

/// Which descriptors a child is to have.
class descriptor_plan {
public:
    /// The child finds this process's descriptor `fd` under the number `as`; numbers are to be given in order from 3.
    void give(int fd, int as) { given_.emplace_back(fd, as); }

    /// What the child writes to its standard output or error, `as`, goes to this process's descriptor `fd`.
    void redirect(int as, int fd) { redirected_.emplace_back(as, fd); }

    /// What the child writes to its standard output or error, `as`, goes nowhere.
    void discard(int as) { discarded_.push_back(as); }

    const std::vector<std::pair<int, int>>& given() const noexcept { return given_; }
    const std::vector<std::pair<int, int>>& redirected() const noexcept { return redirected_; }
    const std::vector<int>& discarded() const noexcept { return discarded_; }

private:
    std::vector<std::pair<int, int>> given_;
    std::vector<std::pair<int, int>> redirected_;
    std::vector<int> discarded_;
};

} // namespace procpool::system

#endif
