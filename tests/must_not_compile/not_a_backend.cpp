// SPDX-License-Identifier: Apache-2.0
//
// A backend that misses a verb is refused where the model is put on it, and the message names the concept.
// expect: backend
#include <apertus/core/concepts.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

using namespace apertus;
template <std::size_t Rank> using out_tensor = tensor_view<float, Rank>;
template <std::size_t Rank> using in_tensor = tensor_view<const float, Rank>;
using ids_tensor = tensor_view<const std::int32_t, 1>;
using segments = std::span<const kv_segment<>>;

struct no_operation {
    using space = host_space;
    template <class T> std::unique_ptr<T[]> allocate(std::size_t n) { return std::make_unique<T[]>(n); }
    void upload(std::span<const float>, out_tensor<1>) {}
    void download(in_tensor<1>, std::span<float>) {}
    void synchronize() {}
    template <class Weight> void embed(ids_tensor, const Weight&, out_tensor<2>) noexcept {}
    void rms_norm(in_tensor<2>, in_tensor<1>, float, out_tensor<2>) noexcept {}
    template <class Weight> void matmul(in_tensor<2>, const Weight&, in_tensor<1>, out_tensor<2>) noexcept {}
    void rope_angles(ids_tensor, in_tensor<1>, float, out_tensor<2>, out_tensor<2>) noexcept {}
    void rope(out_tensor<3>, in_tensor<2>, in_tensor<2>) noexcept {}
    void store(in_tensor<3>, in_tensor<3>, segments) noexcept {}
#ifndef MUST_NOT_COMPILE
    void attend(in_tensor<3>, segments, float, out_tensor<3>) noexcept {}
#endif
    template <class Activation> void map(const Activation&, out_tensor<2>) noexcept {}
    template <class Activation> void map_mul(const Activation&, out_tensor<2>, in_tensor<2>) noexcept {}
    void add(out_tensor<2>, in_tensor<2>) noexcept {}
};

template <backend Backend> void put_on(Backend& machine) { machine.synchronize(); }

void use(no_operation& machine) { put_on(machine); }
