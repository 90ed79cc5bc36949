// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include "samples.hpp"

// In one file of the program, which includes the archives.
BOOST_CLASS_EXPORT_IMPLEMENT(samples::circle)
BOOST_CLASS_EXPORT_IMPLEMENT(samples::group)
