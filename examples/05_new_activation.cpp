// SPDX-License-Identifier: Apache-2.0
//
// Adding an activation: a value with a call operator templated on the lane. Every backend runs it at once, one float at a
// time or a SIMD vector at a time. (To let a config.json name it, add it to `any_activation` in ops/activations.hpp.)
#include <apertus/backend/cpu.hpp>
#include <apertus/backend/reference.hpp>

#include <cmath>
#include <cstdio>
#include <vector>

// Mish: x tanh(ln(1 + e^x)) (Misra 2019), written as x ((1+e^x)^2 - 1) / ((1+e^x)^2 + 1).
struct mish {
    template <class Lane> Lane operator()(const Lane& x) const {
        using namespace apertus::lane;
        const Lane e = Lane(1.0f) + exp(min(x, Lane(20.0f)));
        const Lane square = e * e;
        return x * (square - Lane(1.0f)) / (square + Lane(1.0f));
    }
};
static_assert(apertus::activation<mish>);

int main() {
    std::vector<float> a(37);
    for (std::size_t i = 0; i < a.size(); ++i) a[i] = 0.4f * static_cast<float>(i) - 7.0f;
    std::vector<float> b = a;

    apertus::reference_backend slow;
    apertus::cpu_backend fast;
    slow.map(mish{}, apertus::tensor_view<float, 2>(a.data(), {1, a.size()}));
    fast.map(mish{}, apertus::tensor_view<float, 2>(b.data(), {1, b.size()}));

    float difference = 0.0f;
    for (std::size_t i = 0; i < a.size(); ++i) difference = std::max(difference, std::abs(a[i] - b[i]));
    std::printf("mish(1) = %.6f (expected 0.865098), reference and cpu differ by %.1e\n", static_cast<double>(a[20]),
                static_cast<double>(difference));
    return difference < 1e-5f && std::abs(a[20] - 0.865098f) < 1e-5f ? 0 : 1;
}
