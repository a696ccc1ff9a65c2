// SPDX-License-Identifier: Apache-2.0
//
// Formats without kernels of their own, at every instruction set of the machine: blocks unpack to the bits of the format's
// own `unpack` (which tests/format holds against ggml), and a product has the bits of the product with the same weights
// stored as float, for one token and for many, for blocks of any shape.
#include <apertus/backend/cpu.hpp>

#include <conformance/backends.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <cstring>
#include <random>

using namespace conformance;

namespace {

/// Blocks of several rows, or very wide ones, that no list knows: a scale for all, codes of eight bits.
template <std::size_t Rows, std::size_t Cols> struct odd_format {
    struct block {
        std::array<std::int8_t, Rows * Cols> codes;
    };
    static constexpr std::string_view name = "odd";
    static constexpr std::size_t block_rows = Rows;
    static constexpr std::size_t block_size = Cols;

    static void pack(const float* in, block& out) noexcept {
        for (std::size_t i = 0; i < Rows * Cols; ++i) out.codes[i] = static_cast<std::int8_t>(in[i] * 100.0F);
    }
    static void unpack(const block& in, float* out) noexcept {
        for (std::size_t i = 0; i < Rows * Cols; ++i) out[i] = static_cast<float>(in.codes[i]) * 0.0078125F;
    }
};
using odd_formats = type_list<odd_format<1, 2048>, odd_format<1, 24>, odd_format<1, 1008>, odd_format<2, 48>,
                              odd_format<4, 20>, odd_format<8, 128>, odd_format<16, 512>, odd_format<16, 1>>;

bool same_bits(const float* a, const float* b, std::size_t n) { return std::memcmp(a, b, n * sizeof(float)) == 0; }

/// Random bytes, but every number of sixteen bits in a block that may be a scale is finite.
template <class Format> std::vector<std::byte> random_blocks(std::mt19937& random, std::size_t count) {
    std::vector<std::byte> out(count * sizeof(typename Format::block));
    for (std::byte& b : out) b = static_cast<std::byte>(random());
    const auto finite = [](std::byte& upper) {
        if ((upper & std::byte{0x7c}) == std::byte{0x7c}) upper &= std::byte{0x83};
    };
    for (std::size_t at = 0; at < out.size(); at += sizeof(typename Format::block)) {
        if constexpr (requires { &Format::block::low; }) {
            finite(out[at + offsetof(typename Format::block, scale) + 1]);
        } else {
            finite(out[at + 1]); // the scale comes first, and an offset after it
            finite(out[at + 3]);
        }
    }
    return out;
}

template <class Format> void check_products(cpu_backend& backend) {
    generator g(17);
    for (const std::size_t k : {std::size_t{1}, std::size_t{31}, std::size_t{64}, std::size_t{259}, std::size_t{576},
                                std::size_t{1300}, std::size_t{4160}}) {
        for (const std::size_t n : {std::size_t{1}, std::size_t{5}, std::size_t{17}, std::size_t{97}}) {
            const packed_matrix<Format> w(g, n, k);
            const weight_view<dense<float>> same{w.values.data(), n, k};
            const auto bias = g.vector(n);
            const auto x = g.vector(51 * k);
            for (const std::size_t t : {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{51}}) {
                std::vector<float> out(t * n);
                std::vector<float> expected(t * n);
                const auto rows = tensor_view<const float, 2>(x.data(), {t, k});
                backend.matmul(rows, w.view(), view1(bias), view2(out, t, n));
                backend.matmul(rows, same, view1(bias), view2(expected, t, n));
                BOOST_TEST(same_bits(out.data(), expected.data(), out.size()),
                           to_string(backend.isa()) << " " << Format::name << " " << block_rows_of<Format> << " x "
                                                    << Format::block_size << " T=" << t << " N=" << n << " K=" << k);
            }
        }
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(backend_unpack_kernels)

BOOST_AUTO_TEST_CASE(blocks_unpack_to_the_bits_of_the_format) {
    for (const cpu_isa isa : available_isas()) {
        const detail::kernel_table table = detail::make_kernel_table(isa);
        std::mt19937 random(5);
        weight_formats::for_each([&]<class Format>() {
            const auto unpack = table.unpackers.find(info_of<Format>);
            BOOST_TEST((unpack != nullptr) == (block_rows_of<Format> == 1 && Format::block_size != 1), Format::name);
            if constexpr (block_rows_of<Format> == 1 && Format::block_size != 1) {
                for (std::size_t count = 1; count < 40; ++count) {
                    const auto blocks = random_blocks<Format>(random, count);
                    std::vector<std::byte> shifted(blocks.size() + 1); // any address
                    std::memcpy(shifted.data() + 1, blocks.data(), blocks.size());
                    std::vector<float> out(count * Format::block_size + 1, -1.0F);
                    unpack(shifted.data() + 1, count, out.data());
                    std::vector<float> expected(count * Format::block_size);
                    for (std::size_t b = 0; b < count; ++b) {
                        info_of<Format>.unpack(blocks.data() + b * info_of<Format>.block_bytes,
                                               expected.data() + b * Format::block_size);
                    }
                    BOOST_TEST(same_bits(out.data(), expected.data(), expected.size()),
                               to_string(isa) << " " << Format::name << ", " << count << " blocks");
                    BOOST_TEST(out.back() == -1.0F);
                }
            }
        });
        BOOST_TEST((table.unpackers.find(info_of<toy_int8>) == nullptr));
    }
}

BOOST_AUTO_TEST_CASE(products_have_the_bits_of_products_with_floats) {
    for (const cpu_isa isa : available_isas()) {
        cpu_backend backend(any_executor(2), {isa});
        formats::for_each([&]<class Format>() {
            if constexpr (block_rows_of<Format> == 1) check_products<Format>(backend);
        });
    }
}

BOOST_AUTO_TEST_CASE(blocks_of_any_shape_will_do) {
    for (const cpu_isa isa : available_isas()) {
        cpu_backend backend(any_executor(2), {isa});
        odd_formats::for_each([&]<class Format>() { check_products<Format>(backend); });
    }
}

BOOST_AUTO_TEST_SUITE_END()
