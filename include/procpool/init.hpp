// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_INIT_HPP
#define PROCPOOL_INIT_HPP

namespace procpool {

/// The first statement of `main` in every program that makes a process_pool.
/**
 * A pool's workers are started from the program's own executable, with an argument of procpool's added at the end. In such a
 * process this function serves the pool's tasks and never returns: whatever `main` does after it is done by the original
 * process alone. In every other process it returns at once.
 *
 * @code
 * int main(int argc, char** argv) {
 *     procpool::init(argc, argv);
 *     // ...
 * }
 * @endcode
 *
 * @param argc, argv as `main` got them
 *
 * @par Preconditions
 * It is called before anything else that `main` does, since what comes before it happens in every worker as well. So does all
 * static initialisation of the program; and when a worker is not needed any more, it ends by std::exit, which destroys static
 * objects and calls what was given to atexit. See process_pool for what else a worker finds.
 *
 * @par Errors
 * None are reported to the caller. If procpool's argument was passed to the program by anybody but a pool, the program ends
 * with exit code 64 and a message on standard error.
 *
 * @par Thread safety
 * To be called from the main thread, once.
 */
void init(int argc, char** argv);

/// Whether this process is a worker of some pool, or a pool's fork server. False before `init`.
/**
 * @par Thread safety
 * Any thread may call it.
 */
bool is_worker() noexcept;

} // namespace procpool

#endif
