// SPDX-License-Identifier: Apache-2.0
//
// How many bytes a model and a session take, known before anything is allocated.
#pragma once

#include <apertus/core/kv_format.hpp>
#include <apertus/format/kv_dense.hpp>
#include <apertus/version.hpp>

#include <cstddef>

APERTUS_BEGIN_NAMESPACE

struct memory_plan {
    std::size_t weights = 0;     ///< bytes of weights in use (mapped or owned), shared by all sessions
    std::size_t kv_cache = 0;    ///< bytes of keys and values; touched only as sequences grow
    std::size_t activations = 0; ///< bytes of intermediate tensors
    std::size_t logits = 0;      ///< bytes of logits

    [[nodiscard]] constexpr std::size_t total() const noexcept { return weights + kv_cache + activations + logits; }
};

/// What a session is built for.
struct session_options {
    std::size_t max_sequences = 1;   ///< B: how many sequences it can hold
    std::size_t max_length = 4096;   ///< S: positions per sequence
    std::size_t prefill_chunk = 128; ///< T: most tokens that go through the layers together
    /// How keys and values are kept (format/kv_formats.hpp). Null: as the model was loaded for, f32 if nothing was said.
    const kv_format_info* kv_format = nullptr;

    [[nodiscard]] const kv_format_info& cache_format() const noexcept {
        return kv_format != nullptr ? *kv_format : kv_info_of<kv_dense<float>>;
    }
};

APERTUS_END_NAMESPACE
