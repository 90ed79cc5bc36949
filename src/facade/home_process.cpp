// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/detail/home_process.hpp>

#include <system/process.hpp>

namespace procpool::detail {

home_process::home_process() noexcept : id_(system::this_process()) {
}

bool home_process::is_here() const noexcept {
    return id_ == system::this_process();
}

} // namespace procpool::detail
