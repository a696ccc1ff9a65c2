// SPDX-License-Identifier: Apache-2.0
//
// The tile unit of AMX in plain C++, word for word as simd/tiles.hpp describes it, with checks of what the hardware leaves
// undefined or faults on. Sources: Intel SDM volume 2, TILELOADD, TILESTORED, TDPBSUD, TDPBF16PS.
#pragma once

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace test_support {

struct emulated_tiles {
    struct registers {
        bool configured = false;
        std::size_t rows[8] = {};
        unsigned char bytes[8][16][64] = {};
        std::size_t products = 0; ///< tile products since the program began
    };
    static registers& unit() {
        static thread_local registers r;
        return r;
    }

    static void configure(std::size_t rows) {
        BOOST_REQUIRE(rows >= 1);
        BOOST_REQUIRE(rows <= 16);
        const std::size_t products = unit().products;
        unit() = {};
        unit().products = products;
        unit().configured = true;
        for (std::size_t i = 0; i < 8; ++i) unit().rows[i] = i < 6 ? rows : 16;
    }
    static void release() {
        BOOST_REQUIRE(unit().configured);
        unit().configured = false;
    }
    template <int R> static void zero() {
        BOOST_REQUIRE(unit().configured);
        std::memset(unit().bytes[R], 0, sizeof unit().bytes[R]);
    }
    template <int R> static void load(const void* p, std::size_t stride) {
        zero<R>();
        for (std::size_t r = 0; r < unit().rows[R]; ++r) {
            std::memcpy(unit().bytes[R][r], static_cast<const char*>(p) + r * stride, 64);
        }
    }
    template <int R> static void store(void* p, std::size_t stride) {
        BOOST_REQUIRE(unit().configured);
        for (std::size_t r = 0; r < unit().rows[R]; ++r) {
            std::memcpy(static_cast<char*>(p) + r * stride, unit().bytes[R][r], 64);
        }
    }
    template <int C, int A, int B> static void dot_bytes() {
        each<std::int32_t, C, A, B>(
            [](std::int32_t& sum, const unsigned char* a, const unsigned char(&b)[16][64], std::size_t n) {
                for (std::size_t k = 0; k < 16; ++k) {
                    for (std::size_t i = 0; i < 4; ++i) sum += static_cast<signed char>(a[4 * k + i]) * b[k][4 * n + i];
                }
            });
    }
    template <int C, int A, int B> static void dot_bf16() {
        each<float, C, A, B>([](float& sum, const unsigned char* a, const unsigned char(&b)[16][64], std::size_t n) {
            float parts[2] = {};
            for (std::size_t k = 0; k < 16; ++k) {
                for (std::size_t i = 0; i < 2; ++i) {
                    parts[i] = std::fma(value(a + 4 * k + 2 * i), value(b[k] + 4 * n + 2 * i), parts[i]);
                }
            }
            sum += parts[0] + parts[1];
        });
    }

private:
    static float value(const unsigned char* bf16) {
        const std::uint32_t bits = static_cast<std::uint32_t>(bf16[0] | bf16[1] << 8) << 16;
        float out = 0;
        std::memcpy(&out, &bits, sizeof out);
        return std::fpclassify(out) == FP_SUBNORMAL ? 0.0F : out;
    }
    template <class T, int C, int A, int B, class F> static void each(F&& f) {
        static_assert(C != A && C != B && A != B);
        BOOST_REQUIRE(unit().configured);
        BOOST_REQUIRE(unit().rows[B] == 16U); // as many as A has groups of four bytes
        BOOST_REQUIRE(unit().rows[C] == unit().rows[A]);
        ++unit().products;
        for (std::size_t m = 0; m < unit().rows[C]; ++m) {
            for (std::size_t n = 0; n < 16; ++n) {
                T sum{};
                std::memcpy(&sum, unit().bytes[C][m] + 4 * n, sizeof sum);
                f(sum, unit().bytes[A][m], unit().bytes[B], n);
                std::memcpy(unit().bytes[C][m] + 4 * n, &sum, sizeof sum);
            }
        }
    }
};

} // namespace test_support
