// SPDX-License-Identifier: Apache-2.0
#include <apertus/run/causal_lm.hpp>

#include <apertus/run/load_model.hpp>
#include <apertus/simd/isa.hpp>

#include <support/test_support.hpp>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace apertus;

namespace {

std::vector<float> last_logits(const causal_lm& model, std::vector<std::int32_t> ids) {
    session_handle session = model.new_session({.max_length = 256});
    const segment step{0, ids};
    const auto logits = session.forward(std::span(&step, 1)).flat();
    return {logits.begin(), logits.end()};
}

const std::string sharded = source_path("tests/golden/d64_gqa8_f16");
const std::vector<std::int32_t> some_ids{1, 5, 9, 13, 2};

} // namespace

BOOST_AUTO_TEST_SUITE(causal_lm_tests)

BOOST_AUTO_TEST_CASE(a_file_a_span_and_a_reader_give_the_same_bits) {
    const std::string folder = source_path("tests/golden/attention_bias");
    const auto expected = last_logits(causal_lm::from_pretrained(folder), some_ids);
    const std::string config = read_file(folder + "/config.json");
    const std::string file = read_file(folder + "/model.safetensors");
    const auto bytes = std::as_bytes(std::span(file));

    BOOST_TEST((last_logits(causal_lm::from_memory(config, {}, checkpoint::from_bytes(bytes)), some_ids) == expected));

    load_options unmapped;
    unmapped.use_mmap = false;
    BOOST_TEST((last_logits(causal_lm::from_pretrained(folder, unmapped), some_ids) == expected));

    std::vector<safetensors_file> files;
    files.push_back(safetensors_file::from_reader(
        [&](std::uint64_t offset, std::span<std::byte> out) {
            std::memcpy(out.data(), bytes.data() + offset, out.size());
        },
        bytes.size(), "a reader"));
    BOOST_TEST((last_logits(causal_lm::from_memory(config, {}, checkpoint::from_files(std::move(files))), some_ids) ==
                expected));
}

BOOST_AUTO_TEST_CASE(weights_are_kept_as_stored_or_as_asked) {
    const auto stored = causal_lm::from_pretrained(sharded);
    BOOST_TEST(stored.weight_format_name() == "F16");
    load_options widened;
    widened.weights = "f32";
    widened.embedding_weights = "f32";
    const auto wide = causal_lm::from_pretrained(sharded, widened);
    BOOST_TEST(wide.weight_format_name() == "F32");
    BOOST_TEST((last_logits(stored, some_ids) == last_logits(wide, some_ids))); // widening f16 is exact
    BOOST_TEST(wide.bytes_per_token() > stored.bytes_per_token());
}

BOOST_AUTO_TEST_CASE(packed_weights_change_little_and_do_not_depend_on_how_a_prompt_is_cut) {
    const std::string folder = source_path("models/apertus-tiny");
    std::vector<std::int32_t> ids(150);
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int32_t>(40 + i * 7 % 300);
    load_options exact;
    exact.weights = "f32";
    const auto reference = last_logits(causal_lm::from_pretrained(folder, exact), ids);
    double norm = 0;
    for (const float x : reference) norm += double{x} * double{x};
    // relative squared error of the logits; the weights' own is 5e-5 and 5.7e-3 in every layer
    for (const auto& [name, bound] : {std::pair{"int8", 1e-3}, std::pair{"int4", 8e-2}}) {
        load_options o;
        o.weights = name;
        o.head_weights = name;
        o.embedding_weights = name;
        const auto model = causal_lm::from_pretrained(folder, o);
        BOOST_TEST(model.weight_format_name() == name);
        const auto whole = last_logits(model, ids);
        double error = 0;
        for (std::size_t i = 0; i < whole.size(); ++i) {
            error += (double{whole[i]} - double{reference[i]}) * (double{whole[i]} - double{reference[i]});
        }
        BOOST_TEST_MESSAGE(name << ": relative squared error of logits " << error / norm);
        BOOST_TEST(error <= bound * norm, name << ": " << error / norm);
        BOOST_TEST(error > 0);

        session_options room;
        room.max_length = 256;
        session_handle session = model.new_session(room);
        for (std::size_t at = 0; at + 1 < ids.size();) { // by one, two, three ... tokens
            const std::size_t n = std::min(ids.size() - 1 - at, at % 17 + 1);
            const segment step{0, std::span<const std::int32_t>(ids).subspan(at, n)};
            (void)session.forward(std::span(&step, 1));
            at += n;
        }
        const segment last{0, std::span<const std::int32_t>(ids).last(1)};
        const auto logits = session.forward(std::span(&last, 1)).row(0).flat();
        BOOST_TEST((std::memcmp(logits.data(), whole.data(), whole.size() * sizeof(float)) == 0), name);
    }
}

BOOST_AUTO_TEST_CASE(backends_and_paths_agree) {
    load_options reference;
    reference.backend = "reference";
    const auto expected = last_logits(causal_lm::from_pretrained(sharded, reference), some_ids);
    for (const cpu_isa isa : all_cpu_isas) {
        if (!is_available(isa)) continue;
        load_options o;
        o.isa = to_string(isa);
        o.exactness = "strict";
        const auto got = last_logits(causal_lm::from_pretrained(sharded, o), some_ids);
        for (std::size_t i = 0; i < got.size(); ++i) BOOST_REQUIRE_SMALL(got[i] - expected[i], 1e-4f);
        o.exactness = "fast";
        const auto fast = last_logits(causal_lm::from_pretrained(sharded, o), some_ids);
        if (isa == cpu_isa::amx) { // activations rounded to bf16
            for (std::size_t i = 0; i < got.size(); ++i) BOOST_REQUIRE_SMALL(fast[i] - expected[i], 0.1f);
        } else {
            BOOST_TEST(fast == got, boost::test_tools::per_element());
        }
    }
    for (const char* format : {"bf16", "f16", "int8"}) {
        load_options smaller;
        smaller.kv_cache = format;
        for (const char* backend : {"cpu", "reference"}) {
            smaller.backend = backend;
            const auto model = causal_lm::from_pretrained(sharded, smaller);
            BOOST_TEST(model.plan({}).kv_cache < causal_lm::from_pretrained(sharded).plan({}).kv_cache);
            const auto coarse = last_logits(model, some_ids);
            float difference = 0.0f;
            for (std::size_t i = 0; i < coarse.size(); ++i)
                difference = std::max(difference, std::abs(coarse[i] - expected[i]));
            BOOST_TEST(difference > 0.0f, format);
            BOOST_TEST(difference < 0.5f, format);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_callers_executor_is_used_and_kept) {
    struct counting {
        std::size_t calls = 0;
        [[nodiscard]] std::size_t concurrency() const { return 2; }
        void parallel_for(std::size_t n, index_function_ref f) {
            ++calls;
            for (std::size_t i = n; i > 0; --i) f(i - 1);
        }
    };
    auto mine = std::make_shared<counting>();
    load_options o;
    o.executor = any_executor(mine);
    const auto model = causal_lm::from_pretrained(sharded, o);
    const auto got = last_logits(model, some_ids);
    BOOST_TEST(mine->calls > 0u);
    BOOST_TEST((got == last_logits(causal_lm::from_pretrained(sharded), some_ids)));
}

BOOST_AUTO_TEST_CASE(impossible_options_are_refused_by_name) {
    const auto refused = [](const load_options& o, error_category category, std::string_view text) {
        BOOST_CHECK_EXCEPTION((void)causal_lm::from_pretrained(sharded, o), error, [&](const error& e) {
            BOOST_TEST_CONTEXT(e.what()) BOOST_TEST((std::string_view(e.what()).find(text) != std::string_view::npos));
            return e.category() == category;
        });
    };
    load_options o;
    o.backend = "abacus";
    refused(o, error_category::backend, "'abacus'");
    o = {};
    o.isa = "avx1024";
    refused(o, error_category::backend, "'avx1024'");
    o = {};
    o.exactness = "loose";
    refused(o, error_category::config, "'loose'");
    o = {};
    o.weights = "int3";
    refused(o, error_category::config, "'int3'");
    o = {};
    o.head_weights = "i8";
    refused(o, error_category::config, "head_weights");
    o = {};
    o.kv_cache = "i64";
    refused(o, error_category::config, "'i64'");
    o = {};
    std::stop_source stop;
    stop.request_stop();
    o.cancel.stop = stop.get_token();
    refused(o, error_category::cancelled, "stop");
}

BOOST_AUTO_TEST_CASE(generate_makes_a_session_that_is_just_large_enough) {
    const auto model = causal_lm::from_pretrained(sharded);
    generation_config c{.max_new_tokens = 7};
    c.eos_token_id = std::vector<std::int32_t>{};
    std::vector<prompt> prompts(40); // more than work at once
    std::vector<std::vector<std::int32_t>> ids;
    for (std::int32_t i = 0; i < 40; ++i)
        ids.push_back(std::vector<std::int32_t>(static_cast<std::size_t>(1 + i % 5), 3 + i));
    for (std::size_t i = 0; i < 40; ++i) prompts[i].ids = ids[i];
    const auto all = model.generate(prompts, c);
    BOOST_REQUIRE_EQUAL(all.sequences.size(), 40u);
    for (std::size_t i = 0; i < 40; i += 13) {
        const auto one = model.generate(ids[i], c);
        BOOST_TEST(one.sequences[0].new_ids().size() == 7u);
        BOOST_TEST((one.sequences[0].ids == all.sequences[i].ids));
    }
}

BOOST_AUTO_TEST_CASE(the_memory_plan_is_known_before_anything_is_allocated) {
    const auto model = causal_lm::from_pretrained(sharded);
    const memory_plan small = model.plan({.max_length = 96});
    const memory_plan large = model.plan({.max_length = 192});
    BOOST_TEST(large.kv_cache == 2 * small.kv_cache);
    BOOST_TEST(large.weights == small.weights);
    BOOST_TEST(small.total() > small.weights);
    BOOST_CHECK_EXCEPTION((void)model.new_session({.max_length = std::size_t{1} << 50}), error,
                          [](const error& e) { return e.category() == error_category::resource; });
}

BOOST_AUTO_TEST_SUITE_END()
