// SPDX-License-Identifier: Apache-2.0
//
// The kernels of the tile unit on an emulated one, so that they are tested on every machine: packed formats against the
// vector kernels, bit for bit, bf16 against double precision; at ragged numbers of rows, tokens and inputs. On a machine
// with AMX tests/conformance runs the real unit as well.
#include <apertus/backend/cpu/kernel_table.hpp>
#include <apertus/core/memory.hpp>
#include <apertus/core/weight_format.hpp>
#include <apertus/format/formats.hpp>
#include <apertus/simd/dot16.hpp>
#include <apertus/simd/prefetch.hpp>
#include <apertus/simd/target.hpp>
#include <apertus/simd/vec16.hpp>
#include <apertus/simd/xsimd.hpp>

#include <support/emulated_tiles.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#define APERTUS_KERNEL_NAMESPACE portable
#include <apertus/backend/cpu/edge_rows.hpp>
#include <apertus/backend/cpu/packed_kernels.hpp>
#include <apertus/backend/cpu/tile_kernels.hpp>
#undef APERTUS_KERNEL_NAMESPACE
#if APERTUS_X86
APERTUS_TARGET_BEGIN(APERTUS_TARGET_AVX512_VNNI)
#define APERTUS_KERNEL_NAMESPACE avx512_vnni
#include <apertus/backend/cpu/edge_rows.hpp>
#include <apertus/backend/cpu/packed_kernels.hpp>
#include <apertus/backend/cpu/tile_kernels.hpp>
#undef APERTUS_KERNEL_NAMESPACE
APERTUS_TARGET_END
#endif

using namespace apertus;
using test_support::emulated_tiles;

namespace {

struct kernels {
    std::string_view name;
    detail::kernel_table vectors;
    detail::kernel_table tiles;
};

/// The tables of the instruction sets that run here.
std::vector<kernels> all_kernels() {
    std::vector<kernels> out;
    using portable = detail::portable::dot16<>;
    out.push_back({"portable", {}, {}});
    out.back().vectors.packed = detail::portable::make_packed_kernels<portable>();
    detail::portable::use_tiles<emulated_tiles, portable>(out.back().tiles);
#if APERTUS_X86
    if (is_available(cpu_isa::avx512_vnni)) {
        using vnni = detail::avx512_vnni::dot16;
        out.push_back({"avx512_vnni", {}, {}});
        out.back().vectors.packed = detail::avx512_vnni::make_packed_kernels<vnni>();
        detail::avx512_vnni::use_tiles<emulated_tiles, vnni>(out.back().tiles);
    }
#endif
    return out;
}

std::vector<float> random_floats(std::size_t n, std::mt19937& random) {
    std::normal_distribution<float> normal;
    std::vector<float> out(n);
    for (float& x : out) x = normal(random);
    return out;
}

struct shape {
    std::size_t tokens;
    std::size_t rows;
    std::size_t k;
};

/// Tokens around one, two and more tiles of sixteen, rows around strips of sixteen and pairs of them, k around blocks.
const std::vector<shape> shapes = {
    {4, 16, 256},  {5, 1, 1},     {7, 17, 129},  {15, 31, 255},  {16, 32, 256},  {17, 33, 257}, {18, 48, 511},
    {31, 15, 640}, {32, 64, 512}, {33, 47, 300}, {47, 49, 1024}, {48, 16, 128},  {49, 20, 384}, {64, 96, 256},
    {65, 32, 700}, {100, 34, 90}, {127, 5, 260}, {128, 40, 513}, {113, 80, 256},
};

void packed_case(const kernels& k, const format_info& format, const shape& s, std::mt19937& random) {
    const std::vector<float> w = random_floats(s.rows * s.k, random);
    std::vector<float> x = random_floats(s.tokens * s.k, random);
    x[x.size() / 2] *= 1000.0F; // an outlier
    const std::vector<float> bias = random_floats(s.rows, random);
    host_buffer<std::byte> packed(format.bytes(s.rows, s.k));
    pack_rows(format, w.data(), s.rows, s.k, packed.data());

    const std::size_t blocks = format.blocks_per_row(s.k);
    const std::size_t room = s.tokens + detail::quantized_rows::most_together;
    host_buffer<std::byte> codes(room * blocks * detail::quantized_rows::bytes_per_block);
    const bool sixteen = format.name == "int8";
    const auto quantized_for = [&](const detail::packed_kernels& of) { // each has its own order
        const detail::quantized_rows rows{codes.data(), blocks, of.together(s.tokens)};
        for (std::size_t t = 0; t < rows.filled_up(s.tokens); ++t) {
            const float* const row = x.data() + std::min(t, s.tokens - 1) * s.k;
            (sixteen ? k.vectors.packed.quantize16 : k.vectors.packed.quantize8)(row, s.k, rows.row(t));
        }
        return rows;
    };
    const std::size_t stride = s.rows + 3;
    std::vector<float> expected(s.tokens * stride, -1.0F);
    std::vector<float> found = expected;
    detail::packed_job job;
    job.w = packed.data();
    job.blocks = blocks;
    job.rows = s.rows;
    job.tokens = s.tokens;
    job.bias = s.tokens % 2 == 0 ? bias.data() : nullptr;
    job.out_stride = stride;
    job.out = expected.data();
    job.x = quantized_for(k.vectors.packed);
    (sixteen ? k.vectors.packed.int8_matmul : k.vectors.packed.int4_matmul)(job);
    job.out = found.data();
    job.x = quantized_for(k.tiles.packed);
    const std::size_t before = emulated_tiles::unit().products;
    (sixteen ? k.tiles.packed.int8_matmul : k.tiles.packed.int4_matmul)(job);
    BOOST_TEST(emulated_tiles::unit().products > before);
    BOOST_TEST(!emulated_tiles::unit().configured); // released
    BOOST_TEST(std::memcmp(expected.data(), found.data(), found.size() * sizeof(float)) == 0,
               k.name << " " << format.name << " " << s.tokens << " x " << s.rows << " x " << s.k);
}

} // namespace

BOOST_AUTO_TEST_SUITE(tile_kernels)

BOOST_AUTO_TEST_CASE(packed_formats_give_the_bits_of_the_vector_kernels) {
    std::mt19937 random(7);
    for (const kernels& k : all_kernels()) {
        for (const format_info* format : {&info_of<int8>, &info_of<int4>}) {
            for (const shape& s : shapes) packed_case(k, *format, s, random);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_few_tokens_stay_with_the_vector_kernels) {
    std::mt19937 random(8);
    const kernels k = all_kernels().front();
    const std::vector<float> w = random_floats(std::size_t{16} * 256, random);
    host_buffer<std::byte> packed(info_of<int8>.bytes(16, 256));
    pack_rows(info_of<int8>, w.data(), 16, 256, packed.data());
    host_buffer<std::byte> codes((3 + detail::quantized_rows::most_together) * detail::quantized_rows::bytes_per_block);
    std::vector<float> out(3 * 16, std::numeric_limits<float>::quiet_NaN());
    detail::packed_job job;
    job.w = packed.data();
    job.blocks = 1;
    job.rows = 16;
    job.x.memory = codes.data();
    job.x.blocks = 1;
    job.x.together = k.tiles.packed.together(3);
    job.tokens = 3;
    job.out_stride = 16;
    job.out = out.data();
    const std::size_t before = emulated_tiles::unit().products;
    for (std::size_t t = 0; t < job.x.filled_up(3); ++t) k.vectors.packed.quantize16(w.data(), 256, job.x.row(t));
    k.tiles.packed.int8_matmul(job);
    BOOST_TEST(emulated_tiles::unit().products == before);
    BOOST_TEST(std::all_of(out.begin(), out.end(), [](float x) { return std::isfinite(x); }));
}

BOOST_AUTO_TEST_CASE(bf16_products_are_those_of_rounded_activations) {
    std::mt19937 random(9);
    for (const kernels& k : all_kernels()) {
        for (const shape& s :
             {shape{1, 1, 1}, shape{2, 16, 32}, shape{15, 17, 33}, shape{16, 32, 64}, shape{17, 31, 511},
              shape{33, 33, 512}, shape{48, 65, 513}, shape{64, 7, 1056}, shape{255, 40, 96}, shape{256, 33, 31}}) {
            const std::vector<float> x = random_floats(s.tokens * s.k, random);
            std::vector<bf16> w(s.rows * s.k);
            for (bf16& value : w) value = bf16(std::normal_distribution<float>()(random));
            const std::vector<float> bias = random_floats(s.rows, random);
            const std::size_t tile_bytes = detail::bf16_tile_job::tile_bytes(s.k);
            host_buffer<std::byte> tiles((s.tokens + 15) / 16 * tile_bytes);
            for (std::size_t t = 0; t < s.tokens; t += 16) {
                k.tiles.bf16_tiles.interleave(x.data() + t * s.k, std::min<std::size_t>(16, s.tokens - t), s.k,
                                              tiles.data() + t / 16 * tile_bytes);
            }
            const std::size_t stride = s.rows + 5;
            std::vector<float> out(s.tokens * stride, -7.0F);
            detail::bf16_tile_job job;
            job.w = w.data();
            job.x = tiles.data();
            job.k = s.k;
            job.rows = s.rows;
            job.tokens = s.tokens;
            job.bias = s.tokens % 2 == 0 ? bias.data() : nullptr;
            job.out = out.data();
            job.out_stride = stride;
            k.tiles.bf16_tiles.matmul(job);
            BOOST_TEST(!emulated_tiles::unit().configured);
            double worst = 0;
            bool untouched = true;
            for (std::size_t t = 0; t < s.tokens; ++t) {
                for (std::size_t r = 0; r < stride; ++r) {
                    const float found = out[t * stride + r];
                    if (r >= s.rows) {
                        untouched = untouched && found == -7.0F;
                        continue;
                    }
                    double sum = job.bias == nullptr ? 0.0 : double{bias[r]};
                    double size = std::fabs(sum);
                    for (std::size_t i = 0; i < s.k; ++i) {
                        const double product = double{static_cast<float>(w[r * s.k + i])} *
                                               double{static_cast<float>(bf16(x[t * s.k + i]))};
                        sum += product;
                        size += std::fabs(product);
                    }
                    worst = std::max(worst, std::fabs(sum - double{found}) / (size + 1e-30));
                }
            }
            BOOST_TEST(untouched);
            BOOST_TEST(worst < 2e-7 * (1.0 + std::sqrt(static_cast<double>(s.k) / 32.0)),
                       k.name << " " << s.tokens << " x " << s.rows << " x " << s.k << ": " << worst);
        }
    }
}

BOOST_AUTO_TEST_CASE(what_is_not_finite_stays_so_in_bf16) {
    for (const kernels& k : all_kernels()) {
        const float x[32] = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                             -std::numeric_limits<float>::infinity(), std::numeric_limits<float>::max()};
        alignas(64) std::byte tile[1024];
        k.tiles.bf16_tiles.interleave(x, 1, 32, tile);
        bf16 out[4];
        std::memcpy(static_cast<void*>(out), tile, 4);          // inputs 0 and 1
        std::memcpy(static_cast<void*>(out + 2), tile + 64, 4); // 2 and 3 of row 0
        BOOST_TEST(std::isnan(static_cast<float>(out[0])));
        BOOST_TEST(static_cast<float>(out[1]) == std::numeric_limits<float>::infinity());
        BOOST_TEST(static_cast<float>(out[2]) == -std::numeric_limits<float>::infinity());
        BOOST_TEST(static_cast<float>(out[3]) == std::numeric_limits<float>::infinity()); // rounds up, as in bf16(x)
    }
}

BOOST_AUTO_TEST_SUITE_END()
