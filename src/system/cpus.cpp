// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/cpus.hpp>

#include <procpool/available_parallelism.hpp>

#include <algorithm>
#include <fstream>
#include <memory>
#include <string>

#include <sched.h>

namespace procpool::system {

namespace {

// One group's cpu.max: "<quota> <period>" in microseconds, or "max <period>".
std::optional<std::size_t> quota_of(const std::filesystem::path& group) {
    std::ifstream file(group / "cpu.max");
    std::string quota;
    unsigned long long period = 0;
    if (!(file >> quota >> period) || quota == "max" || period == 0)
        return std::nullopt;
    try {
        const unsigned long long allowed = std::stoull(quota);
        return std::max<std::size_t>(1, static_cast<std::size_t>((allowed + period - 1) / period));
    } catch (const std::exception&) {
        return std::nullopt; // not a number: no limit that we understand
    }
}

} // namespace

std::size_t cpus_by_affinity() {
    // The kernel refuses a mask that is smaller than its own, so try larger ones.
    for (int room = 1024; room <= (1 << 20); room *= 2) {
        const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> mask(CPU_ALLOC(static_cast<std::size_t>(room)),
                                                                    [](cpu_set_t* set) { CPU_FREE(set); });
        const std::size_t size = CPU_ALLOC_SIZE(static_cast<std::size_t>(room));
        if (mask && ::sched_getaffinity(0, size, mask.get()) == 0)
            return static_cast<std::size_t>(std::max(1, CPU_COUNT_S(size, mask.get())));
    }
    return 1;
}

std::optional<std::size_t> cpus_by_quota(const std::filesystem::path& own_groups,
                                         const std::filesystem::path& hierarchy) {
    std::ifstream file(own_groups);
    std::string line;
    while (std::getline(file, line)) {
        if (!line.starts_with("0::/"))
            continue; // a hierarchy of version 1
        std::optional<std::size_t> tightest = quota_of(hierarchy);
        std::filesystem::path group = hierarchy;
        for (const auto& part : std::filesystem::path(line.substr(4))) {
            group /= part;
            if (const auto here = quota_of(group))
                tightest = std::min(here.value(), tightest.value_or(here.value()));
        }
        return tightest;
    }
    return std::nullopt;
}

} // namespace procpool::system

namespace procpool {

std::size_t available_parallelism() {
    const std::size_t allowed = system::cpus_by_affinity();
    const auto quota = system::cpus_by_quota("/proc/self/cgroup", "/sys/fs/cgroup");
    return std::min(allowed, quota.value_or(allowed));
}

} // namespace procpool
