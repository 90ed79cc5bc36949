# Copyright (c) 2026 the procpool authors
# Distributed under the Boost Software License, Version 1.0. (See LICENSE)

set(PROCPOOL_SERIALIZATION_SOURCES
    serialization/encoder.cpp
    serialization/decoder.cpp
    serialization/output_archive.cpp
    serialization/input_archive.cpp
    serialization/exceptions.cpp
    serialization/exception_registry.cpp
    serialization/standard_exceptions.cpp
    serialization/error_categories.cpp
)
