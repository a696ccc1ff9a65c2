// SPDX-License-Identifier: Apache-2.0
//
// The compiler's x86 intrinsics without g++ 12's false alarm: its AVX-512 headers use a variable that is deliberately
// uninitialized and warn about it wherever they are inlined (GCC bug 105593).
#pragma once

#include <apertus/simd/target.hpp>

#if APERTUS_X86
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
#endif
