// SPDX-License-Identifier: Apache-2.0
//
// The version of the library and the macros that open and close its namespace.
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
