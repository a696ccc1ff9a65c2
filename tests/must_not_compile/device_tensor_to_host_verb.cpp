// SPDX-License-Identifier: Apache-2.0
//
// A tensor in a device's memory given to a verb of a backend that works on host memory: the message names both spaces.
// expect: device_space
// expect: host_space
#include <apertus/backend/reference.hpp>

struct device_space {};

void use(apertus::reference_backend& backend,
         [[maybe_unused]] const apertus::tensor_view<float, 2, device_space>& on_device,
         [[maybe_unused]] const apertus::tensor_view<float, 2>& on_host) {
#ifdef MUST_NOT_COMPILE
    backend.add(on_device, on_device);
#else
    backend.add(on_host, on_host);
#endif
}
