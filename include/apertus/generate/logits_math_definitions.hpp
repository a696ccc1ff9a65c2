// SPDX-License-Identifier: Apache-2.0
//
// The body of generate/logits_math.hpp: the choice among the sets of passes.
#pragma once

#include <apertus/generate/logits_math.hpp>
#include <apertus/generate/logits_passes.hpp>
#include <apertus/simd/isa.hpp>
#include <apertus/simd/target.hpp>

APERTUS_BEGIN_NAMESPACE

namespace detail {

APERTUS_DEFINITION const logits_passes& best_logits_passes() noexcept {
#if APERTUS_X86
    if (is_available(cpu_isa::avx512)) return avx512_logits::passes;
    if (is_available(cpu_isa::avx2)) return avx2_logits::passes;
#endif
    return plain_logits::passes;
}

} // namespace detail

APERTUS_END_NAMESPACE
