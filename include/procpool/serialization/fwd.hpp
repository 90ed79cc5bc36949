// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SERIALIZATION_FWD_HPP
#define PROCPOOL_SERIALIZATION_FWD_HPP

#include <cstddef>

namespace procpool::serialization {

class encoder;
class decoder;
class output_archive;
class input_archive;

/// How deep objects of class type may lie inside one another, counted along one path.
/**
 * Class types alone are counted, for they alone can nest without the program's types saying how deep. The limit keeps
 * a message from overflowing the stack, and the encoder keeps to it too, so what can be written can be read.
 */
inline constexpr std::size_t nesting_limit = 1000;

/// Throws pool_error(errc::not_serializable, sentence). Out of line, so that the paths that do not fail stay small.
[[noreturn]] void fail(const char* sentence);

/// Fresh memory is about to be filled from its beginning to its end: large pages are worth it, should the system have some.
void expect_filling(void* memory, std::size_t size) noexcept;

/// From so many bytes on that is worth the call.
inline constexpr std::size_t worth_large_pages = std::size_t{4} << 20;

/// What `fail` says when there are fewer bytes than the type needs.
[[noreturn]] void fail_truncated();

/// In a handler: turns an exception of Boost.Serialization into a pool_error and lets any other pass as it is.
[[noreturn]] void rethrow_archive_failure();

} // namespace procpool::serialization

#endif
