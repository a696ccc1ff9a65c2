// SPDX-License-Identifier: Apache-2.0
//
// The element types that a GGUF file may name: their numbers, names and block sizes. All of ggml's are known, so that
// a file can be validated and described even where the library has no arithmetic for a type.
// Source: https://github.com/ggml-org/llama.cpp, ggml/include/ggml.h (enum ggml_type), ggml/src/ggml-common.h (blocks).
#pragma once

#include <apertus/version.hpp>

#include <array>
#include <cstdint>
#include <string_view>

APERTUS_BEGIN_NAMESPACE

/// How ggml stores a run of elements: `block_size` elements in `block_bytes` bytes.
struct ggml_type {
    std::uint32_t id = 0;    ///< as in the file
    std::string_view name{}; ///< ggml's, such as "Q4_K"
    std::uint32_t block_size = 1;
    std::uint32_t block_bytes = 4;

    friend constexpr bool operator==(const ggml_type& a, const ggml_type& b) noexcept { return a.id == b.id; }
};

/// Every type of ggml that may stand in a file, by number. Numbers that are not here were never used or are withdrawn.
inline constexpr std::array ggml_types{
    ggml_type{0, "F32", 1, 4},         ggml_type{1, "F16", 1, 2},         ggml_type{2, "Q4_0", 32, 18},
    ggml_type{3, "Q4_1", 32, 20},      ggml_type{6, "Q5_0", 32, 22},      ggml_type{7, "Q5_1", 32, 24},
    ggml_type{8, "Q8_0", 32, 34},      ggml_type{9, "Q8_1", 32, 36},      ggml_type{10, "Q2_K", 256, 84},
    ggml_type{11, "Q3_K", 256, 110},   ggml_type{12, "Q4_K", 256, 144},   ggml_type{13, "Q5_K", 256, 176},
    ggml_type{14, "Q6_K", 256, 210},   ggml_type{15, "Q8_K", 256, 292},   ggml_type{16, "IQ2_XXS", 256, 66},
    ggml_type{17, "IQ2_XS", 256, 74},  ggml_type{18, "IQ3_XXS", 256, 98}, ggml_type{19, "IQ1_S", 256, 50},
    ggml_type{20, "IQ4_NL", 32, 18},   ggml_type{21, "IQ3_S", 256, 110},  ggml_type{22, "IQ2_S", 256, 82},
    ggml_type{23, "IQ4_XS", 256, 136}, ggml_type{24, "I8", 1, 1},         ggml_type{25, "I16", 1, 2},
    ggml_type{26, "I32", 1, 4},        ggml_type{27, "I64", 1, 8},        ggml_type{28, "F64", 1, 8},
    ggml_type{29, "IQ1_M", 256, 56},   ggml_type{30, "BF16", 1, 2},       ggml_type{34, "TQ1_0", 256, 54},
    ggml_type{35, "TQ2_0", 256, 66},   ggml_type{39, "MXFP4", 32, 17},    ggml_type{40, "NVFP4", 64, 36},
    ggml_type{41, "Q1_0", 128, 18},    ggml_type{42, "Q2_0", 64, 18},
};

/// The type of that number, or nullptr.
[[nodiscard]] constexpr const ggml_type* find_ggml_type(std::uint32_t id) noexcept {
    for (const ggml_type& type : ggml_types) {
        if (type.id == id) return &type;
    }
    return nullptr;
}

APERTUS_END_NAMESPACE
