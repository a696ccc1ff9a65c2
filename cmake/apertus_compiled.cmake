# SPDX-License-Identifier: Apache-2.0
#
# apertus::compiled: the library compiled once, for programs that want short compile times and no more headers than they
# name. Built with the flags of the program that links it, and only then.
if(NOT TARGET apertus_compiled)
  add_library(apertus_compiled STATIC EXCLUDE_FROM_ALL "${CMAKE_CURRENT_LIST_DIR}/src.cpp")
  add_library(apertus::compiled ALIAS apertus_compiled)
  target_compile_definitions(apertus_compiled PUBLIC APERTUS_SEPARATE_COMPILATION)
  target_link_libraries(apertus_compiled PUBLIC apertus::apertus)
endif()
