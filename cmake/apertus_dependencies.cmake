# SPDX-License-Identifier: Apache-2.0
#
# What the headers need, as imported targets of our own. Used by this build and, installed, by apertusConfig.cmake.
# xsimd and nlohmann/json are looked for as headers: Debian 12's own CMake target for xsimd links a library that Debian
# does not ship. No target here carries an instruction-set flag.
#
#   apertus::xsimd, apertus::json    required
#   apertus::openmp                  OpenMP when APERTUS_WITH_OPENMP is not OFF and the compiler has it, else empty
#   apertus::eigen                   only where Eigen is found
#   Threads::Threads                 required
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

if(NOT TARGET apertus::xsimd)
  find_path(APERTUS_XSIMD_INCLUDE_DIR xsimd/xsimd.hpp)
  mark_as_advanced(APERTUS_XSIMD_INCLUDE_DIR)
  if(NOT APERTUS_XSIMD_INCLUDE_DIR)
    message(FATAL_ERROR "apertus needs the headers of xsimd >= 8.1: apt-get install libxsimd-dev, "
                        "or set APERTUS_XSIMD_INCLUDE_DIR")
  endif()
  file(STRINGS "${APERTUS_XSIMD_INCLUDE_DIR}/xsimd/config/xsimd_config.hpp" apertus_xsimd_version
       REGEX "^#define XSIMD_VERSION_(MAJOR|MINOR|PATCH) ")
  list(TRANSFORM apertus_xsimd_version REPLACE "^#define XSIMD_VERSION_[A-Z]+ +([0-9]+).*" "\\1")
  list(JOIN apertus_xsimd_version "." apertus_xsimd_version)
  if(apertus_xsimd_version VERSION_LESS 8.1)
    message(FATAL_ERROR "apertus needs xsimd >= 8.1, found '${apertus_xsimd_version}' in ${APERTUS_XSIMD_INCLUDE_DIR}")
  endif()
  add_library(apertus::xsimd INTERFACE IMPORTED GLOBAL)
  target_include_directories(apertus::xsimd INTERFACE "${APERTUS_XSIMD_INCLUDE_DIR}")
endif()

if(NOT TARGET apertus::json)
  find_path(APERTUS_JSON_INCLUDE_DIR nlohmann/json.hpp)
  mark_as_advanced(APERTUS_JSON_INCLUDE_DIR)
  if(NOT APERTUS_JSON_INCLUDE_DIR)
    message(FATAL_ERROR "apertus needs the headers of nlohmann/json >= 3.11: apt-get install nlohmann-json3-dev, "
                        "or set APERTUS_JSON_INCLUDE_DIR")
  endif()
  add_library(apertus::json INTERFACE IMPORTED GLOBAL)
  target_include_directories(apertus::json INTERFACE "${APERTUS_JSON_INCLUDE_DIR}")
endif()

if(NOT TARGET apertus::openmp)
  add_library(apertus::openmp INTERFACE IMPORTED GLOBAL)
  if(NOT DEFINED APERTUS_WITH_OPENMP OR APERTUS_WITH_OPENMP)
    find_package(OpenMP QUIET COMPONENTS CXX)
    if(OpenMP_CXX_FOUND)
      target_link_libraries(apertus::openmp INTERFACE OpenMP::OpenMP_CXX)
    else()
      message(STATUS "apertus: no OpenMP for this compiler, so no omp_executor")
    endif()
  endif()
endif()

if(NOT TARGET apertus::eigen)
  find_path(APERTUS_EIGEN_INCLUDE_DIR Eigen/Core PATH_SUFFIXES eigen3)
  mark_as_advanced(APERTUS_EIGEN_INCLUDE_DIR)
  if(APERTUS_EIGEN_INCLUDE_DIR)
    add_library(apertus::eigen INTERFACE IMPORTED GLOBAL)
    target_include_directories(apertus::eigen INTERFACE "${APERTUS_EIGEN_INCLUDE_DIR}")
  endif()
endif()
