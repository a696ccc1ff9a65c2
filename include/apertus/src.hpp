// SPDX-License-Identifier: Apache-2.0
//
// For programs that would rather compile the library once: define APERTUS_SEPARATE_COMPILATION everywhere (the CMake
// target apertus::compiled does) and include this header in exactly one translation unit, before any other of ours.
#pragma once

#ifndef APERTUS_SEPARATE_COMPILATION
#error "apertus/src.hpp is for separate compilation: define APERTUS_SEPARATE_COMPILATION in the whole program"
#endif

#define APERTUS_SOURCE
#include <apertus/apertus.hpp>
#include <apertus/run/load_model.hpp>

#ifdef APERTUS_DECLARATIONS_ONLY
#error "apertus/src.hpp must be the first header of the library in its translation unit"
#endif
