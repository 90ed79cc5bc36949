// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Functions that live in shared libraries, and state that lives in the worker.

#include "library/counter.hpp"
#include "library/plugin.hpp"

#include <facade/support.hpp>

#include <memory>
#include <vector>

#include <unistd.h>

#include <dlfcn.h>

namespace {

using namespace procpool::testing;

int calls_here = 0;

int count_here() {
    return ++calls_here;
}

struct unload {
    void operator()(void* library) const { ::dlclose(library); }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(state, one_worker)

BOOST_AUTO_TEST_CASE(of_the_program_lives_in_the_worker_from_task_to_task) {
    for (int i = 1; i != 5; ++i)
        BOOST_TEST(run(context, pool.submit(count_here)) == i);
    BOOST_TEST(calls_here == 0);
    small_pool other;
    BOOST_TEST(run(other.context, other.pool.submit(count_here)) == 1);
}

BOOST_AUTO_TEST_CASE(of_a_linked_library_lives_in_the_worker_from_task_to_task) {
    for (int i = 1; i != 5; ++i)
        BOOST_TEST(run(context, pool.submit(library::count)) == i);
    BOOST_TEST(library::count() == 1);
    BOOST_TEST(run(context, pool.submit(library::count)) == 5);
}

BOOST_AUTO_TEST_CASE(ends_with_the_worker) {
    BOOST_TEST(run(context, pool.submit(count_here)) == 1);
    run_to_error(context, pool.submit([] { ::_exit(1); }));
    BOOST_TEST(run(context, pool.submit(count_here)) == 1);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(shared_library, one_worker)

BOOST_AUTO_TEST_CASE(that_is_linked_offers_functions_objects_and_exceptions) {
    BOOST_TEST(run(context, pool.submit(library::describe, std::vector{1, 2, 3})) == "1;2;3;");
    BOOST_TEST(run(context, pool.submit(library::scaler{3}, 5)) == 15);
    BOOST_TEST(run(context, pool.submit([](int value) { return library::scaler{2}(value); }, 5)) == 10);
    BOOST_TEST(run(context, pool.map(library::scaler{3}, std::vector{1, 2})) == (std::vector{3, 6}),
               boost::test_tools::per_element());
    BOOST_CHECK_EXCEPTION(run(context, pool.submit(library::fail, "of the library")), library::library_error,
                          [](const auto& error) { return error.what() == std::string("of the library"); });
}

BOOST_AUTO_TEST_CASE(that_is_opened_while_the_program_runs_is_opened_by_the_worker_too) {
    BOOST_TEST(run(context, pool.submit(count_here)) == 1); // the worker is there before
    const std::unique_ptr<void, unload> plugin_library(::dlopen(PROCPOOL_TEST_PLUGIN, RTLD_NOW | RTLD_LOCAL));
    BOOST_REQUIRE_MESSAGE(plugin_library, ::dlerror());
    const auto entry =
        reinterpret_cast<decltype(&procpool_test_plugin)>(::dlsym(plugin_library.get(), "procpool_test_plugin"));
    BOOST_REQUIRE(entry);
    const plugin_interface& plugin = *entry();
    BOOST_TEST(run(context, pool.submit(plugin.square, 5)) == 25);
    BOOST_TEST(run(context, plugin.submit(pool, 5)) == 26);
    BOOST_TEST(run(context, pool.map(plugin.square, std::vector{1, 2, 3})) == (std::vector{1, 4, 9}),
               boost::test_tools::per_element());
    // Its state lives in the worker; the program's own copy has been called by nobody.
    BOOST_TEST(run(context, pool.submit(plugin.calls)) == 5);
    BOOST_TEST(plugin.calls() == 0);
    small_pool other;
    BOOST_TEST(run(other.context, plugin.submit(other.pool, 6)) == 37);
    BOOST_TEST(pool.stats().workers_died == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
