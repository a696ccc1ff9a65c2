// SPDX-License-Identifier: Apache-2.0
//
// The exponential of vectors and what is made of it: softmax weights and xIELU. Included like backend/cpu/kernels.hpp, and
// by it: hence no #pragma once.
#ifdef APERTUS_KERNEL_NAMESPACE

APERTUS_BEGIN_NAMESPACE
namespace detail::APERTUS_KERNEL_NAMESPACE {

/// x = n ln 2 + r with a whole n (in the low bits of `shifted`) and e^r = 1 + r + r^2 p. Cody-Waite reduction, coefficients of
/// Cephes expf. For -87.3 <= x <= 88.
template <class V> struct split_exponential {
    V shifted;
    V r;
    V p;

    APERTUS_ALWAYS_INLINE explicit split_exponential(const V& x) noexcept {
        const V magic = V::splat(12582912.0F); // 1.5 * 2^23: adding it leaves the rounded integer in the low bits
        shifted = fma(x, V::splat(1.44269504F), magic);
        const V n = sub(shifted, magic);
        r = fnma(n, V::splat(0.693359375F), x);
        r = fnma(n, V::splat(-2.12194440e-4F), r);
        p = V::splat(1.9875691500e-4F);
        p = fma(p, r, V::splat(1.3981999507e-3F));
        p = fma(p, r, V::splat(8.3334519073e-3F));
        p = fma(p, r, V::splat(4.1665795894e-2F));
        p = fma(p, r, V::splat(1.6666665459e-1F));
        p = fma(p, r, V::splat(5.0000001201e-1F));
    }
};

/// e^x for x <= 0 (what a softmax needs), 0 below -87.3, NaN for NaN; error below 2 units in the last place.
template <class V> APERTUS_ALWAYS_INLINE V exp_nonpositive(const V& x) noexcept {
    const split_exponential<V> e(x);
    const V p = fma(fma(e.p, e.r, V::splat(1.0F)), e.r, V::splat(1.0F));
    return zero_where_less(scale_exponent(p, e.shifted), x, V::splat(-87.3F));
}

/// e^x - 1 for x <= 0, -1 below -87.3: 2^n (e^r - 1) + (2^n - 1), which cancels nowhere.
template <class V> APERTUS_ALWAYS_INLINE V expm1_nonpositive(const V& x) noexcept {
    const split_exponential<V> e(max(x, V::splat(-87.3F)));
    const V power = scale_exponent(V::splat(1.0F), e.shifted);
    return fma(power, fma(mul(e.r, e.r), e.p, e.r), sub(power, V::splat(1.0F)));
}

/// x[n] = xIELU(x) (ops/activations.hpp). One core of an Emerald Rapids machine, nanoseconds a value: as the functor on xsimd
/// batches of four, which is what a program compiled without flags has, 2.78 (6 % of a prompt with int4 weights); here 0.37 on
/// AVX-512, 0.57 on AVX2, 1.90 on the baseline.
template <class V> inline void xielu_elements(const xielu& f, float* x, std::size_t n) noexcept {
    const V zero = V::zero();
    const auto value = [&](const V& at) {
        const V positive = max(at, zero);
        const V below = expm1_nonpositive(sub(zero, max(sub(zero, at), V::splat(-f.eps)))); // of min(x, eps)
        const V negative = zero_where_less(sub(below, at), sub(zero, at), zero);            // 0 where x > 0
        const V linear = mul(V::splat(f.beta), at);
        return fma(negative, V::splat(f.alpha_n), fma(mul(V::splat(f.alpha_p), positive), positive, linear));
    };
    std::size_t i = 0;
    for (; i + 16 <= n; i += 16) value(V::load(x + i)).store(x + i);
    if (i < n) store_partial(value(load_partial<V>(x + i, n - i)), x + i, n - i);
}

} // namespace detail::APERTUS_KERNEL_NAMESPACE
APERTUS_END_NAMESPACE

#endif
