// SPDX-License-Identifier: Apache-2.0
//
// The version of the library, the macros that open and close its namespace, and those for bodies that may be compiled
// separately.
// Everything lives in `apertus::v0`, an inline namespace: two major versions can be linked into one program.
#pragma once

#define APERTUS_VERSION_MAJOR 0
#define APERTUS_VERSION_MINOR 1
#define APERTUS_VERSION_PATCH 0
#define APERTUS_VERSION_STRING "0.1.0"
/// One number to compare: 10000 * major + 100 * minor + patch.
#define APERTUS_VERSION (APERTUS_VERSION_MAJOR * 10000 + APERTUS_VERSION_MINOR * 100 + APERTUS_VERSION_PATCH)

#define APERTUS_BEGIN_NAMESPACE                                                                                        \
    namespace apertus {                                                                                                \
    inline namespace v0 {
#define APERTUS_END_NAMESPACE                                                                                          \
    }                                                                                                                  \
    }

// A header `x.hpp` whose bodies are heavy declares; the bodies are in `x_definitions.hpp` beside it, which x.hpp includes
// at its end, but not with APERTUS_SEPARATE_COMPILATION defined: then the one translation unit that includes
// <apertus/src.hpp> has the bodies, and all others see declarations only. Header-only, the functions so marked are
// templates without a purpose of their own, so that a file pays only for compiling those that it calls.
#if defined(APERTUS_SEPARATE_COMPILATION) && !defined(APERTUS_SOURCE)
#define APERTUS_DECLARATIONS_ONLY
#endif
#ifdef APERTUS_SEPARATE_COMPILATION
#define APERTUS_DECLARATION
#define APERTUS_DEFINITION
#else
#define APERTUS_DECLARATION template <class Unused = void>
#define APERTUS_DEFINITION template <class Unused>
#endif
