# Copyright (c) 2026 the procpool authors
# Distributed under the Boost Software License, Version 1.0. (See LICENSE)

# PROCPOOL_SANITIZE instruments everything that is built here: the library, the tests, the examples and the benchmarks.
set(PROCPOOL_SANITIZE_FLAGS "")
if(PROCPOOL_SANITIZE)
    set(PROCPOOL_SANITIZE_FLAGS
        "-fsanitize=${PROCPOOL_SANITIZE}" -fno-sanitize-recover=all -fno-omit-frame-pointer -fno-optimize-sibling-calls
    )
    add_compile_options(${PROCPOOL_SANITIZE_FLAGS})
    if(PROCPOOL_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # Asio has fences, which ThreadSanitizer does not see; there are mutexes around them, which it does.
        add_compile_options(-Wno-tsan)
    endif()
    add_link_options(${PROCPOOL_SANITIZE_FLAGS})
endif()

# The environment of the tests of such a build. Workers inherit it, so it holds for them as well.
#
# The fatal signals stay with the system: a test in which a worker dies of SIGSEGV is to see SIGSEGV, not the exit code
# of a sanitizer that got in between.
set(procpool_leave_signals "handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:handle_abort=0")
set(PROCPOOL_SANITIZE_ENVIRONMENT "")
if(PROCPOOL_SANITIZE MATCHES "address")
    list(
        APPEND PROCPOOL_SANITIZE_ENVIRONMENT
        "ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1:${procpool_leave_signals}"
    )
endif()
if(PROCPOOL_SANITIZE MATCHES "undefined")
    list(APPEND PROCPOOL_SANITIZE_ENVIRONMENT "UBSAN_OPTIONS=print_stacktrace=1:${procpool_leave_signals}")
endif()
if(PROCPOOL_SANITIZE MATCHES "thread")
    list(
        APPEND PROCPOOL_SANITIZE_ENVIRONMENT
        "TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/support/thread_sanitizer.suppressions:second_deadlock_stack=1:history_size=4:atexit_sleep_ms=0:${procpool_leave_signals}"
    )
endif()
