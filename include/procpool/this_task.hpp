// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_THIS_TASK_HPP
#define PROCPOOL_THIS_TASK_HPP

#include <procpool/this_worker.hpp>

#include <cstdint>
#include <stop_token>
#include <string_view>

/// What a task can ask and say while it runs. For the functions that a pool calls in its workers.
/**
 * In a process that is not a worker, and in a worker between two tasks, there is no task: numbers are 0, nobody asks it to
 * stop, and what it reports goes nowhere. So a function that uses these can also be called directly.
 *
 * @par Thread safety
 * Any thread of the worker may call any of them. They mean the task that runs at that time.
 */
namespace procpool::this_task {

/// The task's number in its pool, as in task_handle::id(). All items of a chunk of a batch have the chunk's number.
std::uint64_t id() noexcept;

/// The how-manieth run of the task this is, from 1. More than 1 only if it was submitted with retries() and a worker died.
unsigned attempt() noexcept;

/// Whether somebody wants the task to end: it was cancelled, or its time is up.
/**
 * If its time is up, or it was cancelled by terminal cancellation (task_handle::cancel), a task that asks, or has a
 * stop_token(), is given pool_options::kill_grace to end by itself; what it then returns counts, if it was cancelled. One that
 * never does is sent SIGTERM at once. So ask for the first time when the task begins. Under partial cancellation, and when its
 * stream was dropped, a task is only asked, and has all the time it likes.
 *
 * It costs about as much as reading a variable.
 */
bool stop_requested() noexcept;

/// A token that tells the same, and calls std::stop_callback back, on a thread of procpool's.
/**
 * It stays valid when the task is over, and then tells nothing new. The first call in a worker starts a thread there.
 *
 * @throws std::system_error if there are no threads left
 */
std::stop_token stop_token();

/// Tells whoever submitted the task how far it is: see submission::on_progress.
/**
 * @param fraction from 0 to 1
 * @param message  up to 1024 bytes of it are sent
 *
 * Returns when it is on its way, which may have to wait for the pool's process to read. Costs a system call.
 */
void report_progress(double fraction, std::string_view message = {});

} // namespace procpool::this_task

#endif
