# Copyright (c) 2026 the procpool authors
# Distributed under the Boost Software License, Version 1.0. (See LICENSE)

include(CMakePackageConfigHelpers)

set(procpool_config_dir "${CMAKE_INSTALL_LIBDIR}/cmake/procpool")

install(
    TARGETS procpool
    EXPORT procpoolTargets
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    INCLUDES
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.hpp" PATTERN "*.ipp")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
install(EXPORT procpoolTargets NAMESPACE procpool:: DESTINATION "${procpool_config_dir}")

configure_package_config_file(
    "${PROJECT_SOURCE_DIR}/cmake/procpoolConfig.cmake.in" "${PROJECT_BINARY_DIR}/procpoolConfig.cmake"
    INSTALL_DESTINATION "${procpool_config_dir}"
    NO_SET_AND_CHECK_MACRO
)
# Before 1.0 a minor version may break what compiled.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/procpoolConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(
    FILES "${PROJECT_BINARY_DIR}/procpoolConfig.cmake" "${PROJECT_BINARY_DIR}/procpoolConfigVersion.cmake"
    DESTINATION "${procpool_config_dir}"
)
