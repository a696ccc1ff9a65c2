// SPDX-License-Identifier: Apache-2.0
//
// Adding a weight format: a stateless struct that says what a block is, how to pack and how to unpack one. Every backend
// runs it at once by unpack-then-multiply. (To load checkpoints into it, add it to `weight_formats` in
// format/formats.hpp; a faster path is an overload of the backend's kernel.)
#include <apertus/backend/cpu.hpp>
#include <apertus/format/formats.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <vector>

// 32 weights as int8 with one float scale: 9 bits per weight.
struct int8_g32 {
    struct block {
        float scale;
        std::int8_t q[32];
    };
    static constexpr std::string_view name = "int8_g32";
    static constexpr std::size_t block_size = 32;

    static void pack(const float* in, block& out) noexcept {
        float largest = 0.0f;
        for (std::size_t i = 0; i < block_size; ++i) largest = std::max(largest, std::abs(in[i]));
        out.scale = largest / 127.0f;
        const float inverse = largest > 0.0f ? 127.0f / largest : 0.0f;
        for (std::size_t i = 0; i < block_size; ++i) out.q[i] = static_cast<std::int8_t>(std::lround(in[i] * inverse));
    }
    static void unpack(const block& in, float* out) noexcept {
        for (std::size_t i = 0; i < block_size; ++i) out[i] = in.scale * static_cast<float>(in.q[i]);
    }
};
static_assert(apertus::weight_format<int8_g32>);

int main() {
    constexpr std::size_t rows = 50;
    constexpr std::size_t cols = 256;
    std::vector<float> w(rows * cols);
    std::vector<float> x(cols);
    for (std::size_t i = 0; i < w.size(); ++i) w[i] = std::sin(0.37f * static_cast<float>(i));
    for (std::size_t i = 0; i < cols; ++i) x[i] = std::cos(0.11f * static_cast<float>(i));

    std::vector<int8_g32::block> packed(rows * cols / int8_g32::block_size);
    apertus::pack_matrix<int8_g32>(w.data(), rows, cols, packed.data());

    std::vector<float> exact(rows);
    std::vector<float> coarse(rows);
    apertus::cpu_backend cpu;
    const apertus::tensor_view<const float, 2> input(x.data(), {1, cols});
    cpu.matmul(input, apertus::weight_view<apertus::dense<float>>{w.data(), rows, cols}, {},
               apertus::tensor_view<float, 2>(exact.data(), {1, rows}));
    cpu.matmul(input, apertus::weight_view<int8_g32>{packed.data(), rows, cols}, {},
               apertus::tensor_view<float, 2>(coarse.data(), {1, rows}));

    double error = 0.0;
    double norm = 0.0;
    for (std::size_t n = 0; n < rows; ++n) {
        error += std::pow(static_cast<double>(coarse[n] - exact[n]), 2.0);
        norm += std::pow(static_cast<double>(exact[n]), 2.0);
    }
    std::printf("%s: relative error of W x %.2e\n", std::string(int8_g32::name).c_str(), std::sqrt(error / norm));
    return error < 1e-3 * norm ? 0 : 1;
}
