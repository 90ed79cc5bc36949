// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// A type in an unnamed namespace has the name of another one elsewhere; each arrives as itself.

#include "support.hpp"

#include <procpool/exception.hpp>

#include <boost/test/unit_test.hpp>

#include <stdexcept>

namespace {

struct local_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

PROCPOOL_EXCEPTION(local_error)

} // namespace

BOOST_AUTO_TEST_SUITE(serialization_exceptions_in_another_unit)

BOOST_AUTO_TEST_CASE(registered_in_an_unnamed_namespace) {
    using namespace procpool::serialization;
    const auto payload = encode_exception(std::make_exception_ptr(local_error("x")));
    BOOST_CHECK_THROW(std::rethrow_exception(decode_exception(payload.bytes())), local_error);
}

BOOST_AUTO_TEST_SUITE_END()
