// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_ERROR_HPP
#define PROCPOOL_ERROR_HPP

#include <procpool/post_mortem.hpp>

#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace procpool {

/// What can go wrong with an operation of a pool, apart from what the task itself throws.
enum class errc {
    worker_died = 1,     ///< The worker that ran the task ended before it answered.
    timed_out,           ///< The task ran longer than its time limit.
    queue_timed_out,     ///< The task waited longer than its waiting limit.
    queue_full,          ///< The pool holds as many tasks as `max_pending` allows.
    pool_closed,         ///< The pool was closed before the operation was started.
    pool_terminated,     ///< The pool was terminated, or destroyed, before the task was done.
    worker_start_failed, ///< No worker could be started; what() says why.
    initializer_failed,  ///< The initializer failed in every worker that was started, or the preload failed.
    not_serializable,    ///< A value could not be turned into bytes, or, in a worker, bytes into arguments.
    protocol_error,      ///< A worker sent what no worker of this build would send, or no value of the result's type.
    not_initialized,     ///< `procpool::init` was not called at the start of main.
    would_deadlock,      ///< A blocking call was made on the thread that has to do the work.
};

/// The category of `errc`; its name is "procpool".
const boost::system::error_category& pool_category() noexcept;

/// Makes an `errc` usable wherever a `boost::system::error_code` is.
boost::system::error_code make_error_code(errc code) noexcept;

/// An error of the pool itself. `code()` is one of `errc`; `what()` says what went wrong, where, and what to do.
class pool_error : public boost::system::system_error {
public:
    explicit pool_error(errc code);
    pool_error(errc code, const std::string& explanation);
};

/// The worker that ran the task ended before it answered. Only the task that ran gets this error.
class worker_died : public pool_error {
public:
    explicit worker_died(post_mortem details);

    /// @param attempts all runs of the task, the last one last; not empty
    explicit worker_died(std::vector<post_mortem> attempts);

    /// What is known of the worker's end; if the task was run several times, of the last one's.
    const post_mortem& details() const noexcept { return attempts_->back(); }

    /// The same of each run of the task; several only with submission::retries.
    const std::vector<post_mortem>& attempts() const noexcept { return *attempts_; }

private:
    std::shared_ptr<const std::vector<post_mortem>> attempts_; // copying an exception must not throw
};

/// An exception that a task threw and whose type cannot be thrown here as itself.
/**
 * As themselves arrive types that are named with `PROCPOOL_EXCEPTION`, those of the standard library up to C++17,
 * boost::system::system_error, pool_error and worker_died, also if they were thrown by BOOST_THROW_EXCEPTION. Everything else
 * arrives as this one, with its type's name and its text; so do:
 * - std::system_error, std::ios_base::failure and std::filesystem::filesystem_error with an error of another category than the
 *   standard library's generic, system, iostream and future; boost::system::system_error with one of another category than
 *   Boost.System's generic and system, Asio's netdb, addrinfo and misc, and procpool's
 * - what std::throw_with_nested threw, which has a type of the library's own; the exception nested in it does not arrive
 * - a class derived from one that arrives as itself, unless it is named with `PROCPOOL_EXCEPTION` too
 *
 * What a text has beyond 64 KiB is cut off.
 */
class remote_exception : public std::runtime_error {
public:
    remote_exception(std::string type, const std::string& what);

    /// The name of the exception's type, as a reader of the source would write it.
    const std::string& type() const noexcept { return type_; }

private:
    std::string type_;
};

/// What an error of a batch or a stream is besides its own type: it tells of which item it is.
/**
 * Errors that are not of one item have none: a batch that was called off, or whose pool was closed or terminated or cannot start
 * workers, and input that cannot be read or encoded.
 *
 * @code
 * try {
 *     auto all = co_await pool.map(parse, lines);
 * } catch (const procpool::failed_item& failed) {
 *     std::cerr << "line " << failed.index() << '\n';
 * }
 * @endcode
 *
 * It is not a std::exception itself, so that `catch (const std::exception&)` means the error's own type alone. An exception of a type
 * that is final, or not a class, has no index.
 */
class failed_item {
public:
    explicit failed_item(std::size_t index) noexcept : index_(index) {}

    /// The item's place in the range, from 0.
    std::size_t index() const noexcept { return index_; }

protected:
    failed_item(const failed_item&) = default;
    failed_item& operator=(const failed_item&) = default;
    virtual ~failed_item() = default;

private:
    std::size_t index_;
};

} // namespace procpool

template <>
struct boost::system::is_error_code_enum<procpool::errc> : std::true_type {};

#endif
