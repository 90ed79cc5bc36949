// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/available_parallelism.hpp>

#include <integration/scratch.hpp>
#include <system/cpus.hpp>

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>

#include <sched.h>

using namespace procpool;

namespace {

// A version 2 hierarchy of three groups, one within the other, and a process in the innermost.
struct groups {
    testing::scratch here;
    std::filesystem::path root = here.file("cgroup");

    groups() {
        std::filesystem::create_directories(root / "outer" / "inner");
        belongs_to("0::/outer/inner\n");
    }
    void belongs_to(const std::string& text) { std::ofstream(here.file("self")) << text; }
    void limit(const std::filesystem::path& group, const std::string& text) {
        std::ofstream(root / group / "cpu.max") << text;
    }
    std::optional<std::size_t> quota() const { return system::cpus_by_quota(here.file("self"), root); }
};

} // namespace

BOOST_AUTO_TEST_SUITE(cpus)

BOOST_AUTO_TEST_CASE(an_affinity_mask_of_one_cpu_means_one_worker) {
    cpu_set_t before;
    BOOST_REQUIRE(::sched_getaffinity(0, sizeof before, &before) == 0);
    BOOST_TEST(system::cpus_by_affinity() == static_cast<std::size_t>(CPU_COUNT(&before)));
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int cpu = 0; cpu != CPU_SETSIZE; ++cpu)
        if (CPU_ISSET(cpu, &before)) {
            CPU_SET(cpu, &one);
            break;
        }
    BOOST_REQUIRE(::sched_setaffinity(0, sizeof one, &one) == 0);
    BOOST_TEST(system::cpus_by_affinity() == 1U);
    BOOST_TEST(available_parallelism() == 1U);
    ::sched_setaffinity(0, sizeof before, &before);
}

BOOST_AUTO_TEST_CASE(no_quota_anywhere_is_no_limit) {
    groups tree;
    BOOST_TEST(!tree.quota());
    tree.limit("outer", "max 100000\n");
    BOOST_TEST(!tree.quota());
}

BOOST_AUTO_TEST_CASE(a_quota_is_rounded_up_to_whole_cpus) {
    groups tree;
    tree.limit("outer/inner", "150000 100000\n");
    BOOST_TEST(tree.quota().value() == 2U);
    tree.limit("outer/inner", "10000 100000\n");
    BOOST_TEST(tree.quota().value() == 1U);
    tree.limit("outer/inner", "400000 100000\n");
    BOOST_TEST(tree.quota().value() == 4U);
}

BOOST_AUTO_TEST_CASE(the_tightest_quota_of_all_groups_around_the_process_counts) {
    groups tree;
    tree.limit("outer/inner", "800000 100000\n");
    tree.limit("outer", "300000 100000\n");
    BOOST_TEST(tree.quota().value() == 3U);
    tree.limit("", "200000 100000\n");
    BOOST_TEST(tree.quota().value() == 2U);
}

BOOST_AUTO_TEST_CASE(a_process_in_the_root_group_is_found_there) {
    groups tree;
    tree.belongs_to("1:cpu:/legacy\n0::/\n");
    tree.limit("", "200000 100000\n");
    BOOST_TEST(tree.quota().value() == 2U);
}

BOOST_AUTO_TEST_CASE(files_that_make_no_sense_or_do_not_exist_are_no_limit) {
    groups tree;
    for (const char* text : {"", "nonsense", "100000", "100000 0", "-5 x", "99999999999999999999999999 100000"}) {
        tree.limit("outer/inner", text);
        BOOST_TEST(!tree.quota(), "with '" << text << "'");
    }
    tree.belongs_to("5:memory:/only/version/one\n");
    BOOST_TEST(!tree.quota());
    BOOST_TEST(!system::cpus_by_quota("/nonexistent", "/nonexistent"));
}

BOOST_AUTO_TEST_SUITE_END()
