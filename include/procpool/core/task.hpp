// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_CORE_TASK_HPP
#define PROCPOOL_CORE_TASK_HPP

#include <procpool/machines/schedulable.hpp>
#include <procpool/wire/payload.hpp>

#include <cstdint>
#include <exception>
#include <memory>

namespace procpool::core {

class task_cancellation;

/// Something that is over, and of which somebody waits to be told.
class completion {
public:
    completion(const completion&) = delete;
    completion& operator=(const completion&) = delete;

    /// Tells whoever waits, and gives up the object. Called once, outside the pool's lock, on the pool's executor.
    virtual void complete() = 0;

    /// Gives up the object without telling anybody, for the program does away with the executor.
    virtual void abandon() noexcept = 0;

    completion* next_done = nullptr; ///< the core's list of what is over

    std::exception_ptr error; ///< set if it went wrong

    /// complete() runs no code of the program, so it need not wait for the executor when the pool is destroyed.
    bool completes_anywhere = false;

protected:
    completion() = default;
    ~completion() = default;
};

/// One call on its way through the pool: bytes in, bytes or an error out. What they mean only the façade knows.
class task : public completion, public machines::schedulable {
public:
    wire::payload bytes;        ///< the arguments, until it is over; then the answer, unless `error` is set
    std::uint64_t entry = 0;    ///< what takes the arguments in the worker, as named by function_entry()
    std::uint64_t function = 0; ///< the function to call, if it is one that has an address
    std::uint32_t items = 1;    ///< how many calls the arguments are for
    std::uint32_t attempt = 1;  ///< the how-manieth run
    bool failed = false;        ///< the answer is an exception in encoded form

    std::shared_ptr<task_cancellation> cancellation; ///< null if nobody can call it off

protected:
    task() = default;
    ~task() = default;
};

} // namespace procpool::core

#endif
