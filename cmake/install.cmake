# SPDX-License-Identifier: Apache-2.0
#
# Install rules: headers, the CMake package `apertus` (target apertus::apertus), apertus.pc, and the command-line program
# with the embedded model where it is built. Nothing here depends on the machine's architecture but that program.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(apertus_cmake_dir ${CMAKE_INSTALL_DATADIR}/cmake/apertus)

install(TARGETS apertus EXPORT apertus_targets
  FILE_SET HEADERS COMPONENT headers
  FILE_SET fragments COMPONENT headers)
install(EXPORT apertus_targets NAMESPACE apertus:: FILE apertusTargets.cmake
  DESTINATION ${apertus_cmake_dir} COMPONENT headers)

configure_package_config_file(cmake/apertusConfig.cmake.in ${PROJECT_BINARY_DIR}/apertusConfig.cmake
  INSTALL_DESTINATION ${apertus_cmake_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/apertusConfigVersion.cmake
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/apertusConfig.cmake ${PROJECT_BINARY_DIR}/apertusConfigVersion.cmake
  cmake/apertus_dependencies.cmake cmake/apertus_compiled.cmake cmake/src.cpp
  DESTINATION ${apertus_cmake_dir} COMPONENT headers)

configure_file(cmake/apertus.pc.in ${PROJECT_BINARY_DIR}/apertus.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/apertus.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig COMPONENT headers)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT headers)

if(TARGET apertus_cli)
  install(TARGETS apertus_cli RUNTIME COMPONENT program)
  if(EXISTS ${PROJECT_SOURCE_DIR}/models/apertus-tiny)
    install(DIRECTORY models/apertus-tiny DESTINATION ${CMAKE_INSTALL_DATADIR}/apertus/models COMPONENT program)
  endif()
endif()

if(PROJECT_IS_TOP_LEVEL)
  set(CPACK_GENERATOR TGZ DEB)
  set(CPACK_COMPONENTS_ALL headers)
  set(CPACK_DEB_COMPONENT_INSTALL ON)
  set(CPACK_ARCHIVE_COMPONENT_INSTALL ON)
  set(CPACK_PACKAGE_CONTACT "The apertus authors <apertus@localhost>")
  set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
  set(CPACK_DEBIAN_HEADERS_PACKAGE_NAME libapertus-dev)
  set(CPACK_DEBIAN_HEADERS_PACKAGE_ARCHITECTURE all)
  set(CPACK_DEBIAN_HEADERS_PACKAGE_SECTION libdevel)
  set(CPACK_DEBIAN_HEADERS_PACKAGE_DEPENDS "libxsimd-dev (>= 8.1), nlohmann-json3-dev (>= 3.11)")
  set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
  include(CPack)
endif()
