// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_EXCEPTION_HPP
#define PROCPOOL_EXCEPTION_HPP

#include <procpool/serialization/exception_registry.hpp>

#include <boost/preprocessor/cat.hpp>

/// Lets exceptions of a type of yours arrive as themselves when a task throws them.
/**
 *     struct parse_error : std::runtime_error { using std::runtime_error::runtime_error; };
 *     PROCPOOL_EXCEPTION(parse_error)
 *
 * It stands at namespace scope, in any namespace, in a source file or a header, once or more often. A type that has a
 * default constructor and a `serialize` for Boost.Serialization is carried whole; any other is made again from its
 * what(), and needs a constructor from std::string or const char*. Only exceptions of exactly this type are meant, not
 * those of types derived from it; exceptions thrown by BOOST_THROW_EXCEPTION arrive as what was given to it.
 */
#define PROCPOOL_EXCEPTION(...)                                                                                        \
    [[maybe_unused]] static const ::procpool::serialization::exception_registration<__VA_ARGS__> BOOST_PP_CAT(         \
        procpool_exception_registration_, __COUNTER__);

#endif
