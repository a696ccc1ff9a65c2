// SPDX-License-Identifier: Apache-2.0
//
// Activation functions as values with a call operator templated on the lane (a float, or a SIMD batch of float). Learned
// parameters are members. They agree with transformers' activations.py evaluated in float32.
// Adding one: write its functor, add it to `any_activation` and (if a config can name it) to `activation_from_name`.
#pragma once

#include <apertus/core/concepts.hpp>
#include <apertus/core/error.hpp>
#include <apertus/simd/lane.hpp>

#include <cmath>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

APERTUS_BEGIN_NAMESPACE

/// softplus(t) = log(1 + e^t), the identity above 20 (PyTorch's threshold). Evaluated in double, rounded once.
[[nodiscard]] inline float softplus(float t) noexcept {
    return t > 20.0F ? t : static_cast<float>(std::log1p(std::exp(static_cast<double>(t))));
}

/// xIELU (arXiv 2411.13010): quadratic for x > 0, expm1-based for x <= 0, with two learned scalars per layer.
///   x >  0: alpha_p x^2 + beta x                x <= 0: (expm1(min(x, eps)) - x) alpha_n + beta x
/// eps is negative: it keeps expm1 away from 0 only. Evaluation order of the Python path of transformers.
struct xielu {
    float alpha_p = 0.8F; ///< effective: softplus(raw alpha_p)
    float alpha_n = 0.8F; ///< effective: beta + softplus(raw alpha_n)
    float beta = 0.5F;
    float eps = -1e-6F;

    constexpr xielu() = default;
    /// From the checkpoint's raw (inverse-softplus) values.
    xielu(float raw_alpha_p, float raw_alpha_n, float beta_value = 0.5F, float eps_value = -1e-6F) noexcept
        : alpha_p(softplus(raw_alpha_p)), alpha_n(beta_value + softplus(raw_alpha_n)), beta(beta_value),
          eps(eps_value) {}

    template <class Lane> [[nodiscard]] Lane operator()(const Lane& x) const noexcept {
        using lane::expm1, lane::min, lane::select;
        const Lane linear = Lane(beta) * x;
        const Lane positive = Lane(alpha_p) * x * x + linear;
        const Lane negative = (expm1(min(x, Lane(eps))) - x) * Lane(alpha_n) + linear;
        return select(x > Lane(0.0F), positive, negative);
    }
};

/// GELU, exact: x/2 (1 + erf(x / sqrt 2)). "gelu" in configurations.
struct gelu {
    template <class Lane> [[nodiscard]] Lane operator()(const Lane& x) const noexcept {
        using lane::erf;
        return x * Lane(0.5F) * (Lane(1.0F) + erf(x * Lane(0.70710678F)));
    }
};

/// GELU, tanh form: x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). "gelu_new", "gelu_pytorch_tanh".
struct gelu_tanh {
    template <class Lane> [[nodiscard]] Lane operator()(const Lane& x) const noexcept {
        using lane::tanh;
        const Lane inner = Lane(0.79788456F) * (x + Lane(0.044715F) * x * x * x);
        return x * Lane(0.5F) * (Lane(1.0F) + tanh(inner));
    }
};

/// SiLU, also called swish: x / (1 + e^-x).
struct silu {
    template <class Lane> [[nodiscard]] Lane operator()(const Lane& x) const noexcept {
        using lane::exp;
        return x / (Lane(1.0F) + exp(-x));
    }
};

/// max(x, 0); NaN stays NaN.
struct relu {
    template <class Lane> [[nodiscard]] Lane operator()(const Lane& x) const noexcept {
        using lane::select;
        return select(x < Lane(0.0F), Lane(0.0F), x);
    }
};

static_assert(activation<xielu> && activation<gelu> && activation<gelu_tanh> && activation<silu> && activation<relu>);

/// Any of the activations that a configuration can name. Backends' `map` and `map_mul` accept it.
using any_activation = std::variant<xielu, gelu, gelu_tanh, silu, relu>;

namespace detail {
template <class A> inline constexpr bool is_variant = false;
template <class... A> inline constexpr bool is_variant<std::variant<A...>> = true;
} // namespace detail

/// Calls f(activation) with the alternative that a variant of activations holds, or with the activation itself.
template <class A, class F> decltype(auto) visit_activation(const A& act, F&& f) {
    if constexpr (detail::is_variant<A>) {
        return std::visit(std::forward<F>(f), act);
    } else {
        return std::forward<F>(f)(act);
    }
}

/// The activation that `hidden_act` of a config names; `parameters` is used for "xielu".
/// Throws error(config) for a name that the library does not know.
[[nodiscard]] inline any_activation activation_from_name(std::string_view hidden_act, const xielu& parameters = {}) {
    if (hidden_act == "xielu") return parameters;
    if (hidden_act == "gelu") return gelu{};
    if (hidden_act == "gelu_new" || hidden_act == "gelu_pytorch_tanh") return gelu_tanh{};
    if (hidden_act == "silu" || hidden_act == "swish") return silu{};
    if (hidden_act == "relu") return relu{};
    fail(error_category::config, "config", "hidden_act",
         "one of xielu, gelu, gelu_new, gelu_pytorch_tanh, silu, swish, relu", quoted(hidden_act));
}

APERTUS_END_NAMESPACE
