// SPDX-License-Identifier: Apache-2.0
//
// Compiles backend/cpu/kernels.hpp for every instruction set and hands out the table of one of them. This is most of what
// the cpu backend costs to compile; with APERTUS_SEPARATE_COMPILATION it is done once, in apertus/src.hpp.
#pragma once

#include <apertus/backend/cpu/kernel_table.hpp>
#include <apertus/backend/cpu/kv_kernels.hpp>
#include <apertus/simd/isa.hpp>
#include <apertus/simd/xsimd.hpp>

APERTUS_BEGIN_NAMESPACE
namespace detail {

/// The kernels for `isa`, which must be available on this machine. `Arch` tags the portable ones.
template <class Arch = xsimd::default_arch> [[nodiscard]] kernel_table make_kernel_table(cpu_isa isa) noexcept;

} // namespace detail
APERTUS_END_NAMESPACE

#ifndef APERTUS_DECLARATIONS_ONLY
#include <apertus/core/dtype.hpp>
#include <apertus/format/formats.hpp>
#include <apertus/format/int4.hpp>
#include <apertus/format/int8.hpp>
#include <apertus/format/kv_dense.hpp>
#include <apertus/format/kv_int8.hpp>
#include <apertus/ops/norm.hpp>
#include <apertus/simd/dot16.hpp>
#include <apertus/simd/pack_lanes.hpp>
#include <apertus/simd/pairs16.hpp>
#include <apertus/simd/prefetch.hpp>
#include <apertus/simd/quants16.hpp>
#include <apertus/simd/target.hpp>
#include <apertus/simd/tiles.hpp>
#include <apertus/simd/vec16.hpp>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <numeric>
#include <type_traits>
#include <utility>

#define APERTUS_KERNEL_NAMESPACE portable
#include <apertus/backend/cpu/edge_rows.hpp>
#include <apertus/backend/cpu/kernels.hpp>
#include <apertus/backend/cpu/packed_kernels.hpp>
#undef APERTUS_KERNEL_NAMESPACE

#if APERTUS_X86
APERTUS_TARGET_BEGIN(APERTUS_TARGET_AVX2)
#define APERTUS_KERNEL_NAMESPACE avx2
#include <apertus/backend/cpu/edge_rows.hpp>
#include <apertus/backend/cpu/gguf_kernels.hpp>
#include <apertus/backend/cpu/kernels.hpp>
#include <apertus/backend/cpu/packed_kernels.hpp>
#undef APERTUS_KERNEL_NAMESPACE
APERTUS_TARGET_END

APERTUS_TARGET_BEGIN(APERTUS_TARGET_AVX2_VNNI)
#define APERTUS_KERNEL_NAMESPACE avx2_vnni
#include <apertus/backend/cpu/edge_rows.hpp>
#include <apertus/backend/cpu/packed_kernels.hpp>
#undef APERTUS_KERNEL_NAMESPACE
APERTUS_TARGET_END

APERTUS_TARGET_BEGIN(APERTUS_TARGET_AVX512)
#define APERTUS_KERNEL_NAMESPACE avx512
#include <apertus/backend/cpu/edge_rows.hpp>
#include <apertus/backend/cpu/gguf_kernels.hpp>
#include <apertus/backend/cpu/kernels.hpp>
#include <apertus/backend/cpu/packed_kernels.hpp>
#undef APERTUS_KERNEL_NAMESPACE
APERTUS_TARGET_END

APERTUS_TARGET_BEGIN(APERTUS_TARGET_AVX512_VNNI)
#define APERTUS_KERNEL_NAMESPACE avx512_vnni
#include <apertus/backend/cpu/attention_cells.hpp>
#include <apertus/backend/cpu/edge_rows.hpp>
#include <apertus/backend/cpu/packed_kernels.hpp>
#undef APERTUS_KERNEL_NAMESPACE

APERTUS_BEGIN_NAMESPACE
namespace detail::avx512_vnni {
/// Sums of products of pairs in one instruction instead of two; everything else is that of AVX-512.
inline void attend_int8(const attend_job& job) noexcept {
    static constexpr kv_kernels kernels = make_int8_kernels<avx512::vec16>();
    avx512::attention<avx512::vec16>::run(job, kernels);
}
} // namespace detail::avx512_vnni
APERTUS_END_NAMESPACE
APERTUS_TARGET_END

APERTUS_BEGIN_NAMESPACE
namespace detail::amx {
using avx512_vnni::dot16;
using avx512_vnni::packed;
using avx512_vnni::packed_matmul;
using avx512_vnni::packed_together;
using avx512_vnni::store_rows;
} // namespace detail::amx
APERTUS_END_NAMESPACE

APERTUS_TARGET_BEGIN(APERTUS_TARGET_AMX)
#define APERTUS_KERNEL_NAMESPACE amx
#include <apertus/backend/cpu/tile_kernels.hpp>
#undef APERTUS_KERNEL_NAMESPACE
APERTUS_TARGET_END
#endif

APERTUS_BEGIN_NAMESPACE
namespace detail {

template <class Arch> kernel_table make_kernel_table(cpu_isa isa) noexcept {
    kernel_table table;
    switch (isa) {
#if APERTUS_X86
    case cpu_isa::avx2:
        table = avx2::make_table<avx2::vec16, avx2::quants16>();
        table.packed = avx2::make_packed_kernels<avx2::dot16>();
        break;
    case cpu_isa::avx2_vnni:
        table = avx2::make_table<avx2::vec16, avx2::quants16>();
        table.packed = avx2_vnni::make_packed_kernels<avx2_vnni::dot16>();
        break;
    case cpu_isa::avx512:
        table = avx512::make_table<avx512::vec16, avx512::quants16>();
        table.packed = avx512::make_packed_kernels<avx512::dot16>();
        break;
    case cpu_isa::avx512_vnni:
    case cpu_isa::amx:
        table = avx512::make_table<avx512::vec16, avx512::quants16>();
        table.packed = avx512_vnni::make_packed_kernels<avx512_vnni::dot16>();
        table.use_for(kv_int8::name, &avx512_vnni::attend_int8);
        if (isa == cpu_isa::amx) amx::use_tiles<amx::tiles, amx::dot16>(table);
        break;
#endif
    default:
        table = portable::make_table<portable::vec16<Arch>>();
        table.packed = portable::make_packed_kernels<portable::dot16<Arch>>();
        break;
    }
    table.isa = isa;
    return table;
}

#ifdef APERTUS_SEPARATE_COMPILATION
template kernel_table make_kernel_table<xsimd::default_arch>(cpu_isa isa) noexcept;
#endif

} // namespace detail
APERTUS_END_NAMESPACE
#endif
