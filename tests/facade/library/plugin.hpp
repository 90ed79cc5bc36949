// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_FACADE_LIBRARY_PLUGIN_HPP
#define PROCPOOL_TESTS_FACADE_LIBRARY_PLUGIN_HPP

// What the test's plugin offers to whoever opens it with dlopen.

#include <procpool/process_pool.hpp>

struct plugin_interface {
    int (*calls)();                                                    ///< counts the calls of the next
    int (*square)(int);                                                ///< a function of the plugin
    procpool::submission<int> (*submit)(procpool::process_pool&, int); ///< submits a lambda of the plugin
};

extern "C" const plugin_interface* procpool_test_plugin();

#endif
