// SPDX-License-Identifier: Apache-2.0
//
// The passes of logits_math.hpp in vector registers, one text for AVX2 and AVX-512. logits_passes.hpp includes this
// file once per set, inside a target region, after naming the set's sixteen lanes (`lanes`, with the words used below) in
// APERTUS_LOGITS_NAMESPACE; hence no #pragma once, and included alone it is empty. Same lanes, same operations, same
// trees as the plain loops there, and no product is fused with a sum: the results are the same bits. What is left of a row
// goes to the plain functions, which are never inlined here: fused multiply-add would be within the compiler's reach.
#ifdef APERTUS_LOGITS_NAMESPACE

namespace APERTUS_LOGITS_NAMESPACE {

APERTUS_ALWAYS_INLINE lanes exp_of(lanes x) noexcept { // exp_nonpositive, see there
    const auto magnitude = clear_sign(x);
    const lanes clamped = negative_within(magnitude, 87.0f);
    const auto n = truncated(sub(mul(clamped, lanes::splat(1.44269504088896341f)), lanes::splat(0.5f)));
    const lanes nf = to_floats(n);
    const lanes r = add(sub(clamped, mul(nf, lanes::splat(0.693359375f))), mul(nf, lanes::splat(2.12194440e-4f)));
    lanes p = lanes::splat(1.9875691500e-4f);
    p = add(mul(p, r), lanes::splat(1.3981999507e-3f));
    p = add(mul(p, r), lanes::splat(8.3334519073e-3f));
    p = add(mul(p, r), lanes::splat(4.1665795894e-2f));
    p = add(mul(p, r), lanes::splat(1.6666665459e-1f));
    p = add(mul(p, r), lanes::splat(5.0000001201e-1f));
    const lanes value = add(add(mul(p, mul(r, r)), r), lanes::splat(1.0f));
    return zero_beyond(mul(value, power_of_two(n)), magnitude, 87.0f);
}

inline logits_scan scan(const float* x, std::size_t size, float* block_max) noexcept {
    logits_scan out;
    const std::size_t whole = size / scan_block;
    not_numbers nan = not_numbers::none();
    for (std::size_t b = 0; b < whole; ++b) {
        const float* const block = x + b * scan_block;
        const lanes v0 = lanes::load(block);
        const lanes v1 = lanes::load(block + 16);
        const lanes v2 = lanes::load(block + 32);
        const lanes v3 = lanes::load(block + 48);
        nan.look(v0, v1);
        nan.look(v2, v3);
        const lanes low = lanes::splat(minus_infinity); // the second operand is kept where the first is not a number
        block_max[b] = reduce_max(max(v3, max(v2, max(v1, max(v0, low)))));
        out.max = block_max[b] > out.max ? block_max[b] : out.max;
    }
    out.has_nan = nan.seen();
    if (whole * scan_block < size) {
        const logits_scan rest =
            plain_logits::scan(x + whole * scan_block, size - whole * scan_block, block_max + whole);
        out.max = rest.max > out.max ? rest.max : out.max;
        out.has_nan = out.has_nan || rest.has_nan;
    }
    return out;
}

template <bool Divide, bool Store>
inline double exponentials_of(const float* x, std::size_t size, float divisor, float top, float* out,
                              double* block_sum) noexcept {
    const std::size_t whole = size / scan_block;
    const lanes shift = lanes::splat(top);
    const lanes by = lanes::splat(divisor);
    double total = 0.0;
    for (std::size_t b = 0; b < whole; ++b) {
        double_lanes sums = double_lanes::zero();
        APERTUS_UNROLL
        for (std::size_t j = 0; j < scan_block; j += scan_lanes) {
            lanes v = lanes::load(x + b * scan_block + j);
            if constexpr (Divide) v = div(v, by);
            const lanes e = exp_of(sub(v, shift));
            if constexpr (Store) e.store(out + b * scan_block + j);
            sums.add(e);
        }
        const double sum = sums.total();
        if (block_sum != nullptr) block_sum[b] = sum;
        total += sum;
    }
    if (whole * scan_block < size) {
        const std::size_t done = whole * scan_block;
        total += plain_logits::exponentials(x + done, size - done, divisor, top, Store ? out + done : nullptr,
                                            block_sum == nullptr ? nullptr : block_sum + whole);
    }
    return total;
}

inline double exponentials(const float* x, std::size_t size, float divisor, float top, float* out,
                           double* block_sum) noexcept {
    if (divisor == 1.0f) {
        return out != nullptr ? exponentials_of<false, true>(x, size, divisor, top, out, block_sum)
                              : exponentials_of<false, false>(x, size, divisor, top, out, block_sum);
    }
    return out != nullptr ? exponentials_of<true, true>(x, size, divisor, top, out, block_sum)
                          : exponentials_of<true, false>(x, size, divisor, top, out, block_sum);
}

inline double divide(float* x, std::size_t size, float divisor) noexcept {
    const lanes by = lanes::splat(divisor);
    double_lanes sums = double_lanes::zero();
    const std::size_t whole = size / scan_lanes * scan_lanes;
    for (std::size_t i = 0; i < whole; i += scan_lanes) {
        const lanes q = div(lanes::load(x + i), by);
        q.store(x + i);
        sums.add(q);
    }
    return sums.total() + plain_logits::divide(x + whole, size - whole, divisor);
}

inline double entropy(const float* x, std::size_t size, float divisor, float top, float log_sum) noexcept {
    const lanes by = lanes::splat(divisor);
    double_lanes sums = double_lanes::zero();
    const std::size_t whole = size / scan_lanes * scan_lanes;
    for (std::size_t i = 0; i < whole; i += scan_lanes) {
        const lanes surprise = add(sub(lanes::splat(top), div(lanes::load(x + i), by)), lanes::splat(log_sum));
        const lanes share = exp_of(surprise); // of -|surprise|
        sums.add(zero_beyond(mul(surprise, share), clear_sign(surprise), 87.0f));
    }
    return sums.total() + plain_logits::entropy(x + whole, size - whole, divisor, top, log_sum);
}

inline constexpr logits_passes passes{scan, exponentials, divide, entropy};

} // namespace APERTUS_LOGITS_NAMESPACE

#endif
