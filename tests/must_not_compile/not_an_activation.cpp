// SPDX-License-Identifier: Apache-2.0
//
// An activation that answers in double is not one: arithmetic is in float.
// expect: activation
#include <apertus/core/concepts.hpp>

#ifdef MUST_NOT_COMPILE
using answer = double;
#else
using answer = float;
#endif

struct relu_squared {
    answer operator()(float x) const { return x > 0 ? x * x : 0; }
};

template <apertus::activation Activation> float apply(const Activation& activation, float x) { return activation(x); }

float use(float x) { return apply(relu_squared{}, x); }
