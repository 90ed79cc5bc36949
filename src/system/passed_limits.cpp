// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/passed_limits.hpp>

#include <cstddef>

namespace procpool::system {

namespace {

__rlimit_resource resource(std::size_t index) noexcept {
    return static_cast<__rlimit_resource>(index);
}

} // namespace

passed_limits::passed_limits() noexcept {
    for (std::size_t index = 0; index != known_.size(); ++index)
        ::getrlimit(resource(index), &known_[index]);
}

void passed_limits::pass_on(pid_t child) noexcept {
    for (std::size_t index = 0; index != known_.size(); ++index) {
        rlimit now{};
        rlimit& known = known_[index];
        if (::getrlimit(resource(index), &now) != 0 ||
            (now.rlim_cur == known.rlim_cur && now.rlim_max == known.rlim_max))
            continue;
        known = now;
        ::prlimit(child, resource(index), &now, nullptr);
    }
}

} // namespace procpool::system
