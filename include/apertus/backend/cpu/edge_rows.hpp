// SPDX-License-Identifier: Apache-2.0
//
// Ends of vectors and of matrices, where fewer than sixteen lanes exist. Included like backend/cpu/kernels.hpp and before
// it: inside a target region with APERTUS_KERNEL_NAMESPACE set, hence no #pragma once.
#ifdef APERTUS_KERNEL_NAMESPACE

APERTUS_BEGIN_NAMESPACE
namespace detail::APERTUS_KERNEL_NAMESPACE {

/// The first n < 16 elements at p, zeros after them.
template <class V, class T> inline V load_partial(const T* p, std::size_t n) noexcept {
    T padded[16] = {};
    std::memcpy(static_cast<void*>(padded), static_cast<const void*>(p), n * sizeof(T));
    return V::load(padded);
}
template <class V, class T> inline void store_partial(const V& x, T* p, std::size_t n) noexcept {
    T padded[16];
    x.store(padded);
    std::memcpy(static_cast<void*>(p), static_cast<const void*>(padded), n * sizeof(T));
}

/// Results for sixteen rows of the piece from `row` on, those of them that exist, plus their bias.
template <class V>
APERTUS_ALWAYS_INLINE void store_rows(const product_piece& piece, std::size_t row, std::size_t token, V sum) noexcept {
    const std::size_t n = piece.rows - row;
    float* const out = piece.out + token * piece.out_stride + row;
    const float* const bias = piece.bias == nullptr ? nullptr : piece.bias + row;
    if (n >= 16) {
        (bias == nullptr ? sum : add(sum, V::load(bias))).store(out);
    } else {
        const V biased = bias == nullptr ? sum : add(sum, APERTUS_KERNEL_NAMESPACE::load_partial<V>(bias, n));
        APERTUS_KERNEL_NAMESPACE::store_partial(biased, out, n);
    }
}

} // namespace detail::APERTUS_KERNEL_NAMESPACE
APERTUS_END_NAMESPACE
#endif
