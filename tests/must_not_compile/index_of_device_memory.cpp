// SPDX-License-Identifier: Apache-2.0
//
// Memory that the CPU cannot dereference is not indexed on the CPU.
// expect: device_space
#include <apertus/core/tensor.hpp>

struct device_space {};

template <class Space> float first(const apertus::tensor_view<float, 1, Space>& x) { return x(0); }

float use([[maybe_unused]] const apertus::tensor_view<float, 1, device_space>& on_device,
          [[maybe_unused]] const apertus::tensor_view<float, 1>& on_host) {
#ifdef MUST_NOT_COMPILE
    return first(on_device);
#else
    return first(on_host);
#endif
}
