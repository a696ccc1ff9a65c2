# SPDX-License-Identifier: Apache-2.0
#
# Conveniences for building this project itself; never applied when apertus is a part of another build.
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()
if(CMAKE_CXX_FLAGS_RELEASE STREQUAL "-O3 -DNDEBUG") # what we promise, we promise for -O2
  set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
endif()

set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_EXTENSIONS OFF)

if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(APERTUS_CCACHE ccache)
  mark_as_advanced(APERTUS_CCACHE)
  if(APERTUS_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${APERTUS_CCACHE})
  endif()
endif()
