// SPDX-License-Identifier: Apache-2.0
//
// Inverse frequencies of rotary position embeddings, all six types: default, linear, dynamic, yarn, longrope, llama3.
// Agrees with transformers 5.23 src/transformers/modeling_rope_utils.py, step by step in fp32 where torch works in fp32
// and in double where Python does. torch's vectorised pow is off by one unit in the last place in about one element of a
// hundred; ours is correctly rounded. Everything else is equal bit for bit, under any compiler flags: each operation is
// done in double and rounded, which is the fp32 result and leaves nothing to contract into a fused multiply-add.
// The rotation angle of pair i at position p is p * inv_freq[i]; cos and sin are multiplied by the attention scaling.
#pragma once

#include <apertus/core/error.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

/// "rope_type" of config.json.
enum class rope_kind : std::uint8_t {
    plain, ///< "default": theta^(-2i/K)
    linear,
    dynamic,
    yarn,
    longrope,
    llama3,
};

[[nodiscard]] constexpr std::string_view to_string(rope_kind kind) noexcept {
    switch (kind) {
    case rope_kind::plain: return "default";
    case rope_kind::linear: return "linear";
    case rope_kind::dynamic: return "dynamic";
    case rope_kind::yarn: return "yarn";
    case rope_kind::longrope: return "longrope";
    case rope_kind::llama3: return "llama3";
    }
    return "unknown";
}

/// The RoPE block of config.json under Hugging Face's names; absent means null or not given.
struct rope_parameters {
    rope_kind rope_type = rope_kind::plain;
    double rope_theta = 10000.0;
    std::optional<double> factor;            ///< needed by linear, dynamic, llama3; yarn and longrope derive it
    std::size_t max_position_embeddings = 0; ///< of the model; used by dynamic, yarn, longrope
    std::size_t original_max_position_embeddings = 0; ///< yarn, longrope, llama3
    double low_freq_factor = 1.0;                     ///< llama3
    double high_freq_factor = 4.0;                    ///< llama3
    std::optional<double> attention_factor;           ///< yarn, longrope
    double beta_fast = 32.0;                          ///< yarn
    double beta_slow = 1.0;                           ///< yarn
    std::optional<double> mscale;                     ///< yarn
    std::optional<double> mscale_all_dim;             ///< yarn
    bool truncate = true;                             ///< yarn
    std::vector<double> short_factor;                 ///< longrope, [K/2]
    std::vector<double> long_factor;                  ///< longrope, [K/2]

    friend bool operator==(const rope_parameters&, const rope_parameters&) = default;
};

/// Whether the frequencies change with the length of the sequence (dynamic and longrope).
[[nodiscard]] constexpr bool rope_depends_on_length(const rope_parameters& p) noexcept {
    return p.rope_type == rope_kind::dynamic || p.rope_type == rope_kind::longrope;
}

namespace detail {

/// Single-precision arithmetic that no compiler flag changes.
struct f32 {
    static float mul(float a, float b) noexcept { return static_cast<float>(static_cast<double>(a) * b); }
    static float div(float a, float b) noexcept { return static_cast<float>(static_cast<double>(a) / b); }
    static float add(float a, float b) noexcept { return static_cast<float>(static_cast<double>(a) + b); }
    static float sub(float a, float b) noexcept { return static_cast<float>(static_cast<double>(a) - b); }
    static float pow(float a, float b) noexcept {
        return static_cast<float>(std::pow(static_cast<double>(a), static_cast<double>(b)));
    }
    static float reciprocal(float a) noexcept { return div(1.0f, a); }
};

/// out[i] = base^(2i/K), the wavelengths divided by 2 pi.
inline void rope_powers(float base, std::span<float> out) noexcept {
    const auto head_dim = static_cast<float>(2 * out.size());
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = f32::pow(base, f32::div(static_cast<float>(2 * i), head_dim));
}

inline void rope_plain(float base, std::span<float> out) noexcept {
    rope_powers(base, out);
    for (float& v : out) v = f32::reciprocal(v);
}

inline void rope_linear(const rope_parameters& p, std::span<float> out) noexcept {
    rope_plain(static_cast<float>(p.rope_theta), out);
    for (float& v : out) v = f32::div(v, static_cast<float>(*p.factor));
}

/// NTK scaling: the base grows with the sequence once it is longer than max_position_embeddings.
inline void rope_dynamic(const rope_parameters& p, std::size_t sequence_length, std::span<float> out) noexcept {
    const auto head_dim = static_cast<double>(2 * out.size());
    const double exponent = head_dim / (head_dim - 2.0);
    const auto max_positions = static_cast<double>(p.max_position_embeddings);
    const double factor = *p.factor;
    if (sequence_length <= p.max_position_embeddings) { // Python floats, as when the model is built
        const double growth = factor * max_positions / max_positions - (factor - 1.0);
        rope_plain(static_cast<float>(p.rope_theta * std::pow(growth, exponent)), out);
        return;
    }
    // The reference's length is a tensor here, so that this happens in fp32 (with the exponent in double).
    float growth = f32::mul(static_cast<float>(sequence_length), static_cast<float>(factor));
    growth = f32::div(growth, static_cast<float>(max_positions));
    growth = f32::sub(growth, static_cast<float>(factor - 1.0));
    const auto power = static_cast<float>(std::pow(static_cast<double>(growth), exponent));
    rope_plain(f32::mul(power, static_cast<float>(p.rope_theta)), out);
}

/// YaRN (arXiv 2309.00071): low frequencies are interpolated, high ones kept, with a linear ramp between. Returns the
/// attention scaling.
inline float rope_yarn(const rope_parameters& p, std::span<float> out) noexcept {
    const auto original = static_cast<double>(p.original_max_position_embeddings);
    const double factor = p.factor ? *p.factor : static_cast<double>(p.max_position_embeddings) / original;
    const auto scale = [factor](double m) { return factor <= 1.0 ? 1.0 : 0.1 * m * std::log(factor) + 1.0; };
    double attention = 0.0;
    if (p.attention_factor) attention = *p.attention_factor;
    else if (p.mscale.value_or(0.0) != 0.0 && p.mscale_all_dim.value_or(0.0) != 0.0) {
        attention = scale(*p.mscale) / scale(*p.mscale_all_dim);
    } else {
        attention = scale(1.0);
    }

    const auto head_dim = static_cast<double>(2 * out.size());
    const auto correction = [&](double rotations) {
        return head_dim * std::log(original / (rotations * 2.0 * std::numbers::pi)) / (2.0 * std::log(p.rope_theta));
    };
    double low = correction(p.beta_fast);
    double high = correction(p.beta_slow);
    if (p.truncate) {
        low = std::floor(low);
        high = std::ceil(high);
    }
    low = std::max(low, 0.0);
    high = std::min(high, head_dim - 1.0);
    if (low == high) high += 0.001;

    rope_powers(static_cast<float>(p.rope_theta), out);
    for (std::size_t i = 0; i < out.size(); ++i) {
        const float kept = f32::reciprocal(out[i]);
        const float interpolated = f32::reciprocal(f32::mul(out[i], static_cast<float>(factor)));
        const float ramp =
            f32::div(f32::sub(static_cast<float>(i), static_cast<float>(low)), static_cast<float>(high - low));
        const float keep = f32::sub(1.0f, std::clamp(ramp, 0.0f, 1.0f));
        out[i] = f32::add(f32::mul(interpolated, f32::sub(1.0f, keep)), f32::mul(kept, keep));
    }
    return static_cast<float>(attention);
}

/// LongRoPE (arXiv 2402.13753): one learned divisor per frequency, another set beyond the original length.
inline float rope_longrope(const rope_parameters& p, std::size_t sequence_length, std::span<float> out) noexcept {
    const auto original = static_cast<double>(p.original_max_position_embeddings);
    const double factor = p.factor ? *p.factor : static_cast<double>(p.max_position_embeddings) / original;
    double attention = 1.0;
    if (p.attention_factor) attention = *p.attention_factor;
    else if (factor > 1.0) attention = std::sqrt(1.0 + std::log(factor) / std::log(original));
    const std::vector<double>& divisors =
        sequence_length > p.original_max_position_embeddings ? p.long_factor : p.short_factor;
    rope_powers(static_cast<float>(p.rope_theta), out);
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = f32::reciprocal(f32::mul(static_cast<float>(divisors[i]), out[i]));
    }
    return static_cast<float>(attention);
}

/// Llama 3.1: long wavelengths are divided by the factor, short ones kept, a smooth blend between.
inline void rope_llama3(const rope_parameters& p, std::span<float> out) noexcept {
    const auto original = static_cast<double>(p.original_max_position_embeddings);
    const auto factor = static_cast<float>(*p.factor);
    const auto low = static_cast<float>(p.low_freq_factor);
    const auto band = static_cast<float>(p.high_freq_factor - p.low_freq_factor);
    const auto low_wavelength = static_cast<float>(original / p.low_freq_factor);
    const auto high_wavelength = static_cast<float>(original / p.high_freq_factor);
    rope_plain(static_cast<float>(p.rope_theta), out);
    for (float& v : out) {
        const float wavelength = f32::mul(f32::reciprocal(v), static_cast<float>(2.0 * std::numbers::pi));
        if (wavelength > low_wavelength) {
            v = f32::div(v, factor);
        } else if (!(wavelength < high_wavelength)) {
            const float rotations = f32::mul(f32::reciprocal(wavelength), static_cast<float>(original));
            const float smooth = f32::div(f32::sub(rotations, low), band);
            v = f32::add(f32::div(f32::mul(f32::sub(1.0f, smooth), v), factor), f32::mul(smooth, v));
        }
    }
}

} // namespace detail

namespace detail {

/// Throws error(config) when a parameter that the type needs is missing or does not fit K/2 = `half` frequencies.
inline void check_rope(const rope_parameters& p, std::size_t half) {
    const auto bad = [&](std::string_view name, const std::string& expected, const std::string& found) {
        fail(error_category::config, "rope_parameters of type " + std::string(to_string(p.rope_type)), name, expected,
             found);
    };
    const rope_kind type = p.rope_type;
    const bool needs_factor = type == rope_kind::linear || type == rope_kind::dynamic || type == rope_kind::llama3;
    if (needs_factor && !p.factor) bad("factor", "a number", "none");
    if (type == rope_kind::dynamic && p.max_position_embeddings == 0)
        bad("max_position_embeddings", "a positive number", "0");
    if (type == rope_kind::dynamic && half < 2) bad("head_dim", "more than 2", std::to_string(2 * half));
    const bool needs_original = type == rope_kind::yarn || type == rope_kind::longrope || type == rope_kind::llama3;
    if (needs_original && p.original_max_position_embeddings == 0)
        bad("original_max_position_embeddings", "a positive number", "0");
    if (type != rope_kind::longrope) return;
    for (const auto& [name, list] :
         {std::pair{std::string_view("short_factor"), &p.short_factor}, {"long_factor", &p.long_factor}}) {
        if (list->size() != half) bad(name, std::to_string(half) + " numbers", std::to_string(list->size()));
    }
}

} // namespace detail

/// Fills inv_freq [K/2] for a sequence that has `sequence_length` positions after the current step, and returns the
/// attention scaling. Only dynamic and longrope look at the length. A transformers model remembers the longest sequence
/// that it has seen (until one shorter than max_position_embeddings comes) and uses that one's base for all; here the
/// length of the sequence itself decides, as in a freshly built model.
/// No allocation. Throws error(config) when a parameter that the type needs is missing.
inline float compute_rope_frequencies(const rope_parameters& p, std::size_t sequence_length,
                                      std::span<float> inv_freq) {
    detail::check_rope(p, inv_freq.size());
    switch (p.rope_type) {
    case rope_kind::plain: detail::rope_plain(static_cast<float>(p.rope_theta), inv_freq); break;
    case rope_kind::linear: detail::rope_linear(p, inv_freq); break;
    case rope_kind::dynamic: detail::rope_dynamic(p, sequence_length, inv_freq); break;
    case rope_kind::yarn: return detail::rope_yarn(p, inv_freq);
    case rope_kind::longrope: return detail::rope_longrope(p, sequence_length, inv_freq);
    case rope_kind::llama3: detail::rope_llama3(p, inv_freq); break;
    }
    return 1.0f;
}

/// The frequencies of one sequence length, owned.
struct rope_frequencies {
    std::vector<float> inv_freq;    ///< [K/2]
    float attention_scaling = 1.0f; ///< factor on cos and sin
};

/// The same for callers who want a value. `head_dim` is K.
[[nodiscard]] inline rope_frequencies compute_rope_frequencies(const rope_parameters& p, std::size_t sequence_length,
                                                               std::size_t head_dim) {
    rope_frequencies result;
    result.inv_freq.resize(head_dim / 2);
    result.attention_scaling = compute_rope_frequencies(p, sequence_length, std::span(result.inv_freq));
    return result;
}

APERTUS_END_NAMESPACE
