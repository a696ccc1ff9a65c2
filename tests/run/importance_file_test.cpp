// SPDX-License-Identifier: Apache-2.0
#include <apertus/run/importance_file.hpp>

#include <apertus/io/checkpoint.hpp>
#include <apertus/io/file.hpp>
#include <apertus/io/safetensors_writer.hpp>
#include <apertus/run/causal_lm.hpp>
#include <apertus/run/load_model.hpp>

#include <support/error_message.hpp>
#include <support/file_size_limit.hpp>
#include <support/temporary_folder.hpp>
#include <support/test_support.hpp>

#include <chrono>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

using namespace apertus;

namespace {

const std::vector<std::vector<std::int32_t>> some_texts{{1, 5, 9, 13, 2}, {7, 3, 3, 8, 11, 4, 6}};

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string tiny() { return source_path("models/apertus-tiny"); }

load_options options_of(const std::string& weights, std::shared_ptr<const importance_matrix> importance = nullptr) {
    load_options o;
    o.weights = weights;
    o.importance = std::move(importance);
    o.threads = 2;
    return o;
}

std::vector<float> logits_of(const causal_lm& model, const std::vector<std::int32_t>& ids) {
    session_handle session = model.new_session({.max_length = ids.size()});
    const segment step{0, ids, {}, logits_for::all};
    const auto logits = session.forward(std::span(&step, 1)).flat();
    return {logits.begin(), logits.end()};
}

} // namespace

BOOST_AUTO_TEST_SUITE(run_importance_file)

BOOST_AUTO_TEST_CASE(what_is_written_is_read) {
    const test_support::temporary_folder folder;
    const importance_matrix m("here", 4096, {{"a", {0.0F, 1.5F, 3e38F}}, {"b", {2.0F}}, {"none", {}}});
    write_importance(folder.path("importance"), m);
    const importance_matrix read = read_importance(folder.path("importance"));
    BOOST_TEST((read.mean_squares() == m.mean_squares()));
    BOOST_TEST(read.tokens() == 4096U);
    BOOST_TEST(read.name() == folder.path("importance"));
}

BOOST_AUTO_TEST_CASE(other_files_are_refused) {
    const test_support::temporary_folder folder;
    const std::string path = folder.path("file");
    const std::vector<float> values{1.0F, 2.0F};
    const auto bytes = std::as_bytes(std::span(values));
    const auto refused = [&](std::vector<std::pair<std::string, std::string>> metadata, const memory_tensor& tensor,
                             const std::string& text) {
        write_safetensors(path, metadata, std::span(&tensor, 1));
        const std::string said = error_message(error_category::format, [&] { (void)read_importance(path); });
        BOOST_TEST(contains(said, path), said);
        BOOST_TEST(contains(said, text), said);
    };
    const memory_tensor good{"a", dtype::f32, {2}, bytes};
    refused({}, good, "found another safetensors file");
    refused({{"apertus importance", "2"}, {"tokens", "1"}}, good, "found version '2'");
    refused({{"apertus importance", "1"}}, good, "\"tokens\"");
    refused({{"apertus importance", "1"}, {"tokens", "1x"}}, good, "\"tokens\"");
    const std::vector<std::pair<std::string, std::string>> known{{"apertus importance", "1"}, {"tokens", "1"}};
    refused(known, {"a", dtype::f32, {1, 2}, bytes}, "expected F32 [columns], found F32 [1, 2]");
    refused(known, {"a", dtype::bf16, {4}, bytes}, "expected F32 [columns], found BF16 [4]");
    const std::vector<float> negative{1.0F, -2.0F};
    refused(known, {"a", dtype::f32, {2}, std::as_bytes(std::span(negative))}, "column 1");

    write_importance(path, importance_matrix("", 1, {{"a", values}}));
    const std::string whole = read_file(path, 1U << 20);
    for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{60}, whole.size() - 1}) {
        (void)folder.write("file", whole.substr(0, size));
        (void)error_message(error_category::format, [&] { (void)read_importance(path); });
    }
    (void)error_message(error_category::io, [&] { (void)read_importance(folder.path("nowhere")); });
}

BOOST_AUTO_TEST_CASE(a_full_disk_leaves_what_was_there) {
    const test_support::temporary_folder folder;
    const std::string path = folder.write("importance", "before");
    const importance_matrix m("", 1, {{"a", std::vector<float>(10000, 1.0F)}});
    {
        const test_support::file_size_limit full(6000);
        BOOST_TEST(contains(error_message(error_category::io, [&] { write_importance(path, m); }), "cannot write"));
    }
    BOOST_TEST(read_file(path, 100) == "before");
}

BOOST_AUTO_TEST_CASE(measured_over_texts_whatever_the_windows_threads_and_files) {
    const std::string folder = source_path("tests/golden/attention_bias");
    const causal_lm model = causal_lm::from_pretrained(folder, options_of("stored"));
    const importance_matrix whole = model.measure_importance(some_texts);
    BOOST_TEST(whole.tokens() == 12U);
    importance_options o;
    o.tokens = 5; // the first text
    const importance_matrix first = model.measure_importance(some_texts, o);
    BOOST_TEST(first.tokens() == 5U);
    BOOST_TEST((first.mean_squares() == model.measure_importance(std::span(some_texts).first(1)).mean_squares()));
    o.tokens = 12;
    o.window = 2; // the first inputs of a text do not know where it goes on, the others do
    const importance_matrix cut = model.measure_importance(some_texts, o);
    BOOST_TEST(cut.tokens() == 12U);
    BOOST_TEST((cut.mean_squares() != whole.mean_squares()));
    const std::string q = "model.layers.0.self_attn.q_proj.weight";
    BOOST_TEST((cut.mean_squares().at(q) == whole.mean_squares().at(q)));
    load_options one = options_of("stored");
    one.threads = 1;
    BOOST_TEST((causal_lm::from_pretrained(folder, one).measure_importance(some_texts).mean_squares() ==
                whole.mean_squares()));
    one.backend = "reference";
    const importance_matrix plain = causal_lm::from_pretrained(folder, one).measure_importance(some_texts);
    BOOST_REQUIRE(plain.mean_squares().size() == whole.mean_squares().size());
    for (const auto& [name, values] : plain.mean_squares()) {
        const auto other = whole.of(name, values.size());
        for (std::size_t k = 0; k < values.size(); ++k) BOOST_REQUIRE_CLOSE(values[k], other[k], 0.1);
    }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_measured_is_refused) {
    const causal_lm model = causal_lm::from_pretrained(source_path("tests/golden/attention_bias"));
    const auto refusal = [&](error_category category, std::vector<std::vector<std::int32_t>> texts,
                             const importance_options& o = {}) {
        return error_message(category, [&] { (void)model.measure_importance(texts, o); });
    };
    importance_options o;
    o.tokens = 0;
    BOOST_TEST(contains(refusal(error_category::config, some_texts, o), "tokens"));
    o.tokens = 8;
    o.window = 0;
    BOOST_TEST(contains(refusal(error_category::config, some_texts, o), "window"));
    BOOST_TEST(contains(refusal(error_category::config, {{}, {}}), "at least one token"));
    BOOST_TEST(contains(refusal(error_category::shape, {{1, 1 << 28}}), "token id"));
    std::stop_source stop;
    stop.request_stop();
    o.window = 4;
    o.cancel.stop = stop.get_token();
    (void)refusal(error_category::cancelled, some_texts, o);
    const causal_lm writer = causal_lm::from_pretrained(tiny());
    (void)error_message(error_category::cancelled, [&] { (void)writer.measure_importance({}, o); });
}

BOOST_AUTO_TEST_CASE(without_texts_the_model_writes_its_own) {
    const causal_lm exact = causal_lm::from_pretrained(tiny(), options_of("stored"));
    importance_options o;
    o.tokens = 1024;
    o.window = 128;
    std::size_t last = 0;
    o.progress = [&](std::size_t done, std::size_t total) {
        BOOST_TEST(done > last);
        BOOST_TEST(total == 1024U);
        last = done;
    };
    const auto importance = std::make_shared<const importance_matrix>(exact.measure_importance({}, o));
    BOOST_TEST(last == 1024U);
    BOOST_TEST(importance->tokens() == 1024U);
    last = 0;
    BOOST_TEST((exact.measure_importance({}, o).mean_squares() == importance->mean_squares())); // the same seed
    o.progress = nullptr;
    o.seed = 2;
    BOOST_TEST((exact.measure_importance({}, o).mean_squares() != importance->mean_squares()));

    BOOST_TEST((logits_of(causal_lm::from_pretrained(tiny(), options_of("int4", importance)), some_texts[1]) !=
                logits_of(causal_lm::from_pretrained(tiny(), options_of("int4")), some_texts[1])));
}

BOOST_AUTO_TEST_CASE(a_packed_cache_is_of_one_importance) {
    const test_support::temporary_folder folder;
    const std::string model = source_path("tests/golden/attention_bias");
    const auto measured = [&](std::size_t tokens) {
        importance_options o;
        o.tokens = tokens;
        return std::make_shared<const importance_matrix>(
            causal_lm::from_pretrained(model, options_of("stored")).measure_importance(some_texts, o));
    };
    const auto first = measured(5);
    const auto second = measured(12);
    const auto stamp = [&] { return std::filesystem::last_write_time(folder.path("packed")); };
    const auto age = [&] {
        std::filesystem::last_write_time(folder.path("packed"), stamp() - std::chrono::hours(1));
        return stamp();
    };
    const std::vector<std::shared_ptr<const importance_matrix>> all{nullptr, first, second, nullptr};
    std::vector<std::vector<float>> seen;
    for (const auto& importance : all) {
        const auto expected =
            logits_of(causal_lm::from_pretrained(model, options_of("int4", importance)), some_texts[0]);
        load_options o = options_of("int4", importance);
        o.packed_cache = folder.path("packed");
        if (!seen.empty()) (void)age();
        const auto old = seen.empty() ? std::filesystem::file_time_type::min() : stamp();
        BOOST_TEST((logits_of(causal_lm::from_pretrained(model, o), some_texts[0]) == expected)); // written
        BOOST_TEST((stamp() != old));
        const auto fits = age();
        BOOST_TEST((logits_of(causal_lm::from_pretrained(model, o), some_texts[0]) == expected)); // and read
        BOOST_TEST((stamp() == fits));
        seen.push_back(expected);
    }
    BOOST_TEST((seen[0] != seen[1]));
    BOOST_TEST((seen[1] != seen[2]));
    BOOST_TEST((seen[0] == seen[3]));
    load_options eight = options_of("int8", first); // nothing goes by it
    BOOST_TEST((logits_of(causal_lm::from_pretrained(model, eight), some_texts[0]) ==
                logits_of(causal_lm::from_pretrained(model, options_of("int8")), some_texts[0])));
}

BOOST_AUTO_TEST_SUITE_END()
