// SPDX-License-Identifier: Apache-2.0
//
// The contracts that rooms meet through: activation and backend (that of weight formats is core/weight_format.hpp). A
// model is written against them; a backend satisfies them; neither includes the other. Shape letters as in core/tensor.hpp.
#pragma once

#include <apertus/core/kv_format.hpp>
#include <apertus/core/tensor.hpp>
#include <apertus/core/weight_format.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

APERTUS_BEGIN_NAMESPACE

/// An activation is a value with a call operator templated on the lane (float, or a SIMD batch of float).
template <class A>
concept activation = std::copyable<A> && requires(const A& a, float x) {
    { a(x) } -> std::same_as<float>;
};

namespace detail {
struct probe_format {
    using block = float;
    static constexpr std::string_view name = "probe";
    static constexpr std::size_t block_size = 1;
    static void pack(const float* in, block& out) noexcept { out = *in; }
    static void unpack(const block& in, float* out) noexcept { *out = in; }
};
struct probe_activation {
    template <class Lane> Lane operator()(Lane x) const { return x; }
};
} // namespace detail

/// One of several products of the same rows x[T,K]: out[T,N] = x w[N,K]^T + bias[N]; an empty bias means none.
template <class Space = host_space> struct product {
    weight_view<any_format, Space> w{};
    tensor_view<const float, 1, Space> bias{};
    tensor_view<float, 2, Space> out{};
};

/// What a model needs from a machine. All verbs work on T rows at once and on float activations:
///   allocate<T>(n)                 -> buffer<T>, zeroed memory of the backend's space (throws error(resource))
///   upload(host span, view), download(view, host span), synchronize()
///   embed(ids[T], table[V,D], out[T,D])                      out[t] = table[ids[t]]; ids were checked by the caller
///   rms_norm(x[T,D], weight[D], eps, out[T,D])               out = x * rsqrt(mean(x^2) + eps) * weight; out may be x
///   matmul(x[T,K], w[N,K], bias[N] or empty, out[T,N])       out = x w^T + bias; the sum over K has a fixed order that
///                                                            depends on nothing but K (not on T, N or threads)
///   rope_angles(positions[T], inv_freq[K/2], scale, cos[T,K/2], sin[T,K/2])   angle = float(position) * inv_freq
///   rope(x[T,H,K], cos, sin)                                 in place, half-split (rotate_half) pairs (i, i + K/2)
///   store(k[T,G,K], v[T,G,K], segments)                      append rows to the caches
///   attend(q[T,H,K], segments, scale, out[T,H,K])            softmax(scale * q k^T) v, causal; head h reads kv head h / (H/G)
///   map(activation, x[T,F])                                  in place
///   map_mul(activation, gate[T,F], up[T,F])                  gate = activation(gate) * up
///   add(x[T,D], y[T,D])                                      x += y
/// embed and matmul take a weight_view of any format; a backend may also take weight_view<any_format>, a format known at
/// run time only, in place of having one instance of both for every format there is (see `visit_format`).
/// matmul_all(x[T,K], products), which a backend may have, is matmul for each of them, in one go (q, k and v; gate and up).
/// Compute verbs are noexcept, allocate nothing, and run on the executor that the backend object holds.
template <class B>
concept backend =
    requires { typename B::space; } &&
    requires(B& b, const std::int32_t* i, float* f, std::span<const float> in, std::span<float> out,
             tensor_view<const std::int32_t, 1, typename B::space> ids, tensor_view<float, 1, typename B::space> v1,
             tensor_view<float, 2, typename B::space> v2, tensor_view<float, 3, typename B::space> v3,
             tensor_view<const float, 1, typename B::space> c1, tensor_view<const float, 2, typename B::space> c2,
             tensor_view<const float, 3, typename B::space> c3, weight_view<detail::probe_format, typename B::space> w,
             std::span<const kv_segment<typename B::space>> segments, detail::probe_activation act, float s) {
        b.template allocate<float>(std::size_t{1});
        b.upload(in, v1);
        b.download(c1, out);
        b.synchronize();
        b.embed(ids, w, v2);
        b.rms_norm(c2, c1, s, v2);
        b.matmul(c2, w, c1, v2);
        b.rope_angles(ids, c1, s, v2, v2);
        b.rope(v3, c2, c2);
        b.store(c3, c3, segments);
        b.attend(c3, segments, s, v3);
        b.map(act, v2);
        b.map_mul(act, v2, c2);
        b.add(v2, c2);
    };

APERTUS_END_NAMESPACE
