# SPDX-License-Identifier: Apache-2.0
#
# How the programs of this project are built: flags, and one executable per .cpp of examples/, bench/ and tools/.
# A program whose source includes an optional library is left out, with a message, where the library is missing.

# Flags of our own programs. They are never part of apertus::apertus.
add_library(apertus_flags INTERFACE)
target_link_libraries(apertus_flags INTERFACE apertus::apertus)
target_compile_definitions(apertus_flags INTERFACE APERTUS_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
target_compile_options(apertus_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
  $<$<BOOL:${APERTUS_WERROR}>:-Werror>)
if(APERTUS_SANITIZE)
  target_compile_options(apertus_flags INTERFACE -fsanitize=${APERTUS_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer -g1)
  target_link_options(apertus_flags INTERFACE -fsanitize=${APERTUS_SANITIZE})
endif()

# Our own programs share one compiled copy of the templates behind `causal_lm`, with the same flags. That the header-only
# form works is tested by itself: tools/test.sh, steps example and install.
target_link_libraries(apertus_compiled PRIVATE apertus_flags)

# Optional libraries of tests, benches and tools; Eigen is found with the library's own dependencies.
find_package(benchmark QUIET)
find_path(APERTUS_PCRE2_INCLUDE_DIR pcre2.h)
find_library(APERTUS_PCRE2_LIBRARY pcre2-8)
mark_as_advanced(APERTUS_PCRE2_INCLUDE_DIR APERTUS_PCRE2_LIBRARY)
if(APERTUS_PCRE2_INCLUDE_DIR AND APERTUS_PCRE2_LIBRARY)
  add_library(apertus_pcre2 INTERFACE)
  target_include_directories(apertus_pcre2 SYSTEM INTERFACE ${APERTUS_PCRE2_INCLUDE_DIR})
  target_link_libraries(apertus_pcre2 INTERFACE ${APERTUS_PCRE2_LIBRARY})
endif()

# Sets <out> to the optional libraries that the sources include, or to NOTFOUND and says which one is missing.
function(apertus_optional_libraries out)
  set(libraries "")
  foreach(source IN LISTS ARGN)
    file(STRINGS ${source} includes REGEX "^#include [<\"](benchmark/|pcre2\\.h|Eigen/|eigen3/)")
    foreach(line IN LISTS includes)
      if(line MATCHES "benchmark/")
        set(library benchmark::benchmark)
        set(package libbenchmark-dev)
      elseif(line MATCHES "pcre2")
        set(library apertus_pcre2)
        set(package libpcre2-dev)
      else()
        set(library apertus::eigen)
        set(package libeigen3-dev)
      endif()
      if(NOT TARGET ${library})
        message(STATUS "apertus: not built: ${source} needs ${package}")
        set(${out} NOTFOUND PARENT_SCOPE)
        return()
      endif()
      list(APPEND libraries ${library})
    endforeach()
  endforeach()
  list(REMOVE_DUPLICATES libraries)
  set(${out} "${libraries}" PARENT_SCOPE)
endfunction()

# Each <folder>/<name>.cpp becomes the executable <build>/<folder>/<name>.
function(apertus_add_programs folder)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.cpp)
  foreach(source IN LISTS sources)
    apertus_optional_libraries(libraries ${source})
    if(libraries STREQUAL "NOTFOUND")
      continue()
    endif()
    cmake_path(GET source STEM name)
    add_executable(apertus_${folder}_${name} ${source})
    set_target_properties(apertus_${folder}_${name} PROPERTIES
      OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/${folder})
    target_include_directories(apertus_${folder}_${name} PRIVATE ${PROJECT_SOURCE_DIR}/${folder})
    target_link_libraries(apertus_${folder}_${name} PRIVATE apertus_flags apertus::compiled ${libraries})
  endforeach()
endfunction()

# The command-line program: tools/cli/*.cpp becomes <build>/apertus.
function(apertus_add_cli)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tools/cli/*.cpp)
  if(NOT sources)
    return()
  endif()
  find_path(APERTUS_CLI11_INCLUDE_DIR CLI/CLI.hpp)
  find_path(APERTUS_LIBEDIT_INCLUDE_DIR editline/readline.h)
  find_library(APERTUS_LIBEDIT_LIBRARY edit)
  mark_as_advanced(APERTUS_CLI11_INCLUDE_DIR APERTUS_LIBEDIT_INCLUDE_DIR APERTUS_LIBEDIT_LIBRARY)
  if(NOT APERTUS_CLI11_INCLUDE_DIR)
    message(FATAL_ERROR "the program 'apertus' needs CLI11: apt-get install libcli11-dev, "
                        "or configure with -DAPERTUS_BUILD_TOOLS=OFF")
  endif()
  add_executable(apertus_cli ${sources})
  set_target_properties(apertus_cli PROPERTIES
    OUTPUT_NAME apertus RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
  target_include_directories(apertus_cli SYSTEM PRIVATE ${APERTUS_CLI11_INCLUDE_DIR})
  target_link_libraries(apertus_cli PRIVATE apertus_flags apertus::compiled)
  # One translation unit for all commands: the headers cost more than the commands do.
  set_target_properties(apertus_cli PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
  if(APERTUS_LIBEDIT_INCLUDE_DIR AND APERTUS_LIBEDIT_LIBRARY)
    target_compile_definitions(apertus_cli PRIVATE APERTUS_HAVE_LIBEDIT=1)
    target_include_directories(apertus_cli SYSTEM PRIVATE ${APERTUS_LIBEDIT_INCLUDE_DIR})
    target_link_libraries(apertus_cli PRIVATE ${APERTUS_LIBEDIT_LIBRARY})
  endif()
endfunction()
