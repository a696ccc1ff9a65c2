// SPDX-License-Identifier: Apache-2.0
//
// The block formats of GGUF against what ggml says (tests/data/gguf_blocks.txt, made by tests/data/make_gguf_goldens.py):
// unpack bit for bit, pack bit for bit where blocks have 32 weights, and with an error no larger than ggml's for the K
// formats. Weights that are not finite must not do harm.
#include <apertus/format/gguf_blocks.hpp>

#include <apertus/format/formats.hpp>

#include <boost/test/unit_test.hpp>

#include <support/test_support.hpp>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace apertus;

using legacy_formats = type_list<gguf_q8_0, gguf_q4_0, gguf_q4_1, gguf_q5_0, gguf_q5_1>;
using k_formats = type_list<gguf_q4_k, gguf_q5_k, gguf_q6_k>;

template <class F> void for_each_format(F&& f) {
    legacy_formats::for_each(f);
    k_formats::for_each(f);
}

struct golden {
    std::string blocks;
    std::vector<float> values;
};

std::string from_hex(std::string_view text) {
    std::string out;
    const auto digit = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
        out += static_cast<char>(digit(text[i]) << 4 | digit(text[i + 1]));
    }
    return out;
}

std::vector<float> floats_of(std::string_view bytes) {
    std::vector<float> out(bytes.size() / sizeof(float));
    std::memcpy(out.data(), bytes.data(), out.size() * sizeof(float));
    return out;
}

golden read_golden(std::string_view format, std::string_view kind) {
    std::istringstream lines(read_file(source_path("tests/data/gguf_blocks.txt")));
    std::string name, verb, first, second;
    while (lines >> name >> verb >> first >> second) {
        if (name != format || verb != kind) continue;
        if (kind == "pack") std::swap(first, second);
        return {from_hex(first), floats_of(from_hex(second))};
    }
    BOOST_FAIL("no golden of " << format << " " << kind);
    return {};
}

template <class Format> std::vector<float> unpacked(std::string_view blocks) {
    BOOST_REQUIRE_EQUAL(blocks.size() % sizeof(typename Format::block), 0u);
    std::vector<float> out(blocks.size() / sizeof(typename Format::block) * Format::block_size);
    for (std::size_t b = 0; b * sizeof(typename Format::block) < blocks.size(); ++b) {
        typename Format::block block;
        std::memcpy(static_cast<void*>(&block), blocks.data() + b * sizeof block, sizeof block);
        Format::unpack(block, out.data() + b * Format::block_size);
    }
    return out;
}

template <class Format> std::string packed(const std::vector<float>& values) {
    std::string out;
    for (std::size_t i = 0; i < values.size(); i += Format::block_size) {
        typename Format::block block{};
        Format::pack(values.data() + i, block);
        out.append(reinterpret_cast<const char*>(&block), sizeof block);
    }
    return out;
}

/// The squared error of block `b`.
template <class Format>
double error_of(const std::vector<float>& values, const std::vector<float>& back, std::size_t b) {
    double sum = 0;
    for (std::size_t i = b * Format::block_size; i < (b + 1) * Format::block_size; ++i) {
        sum += std::pow(static_cast<double>(values[i]) - static_cast<double>(back[i]), 2);
    }
    return sum;
}

} // namespace

BOOST_AUTO_TEST_SUITE(format_gguf_blocks)

BOOST_AUTO_TEST_CASE(unpack_is_ggmls_bit_for_bit) {
    for_each_format([]<class Format>() {
        BOOST_TEST_CONTEXT(Format::name) {
            const golden g = read_golden(Format::name, "unpack");
            const std::vector<float> values = unpacked<Format>(g.blocks);
            BOOST_REQUIRE_EQUAL(values.size(), g.values.size());
            std::size_t different = 0;
            for (std::size_t i = 0; i < values.size(); ++i) {
                different += std::bit_cast<std::uint32_t>(values[i]) != std::bit_cast<std::uint32_t>(g.values[i]);
            }
            BOOST_TEST(different == 0u);
        }
    });
}

BOOST_AUTO_TEST_CASE(pack_is_ggmls_bit_for_bit) {
    legacy_formats::for_each([]<class Format>() {
        BOOST_TEST_CONTEXT(Format::name) {
            const golden g = read_golden(Format::name, "pack");
            const std::string blocks = packed<Format>(g.values);
            BOOST_REQUIRE_EQUAL(blocks.size(), g.blocks.size());
            for (std::size_t b = 0; b < blocks.size(); b += sizeof(typename Format::block)) {
                BOOST_TEST((blocks.substr(b, sizeof(typename Format::block)) ==
                            g.blocks.substr(b, sizeof(typename Format::block))),
                           "block " << b / sizeof(typename Format::block));
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(pack_of_k_formats_is_at_least_as_good_as_ggmls) {
    k_formats::for_each([]<class Format>() {
        BOOST_TEST_CONTEXT(Format::name) {
            const golden g = read_golden(Format::name, "pack");
            const std::vector<float> ours = unpacked<Format>(packed<Format>(g.values));
            const std::vector<float> theirs = unpacked<Format>(g.blocks);
            for (std::size_t b = 0; b < g.values.size() / Format::block_size; ++b) {
                const double our_error = error_of<Format>(g.values, ours, b);
                const double their_error = error_of<Format>(g.values, theirs, b);
                BOOST_TEST_MESSAGE(Format::name << " block " << b << ": " << our_error << " and ggml's "
                                                << their_error);
                // Where all weights are one number only the rounding of the block's scale is left, which is luck.
                const double luck = 1.5e-7 * error_of<Format>(g.values, std::vector<float>(g.values.size()), b);
                BOOST_TEST(our_error <= their_error * 1.0001 + luck,
                           "block " << b << ": " << our_error << " > " << their_error);
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(what_is_exact_stays_exact) {
    for_each_format([]<class Format>() {
        BOOST_TEST_CONTEXT(Format::name) {
            const std::vector<float> zeros(Format::block_size, 0.0f);
            BOOST_TEST(unpacked<Format>(packed<Format>(zeros)) == zeros);
            // Packing what was unpacked changes little: errors do not pile up.
            std::mt19937 random(7);
            std::normal_distribution<float> normal(0.0f, 0.05f);
            std::vector<float> values(Format::block_size * 8);
            for (float& v : values) v = normal(random);
            const std::vector<float> once = unpacked<Format>(packed<Format>(values));
            const std::vector<float> twice = unpacked<Format>(packed<Format>(once));
            double first = 0, second = 0, size = 0;
            for (std::size_t b = 0; b < 8; ++b) {
                first += error_of<Format>(values, once, b);
                second += error_of<Format>(once, twice, b);
                size += error_of<Format>(values, std::vector<float>(values.size()), b);
            }
            BOOST_TEST_MESSAGE(Format::name << " relative squared error " << first / size << ", again "
                                            << second / size);
            BOOST_TEST(second <= first * 0.2);
            BOOST_TEST(first / size < 0.01);
        }
    });
}

BOOST_AUTO_TEST_CASE(weights_that_are_not_finite) {
    for_each_format([]<class Format>() {
        using limits = std::numeric_limits<float>;
        const float inf = limits::infinity(), nan = limits::quiet_NaN(), most = limits::max(),
                    least = limits::denorm_min();
        BOOST_TEST_CONTEXT(Format::name) {
            for (const float bad : {inf, -inf, nan, most, -most, least, -least, 1e30f, 1e-30f}) {
                std::vector<float> values(Format::block_size, 0.5f);
                values[3] = bad;
                BOOST_TEST(unpacked<Format>(packed<Format>(values)).size() == Format::block_size);
                std::vector<float> all(Format::block_size, bad);
                BOOST_TEST(unpacked<Format>(packed<Format>(all)).size() == Format::block_size);
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(names_and_sizes) {
    for_each_format([]<class Format>() {
        BOOST_TEST(alignof(typename Format::block) <= 2u); // rows of a file are used where they lie
        BOOST_TEST((Format::block_size == 32u || Format::block_size == 256u));
    });
    BOOST_TEST(gguf_q4_k::name == "Q4_K");
}

BOOST_AUTO_TEST_SUITE_END()
