// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/modules.hpp>

#include <procpool/error.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <cstdlib>

using namespace procpool;

namespace {

int some_function(int value) {
    return value + 1;
}

const void* address_of(auto* function) {
    return reinterpret_cast<const void*>(function);
}

} // namespace

BOOST_AUTO_TEST_SUITE(modules)

BOOST_AUTO_TEST_CASE(a_function_of_the_program_is_found_again_by_its_name) {
    const std::uint64_t name = system::locate_function(address_of(&some_function));
    BOOST_TEST(system::module_of(name) == system::main_module);
    const system::module_table table;
    BOOST_TEST(table.find_function(name) == address_of(&some_function));
}

BOOST_AUTO_TEST_CASE(the_program_has_a_build_id) {
    BOOST_TEST(system::main_build_id().size() >= 8U);
    BOOST_TEST(system::identify_module(system::main_module).build_id == system::main_build_id());
}

BOOST_AUTO_TEST_CASE(a_function_of_a_shared_library_is_found_once_its_module_was_announced) {
    const void* const malloc_address = address_of(&::malloc);
    const std::uint64_t name = system::locate_function(malloc_address);
    BOOST_TEST(system::module_of(name) != system::main_module);
    BOOST_TEST(system::locate_function(malloc_address) == name);
    system::module_table table;
    BOOST_CHECK_THROW(table.find_function(name), pool_error);
    const auto identity = system::identify_module(system::module_of(name));
    BOOST_TEST(!table.add(system::module_of(name), identity));
    BOOST_TEST(table.find_function(name) == malloc_address);
}

BOOST_AUTO_TEST_CASE(a_module_of_another_build_or_that_is_not_there_is_refused_with_its_path) {
    const std::uint64_t name = system::locate_function(address_of(&::malloc));
    auto identity = system::identify_module(system::module_of(name));
    identity.build_id = "another";
    system::module_table table;
    BOOST_TEST(table.add(system::module_of(name), identity).value().find(identity.path) != std::string::npos);
    BOOST_CHECK_THROW(table.find_function(name), pool_error);
    BOOST_TEST(table.add(7, {"/nonexistent/library.so", "x"}).value().find("/nonexistent/library.so") !=
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_name_that_points_at_no_code_is_refused) {
    const system::module_table table;
    const std::uint64_t far_out = (std::uint64_t{1} << 48) - 1;
    for (const std::uint64_t name :
         {std::uint64_t{0}, std::uint64_t{1}, far_out, std::uint64_t{500} << 48, ~std::uint64_t{0}})
        BOOST_CHECK_THROW(table.find_function(name), pool_error);
}

BOOST_AUTO_TEST_CASE(an_address_outside_all_code_has_no_name) {
    static int data = 0;
    BOOST_CHECK_THROW(system::locate_function(&data), pool_error);
    BOOST_CHECK_THROW(system::locate_function(nullptr), pool_error);
}

BOOST_AUTO_TEST_SUITE_END()
