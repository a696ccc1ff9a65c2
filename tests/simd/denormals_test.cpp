// SPDX-License-Identifier: Apache-2.0
//
// Subnormal numbers are zero while the object lives and numbers again afterwards, in scopes within scopes, on this thread
// alone, and in the kernels of the cpu backend whatever the mode of the threads that run them.
#include <apertus/simd/denormals.hpp>

#include <apertus/backend/cpu.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <cstring>
#include <limits>
#include <thread>
#include <vector>

BOOST_AUTO_TEST_SUITE(simd_denormals)

namespace {

#if defined(__SSE2__) || defined(__aarch64__)
constexpr bool flushes = true;
#else
constexpr bool flushes = false;
#endif

volatile float half = 0.5F; // so that the machine computes, and now

bool subnormals_are_numbers() {
    const volatile float smallest = std::numeric_limits<float>::min();
    const volatile float written = smallest * half;
    const volatile float subnormal = std::numeric_limits<float>::denorm_min();
    const volatile float read = subnormal * 1e30F;
    std::uint32_t bits = 0; // a comparison would see them as zeros, too
    const float value = written;
    std::memcpy(&bits, &value, sizeof bits);
    return bits != 0 && read != 0.0F;
}

} // namespace

BOOST_AUTO_TEST_CASE(the_mode_holds_within_its_scope) {
    BOOST_TEST(subnormals_are_numbers());
    {
        const apertus::flush_denormals outer;
        BOOST_TEST(subnormals_are_numbers() == !flushes);
        {
            const apertus::flush_denormals inner;
            BOOST_TEST(subnormals_are_numbers() == !flushes);
        }
        BOOST_TEST(subnormals_are_numbers() == !flushes);
        bool elsewhere = false;
        std::thread([&] {
            // a thread starts with the mode of the one that made it, or with the usual one; it keeps its own
            const bool before = subnormals_are_numbers();
            {
                const apertus::flush_denormals own;
            }
            elsewhere = subnormals_are_numbers() == before;
        }).join();
        BOOST_TEST(elsewhere);
    }
    BOOST_TEST(subnormals_are_numbers());
}

BOOST_AUTO_TEST_CASE(the_backend_flushes_and_leaves_the_mode_as_it_was) {
    // 2^-140 times 2^100 would be a number that a float can hold
    constexpr std::size_t rows = 512;
    constexpr std::size_t cols = 256;
    const std::vector<float> weights(rows * cols, std::numeric_limits<float>::denorm_min() * 512.0F);
    const std::vector<float> x(cols, 0x1p100F);
    for (const std::size_t threads : {1U, 2U}) {
        std::vector<float> out(rows, -1.0F);
        apertus::cpu_backend backend{apertus::any_executor(threads)};
        backend.matmul(apertus::tensor_view<const float, 2>(x.data(), {1, cols}),
                       apertus::weight_view<apertus::dense<float>>{weights.data(), rows, cols}, {},
                       apertus::tensor_view<float, 2>(out.data(), {1, rows}));
        for (const float y : out) BOOST_TEST((y == 0.0F) == flushes);
        BOOST_TEST(subnormals_are_numbers());
    }
}

BOOST_AUTO_TEST_SUITE_END()
