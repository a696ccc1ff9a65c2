// SPDX-License-Identifier: Apache-2.0
//
// A view of const elements does not become a view that can write.
// expect: tensor_view<const float
#include <apertus/core/tensor.hpp>

apertus::tensor_view<float, 2> weights(const apertus::tensor_view<float, 2>& readable) {
#ifdef MUST_NOT_COMPILE
    const apertus::tensor_view<const float, 2> fixed = readable;
    return fixed;
#else
    return readable;
#endif
}
