// SPDX-License-Identifier: Apache-2.0
//
// Rotary frequencies against transformers (tests/golden/rope_frequencies.json, made by tools/goldens/make_rope_goldens.py)
// and against fp64 values of the fact sheet of the model family.
#include <apertus/ops/rope_frequencies.hpp>

#include <apertus/io/json.hpp>
#include <apertus/run/config_json.hpp>

#include <boost/test/unit_test.hpp>

#include <support/error_message.hpp>
#include <support/test_support.hpp>

#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

namespace {

using apertus::compute_rope_frequencies;
using apertus::rope_kind;
using apertus::rope_parameters;

/// Distance in units in the last place; both positive and finite.
std::int64_t ulps(float a, float b) {
    return std::abs(static_cast<std::int64_t>(std::bit_cast<std::int32_t>(a)) -
                    static_cast<std::int64_t>(std::bit_cast<std::int32_t>(b)));
}

rope_parameters llama3(double theta, double factor) {
    rope_parameters p = apertus::default_apertus_rope();
    p.rope_theta = theta;
    p.factor = factor;
    return p;
}

rope_parameters plain(double theta) {
    rope_parameters p;
    p.rope_theta = theta;
    return p;
}

void check_values(const rope_parameters& p, std::size_t head_dim,
                  const std::vector<std::pair<std::size_t, double>>& values) {
    const auto f = compute_rope_frequencies(p, 0, head_dim);
    BOOST_REQUIRE_EQUAL(f.inv_freq.size(), head_dim / 2);
    BOOST_TEST(f.attention_scaling == 1.0f);
    for (const auto& [i, expected] : values) {
        BOOST_TEST(std::abs(f.inv_freq[i] - expected) <= 1e-6 * expected,
                   "index " << i << ": " << f.inv_freq[i] << " vs " << expected);
    }
}

std::string message_of(const rope_parameters& p, std::size_t head_dim = 64) {
    return error_message(apertus::error_category::config, [&] { (void)compute_rope_frequencies(p, 0, head_dim); });
}

} // namespace

BOOST_AUTO_TEST_SUITE(rope_frequencies)

BOOST_AUTO_TEST_CASE(equal_transformers) {
    const auto golden =
        apertus::parse_json(read_file(source_path("tests/golden/rope_frequencies.json")), "rope_frequencies.json");
    std::size_t values = 0;
    std::size_t different = 0;
    for (const auto& c : golden["cases"]) {
        const auto config = apertus::parse_config_json(c["config"].dump());
        const auto length = c["sequence_length"].get<std::size_t>();
        const auto f = compute_rope_frequencies(config.rope_parameters, length, config.head_dim);
        BOOST_TEST_CONTEXT(c["name"] << " at length " << length) {
            BOOST_TEST(f.attention_scaling == c["attention_scaling"].get<float>());
            BOOST_REQUIRE_EQUAL(f.inv_freq.size(), c["inv_freq"].size());
            for (std::size_t i = 0; i < f.inv_freq.size(); ++i) {
                const auto expected = c["inv_freq"][i].get<float>();
                // torch's pow is off by one unit here and there, and llama3's blend may double that.
                BOOST_TEST(ulps(f.inv_freq[i], expected) <= 2,
                           "index " << i << ": " << f.inv_freq[i] << " vs " << expected);
                different += f.inv_freq[i] != expected ? 1 : 0;
            }
            values += f.inv_freq.size();
        }
    }
    BOOST_TEST(values > 1000u);
    BOOST_TEST(different * 100 < values, different << " of " << values << " differ");
    BOOST_TEST_MESSAGE(different << " of " << values << " frequencies differ from transformers in the last bits");
}

BOOST_AUTO_TEST_CASE(values_of_the_family) {
    check_values(llama3(12e6, 8), 128,
                 {{0, 1.0},
                  {1, 0.775153644},
                  {2, 0.600863172},
                  {16, 0.0169904424},
                  {23, 0.00262792096},
                  {24, 0.00149602789},
                  {25, 0.000834575711},
                  {26, 0.000451598352},
                  {27, 0.000232693877},
                  {28, 0.000109853663},
                  {31, 4.65512768e-05},
                  {32, 3.60843918e-05},
                  {63, 1.34381961e-08}});
    check_values(llama3(4e6, 32), 128,
                 {{1, 0.788574651},
                  {16, 0.0223606798},
                  {25, 0.00215806982},
                  {30, 3.76729028e-05},
                  {32, 1.5625e-05},
                  {63, 9.90711531e-09}});
    check_values(
        llama3(5e5, 8), 128,
        {{1, 0.814617234}, {16, 0.0376060309}, {29, 0.00216657076}, {34, 0.000178507813}, {63, 3.06892599e-07}});
    check_values(plain(5e5), 64,
                 {{1, 0.663601238}, {2, 0.440366603}, {8, 0.0376060309}, {16, 0.00141421356}, {31, 3.01385815e-06}});
    check_values(plain(5e5), 128, {{1, 0.814617234}, {8, 0.193922745}, {16, 0.0376060309}, {63, 2.45514079e-06}});
    check_values(llama3(12e6, 8), 8, {{0, 1.0}, {1, 0.016990442}, {2, 3.6084392e-05}, {3, 6.1308978e-07}});
}

BOOST_AUTO_TEST_CASE(only_two_types_depend_on_the_length) {
    rope_parameters p = llama3(1e4, 4);
    p.max_position_embeddings = 64;
    p.original_max_position_embeddings = 32;
    p.short_factor.assign(16, 1.0);
    p.long_factor.assign(16, 2.0);
    for (const rope_kind kind : {rope_kind::plain, rope_kind::linear, rope_kind::dynamic, rope_kind::yarn,
                                 rope_kind::longrope, rope_kind::llama3}) {
        p.rope_type = kind;
        const auto before = compute_rope_frequencies(p, 1, 32);
        const auto after = compute_rope_frequencies(p, 1000, 32);
        BOOST_TEST((before.inv_freq != after.inv_freq) == rope_depends_on_length(p), to_string(kind));
        BOOST_TEST(before.attention_scaling == after.attention_scaling);
    }
}

BOOST_AUTO_TEST_CASE(the_length_of_a_step_decides) {
    rope_parameters p = plain(1e4);
    p.rope_type = rope_kind::dynamic;
    p.factor = 2.0;
    p.max_position_embeddings = 64;
    // Up to the maximum: as built. Beyond: a larger base, hence smaller frequencies. Back again: as built.
    const auto built = compute_rope_frequencies(p, 0, 32);
    BOOST_TEST(compute_rope_frequencies(p, 64, 32).inv_freq == built.inv_freq);
    const auto grown = compute_rope_frequencies(p, 65, 32);
    BOOST_TEST(grown.inv_freq[0] == 1.0f);
    for (std::size_t i = 1; i < 16; ++i) BOOST_TEST(grown.inv_freq[i] < built.inv_freq[i]);
    BOOST_TEST(compute_rope_frequencies(p, 63, 32).inv_freq == built.inv_freq);
}

BOOST_AUTO_TEST_CASE(what_a_type_needs) {
    rope_parameters p = plain(1e4);
    p.rope_type = rope_kind::linear;
    BOOST_TEST(message_of(p) == "rope_parameters of type linear: factor: expected a number, found none");
    p.rope_type = rope_kind::dynamic;
    p.factor = 2.0;
    BOOST_TEST(message_of(p) ==
               "rope_parameters of type dynamic: max_position_embeddings: expected a positive number, found 0");
    p.max_position_embeddings = 64;
    BOOST_TEST(message_of(p, 2) == "rope_parameters of type dynamic: head_dim: expected more than 2, found 2");
    p.rope_type = rope_kind::yarn;
    BOOST_TEST(message_of(p) ==
               "rope_parameters of type yarn: original_max_position_embeddings: expected a positive number, found 0");
    p.rope_type = rope_kind::longrope;
    p.original_max_position_embeddings = 32;
    BOOST_TEST(message_of(p) == "rope_parameters of type longrope: short_factor: expected 32 numbers, found 0");
}

BOOST_AUTO_TEST_SUITE_END()
