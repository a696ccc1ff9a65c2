// SPDX-License-Identifier: Apache-2.0
//
// All block formats of GGUF files that the library computes with. Relative squared error of `pack` on normal weights and on
// the matrices of models/apertus-tiny (quality_driver error, see tools/quality), beside the library's own formats:
//
//   format  bits    normal   tiny        format  bits    normal   tiny        format  bits    normal   tiny
//   Q8_0    8.5     2.9e-5   3.0e-5      Q5_0    5.5     1.8e-3   1.9e-3      Q5_K    5.5     1.2e-3   1.2e-3
//   Q4_0    4.5     7.4e-3   7.6e-3      Q5_1    6       1.4e-3   1.5e-3      Q6_K    6.5625  3.0e-4   3.0e-4
//   Q4_1    5       6.1e-3   6.3e-3      Q4_K    4.5     4.9e-3   5.0e-3
//   int8    8.25    4.2e-5   4.2e-5      int4    4.5     5.6e-3   5.8e-3      bf16    16      2.8e-6   exact
//
// Products unpack runs of blocks to float in the first-level cache (backend/cpu/unpack_kernels.hpp); how the blocks are
// unpacked there by AVX2 and AVX-512 is backend/cpu/gguf_kernels.hpp.
#pragma once

#include <apertus/format/gguf_k.hpp>      // IWYU pragma: export
#include <apertus/format/gguf_legacy.hpp> // IWYU pragma: export
