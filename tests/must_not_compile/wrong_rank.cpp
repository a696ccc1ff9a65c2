// SPDX-License-Identifier: Apache-2.0
//
// A tensor of rank 3 is not taken where a matrix is meant, and is not indexed like one.
// expect: tensor_view<(float|\[...\]), ?3
#include <apertus/core/tensor.hpp>

float first(const apertus::tensor_view<float, 2>& x) { return x(0, 0); }

float use(const apertus::tensor_view<float, 3>& heads) {
#ifdef MUST_NOT_COMPILE
    return first(heads);
#else
    return first(heads.row(0));
#endif
}
