// SPDX-License-Identifier: Apache-2.0
//
// Target regions: functions, templates and lambdas between APERTUS_TARGET_BEGIN("avx2,fma") and APERTUS_TARGET_END are
// compiled for those instruction sets whatever the command line says, so that users need no -march flag. Every header
// that a region needs, standard ones above all, must be included before the region opens: an inline function that is
// first seen inside would be compiled for the wider set and could be picked by the linker for everybody.
#pragma once

#include <apertus/version.hpp>

#if (defined(__x86_64__) || defined(__i386__)) && (defined(__GNUC__) || defined(__clang__))
/// 1 where the x86 kernels can be compiled.
#define APERTUS_X86 1
#else
#define APERTUS_X86 0
#endif

#define APERTUS_DETAIL_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define APERTUS_TARGET_BEGIN(features)                                                                                 \
    APERTUS_DETAIL_PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#define APERTUS_TARGET_END APERTUS_DETAIL_PRAGMA(clang attribute pop)
/// Before a loop with a small constant trip count whose body must become straight code. Not in instrumented builds, whose
/// bodies are beyond the compiler's limits (it would warn of every one) and which nobody runs for speed.
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define APERTUS_UNROLL
#else
#define APERTUS_UNROLL APERTUS_DETAIL_PRAGMA(unroll)
#endif
#else
#define APERTUS_TARGET_BEGIN(features)                                                                                 \
    APERTUS_DETAIL_PRAGMA(GCC push_options) APERTUS_DETAIL_PRAGMA(GCC target(features))
#define APERTUS_TARGET_END APERTUS_DETAIL_PRAGMA(GCC pop_options)
#define APERTUS_UNROLL APERTUS_DETAIL_PRAGMA(GCC unroll 16)
#endif

/// For the few-instruction words of a kernel, which must never become calls.
#define APERTUS_ALWAYS_INLINE [[gnu::always_inline]] inline
