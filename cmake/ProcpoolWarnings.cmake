# Copyright (c) 2026 the procpool authors
# Distributed under the Boost Software License, Version 1.0. (See LICENSE)

# Warnings for procpool's own code, and only where procpool itself is being built: who embeds it with a newer compiler
# must not be stopped by a warning that did not exist when it was written.
function(procpool_warnings target)
    if(NOT PROJECT_IS_TOP_LEVEL AND NOT PROCPOOL_WARNINGS_AS_ERRORS)
        return()
    endif()
    target_compile_options(
        ${target}
        PRIVATE
            -Wall
            -Wextra
            -Wpedantic
            -Wshadow
            -Wconversion

            -Woverloaded-virtual
            -Wcast-qual
            -Wextra-semi
            -Wvla
    )
    if(CMAKE_CXX_COMPILER_ID MATCHES "Clang") # where -Wconversion means more than it does for GCC
        target_compile_options(${target} PRIVATE -Wno-sign-conversion)
    endif()
    # GCC 12 warns of std::string's own code (its bug 105651).
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
        target_compile_options(${target} PRIVATE -Wno-restrict)
    endif()
    # GCC's manual warns of false positives together with sanitizers, so there a warning stays a warning.
    if(PROCPOOL_WARNINGS_AS_ERRORS AND NOT PROCPOOL_SANITIZE)
        target_compile_options(${target} PRIVATE -Werror)
    endif()
endfunction()
