// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Functions are named across processes by where they lie: which module (the main program or a shared library), and how
// far into it. Pool and worker run the same build, so the same place holds the same function; the build-ids that the
// linker puts into each module prove it.

#ifndef PROCPOOL_SYSTEM_MODULES_HPP
#define PROCPOOL_SYSTEM_MODULES_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace procpool::system {

/// The main program's number; shared libraries are numbered from 1 as they are first met.
inline constexpr std::uint16_t main_module = 0;

constexpr std::uint16_t module_of(std::uint64_t entry) noexcept {
    return static_cast<std::uint16_t>(entry >> 48);
}

/// What a worker needs to find a module of the pool.
struct module_identity {
    std::string path; ///< as the loader knows it; empty for the main program
    std::string build_id;
};

/// The main program's build-id; if the linker made none, a hash of its code.
const std::string& main_build_id();

/// The pool's side: the name of the function at this address. Throws pool_error if it lies in no module.
std::uint64_t locate_function(const void* address);

/// The pool's side: how many modules locate_function() has met, the main program among them.
std::size_t modules_met() noexcept;

/// The pool's side: a module that locate_function() met.
module_identity identify_module(std::uint16_t number);

/// The worker's side: which modules the pool's numbers mean, and where they lie here.
class module_table {
public:
    module_table();

    /// Learns what a number means, loading the library if it is not there yet. Nothing if all is well; else why calls
    /// into that module cannot be served.
    std::optional<std::string> add(std::uint16_t number, const module_identity& identity);

    /// The function of that name. Throws pool_error if no module that is known here has code there.
    const void* find_function(std::uint64_t entry) const;

private:
    struct code {
        std::uint64_t base = 0;
        std::uint64_t begin = 0; ///< of its executable part, from the base
        std::uint64_t end = 0;
        bool present = false;
        std::string problem;
    };
    std::vector<code> modules_;
};

} // namespace procpool::system

#endif
