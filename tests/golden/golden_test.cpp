// SPDX-License-Identifier: Apache-2.0
//
// Every golden folder (tests/golden/*, see README.md there) on every backend and every instruction-set path of this
// machine: each layer's output and the logits within 1e-4 of Hugging Face transformers, and the same greedy ids. A test
// is named after its folder and backend, "golden/rope_yarn_cpu_avx2"; a failure names the layer and the position.
#include <apertus/run/load_model.hpp>

#include <apertus/io/safetensors.hpp>
#include <apertus/model/padded_forward.hpp>
#include <apertus/simd/isa.hpp>
#include <support/test_support.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <vector>

namespace {

constexpr float tolerance = 1e-4f;

// --- the recorded side -------------------------------------------------------------------------------------------------

/// golden.safetensors of one folder.
class golden_file {
public:
    explicit golden_file(const std::string& folder)
        : file_(apertus::safetensors_file::open(folder + "/golden.safetensors")) {}

    [[nodiscard]] bool has(const std::string& name) const { return file_.find(name) != nullptr; }
    [[nodiscard]] std::size_t extent(const std::string& name, std::size_t dimension) const {
        return static_cast<std::size_t>(entry(name).shape.at(dimension));
    }
    [[nodiscard]] std::vector<float> floats(const std::string& name) const {
        return read<float>(name, apertus::dtype::f32);
    }
    [[nodiscard]] std::vector<std::int32_t> ids(const std::string& name) const {
        return read<std::int32_t>(name, apertus::dtype::i32);
    }

private:
    [[nodiscard]] const apertus::tensor_entry& entry(const std::string& name) const {
        const apertus::tensor_entry* found = file_.find(name);
        BOOST_REQUIRE_MESSAGE(found != nullptr, file_.document() + " has no tensor " + name);
        return *found;
    }
    template <class T> [[nodiscard]] std::vector<T> read(const std::string& name, apertus::dtype type) const {
        const apertus::tensor_entry& e = entry(name);
        BOOST_REQUIRE(e.dtype == type);
        std::vector<T> out(static_cast<std::size_t>(e.size_bytes()) / sizeof(T));
        file_.read(e, std::as_writable_bytes(std::span(out)));
        return out;
    }

    apertus::safetensors_file file_;
};

/// The folders that hold a golden.
std::vector<std::string> golden_cases() {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(test_support::source_path("tests/golden"))) {
        if (std::filesystem::exists(entry.path() / "golden.safetensors"))
            out.push_back(entry.path().filename().string());
    }
    std::sort(out.begin(), out.end());
    return out;
}

// --- the computed side -------------------------------------------------------------------------------------------------

/// One way to run a model.
struct way {
    std::string name;
    apertus::load_options options;
    std::optional<apertus::cpu_isa> isa{};
};

std::vector<way> ways() {
    std::vector<way> out;
    apertus::load_options reference;
    reference.backend = "reference";
    out.push_back({"reference", reference});
    for (const apertus::cpu_isa isa : apertus::all_cpu_isas) {
        apertus::load_options cpu;
        cpu.isa = apertus::to_string(isa);
        cpu.exactness = "strict";
        cpu.threads = 1; // these models are too small to share
        out.push_back({"cpu_" + cpu.isa, cpu, isa});
    }
    apertus::load_options widened; // the other way through the loader: read instead of mapped, converted at load
    widened.weights = "f32";
    widened.embedding_weights = "f32";
    widened.use_mmap = false;
    widened.threads = 2;
    out.push_back({"cpu_widened_to_f32", widened});
    return out;
}

apertus::session_options room(std::size_t length, std::size_t sequences = 1, std::size_t chunk = 128) {
    apertus::session_options out;
    out.max_sequences = sequences;
    out.max_length = length;
    out.prefill_chunk = chunk;
    return out;
}

/// Logits [T, V] of one sequence; empty position_ids: 0, 1, 2, ...
std::vector<float> logits_of(apertus::session_handle& session, std::span<const std::int32_t> ids,
                             std::span<const std::int32_t> position_ids = {}) {
    const apertus::segment all{0, ids, position_ids, apertus::logits_for::all};
    session.truncate(0, 0);
    const auto rows = session.forward(std::span(&all, 1)).flat();
    return {rows.begin(), rows.end()};
}

/// Greedy ids after each prompt, all prompts in one batch, no end token.
std::vector<std::vector<std::int32_t>> greedy(const apertus::causal_lm& model, std::span<const apertus::prompt> prompts,
                                              std::size_t tokens) {
    apertus::generation_config call;
    call.do_sample = false;
    call.max_new_tokens = static_cast<std::int64_t>(tokens);
    call.eos_token_id = std::vector<std::int32_t>{};
    std::vector<std::vector<std::int32_t>> out;
    for (const auto& sequence : model.generate(prompts, call).sequences) {
        out.emplace_back(sequence.new_ids().begin(), sequence.new_ids().end());
    }
    return out;
}

// --- comparison --------------------------------------------------------------------------------------------------------

/// Compares rows of `width` values; on failure names the first row that differs and the worst of its values.
void check_close(const std::string& what, std::span<const float> expected, std::span<const float> found,
                 std::size_t width) {
    BOOST_REQUIRE_MESSAGE(expected.size() == found.size(),
                          what << ": expected " << expected.size() << " values, found " << found.size());
    float worst_of_all = 0.0f;
    for (std::size_t row = 0; row * width < expected.size(); ++row) {
        std::size_t worst = row * width;
        float largest = -1.0f;
        for (std::size_t i = row * width; i < (row + 1) * width; ++i) {
            const float difference = std::abs(expected[i] - found[i]);
            if (!(difference <= largest)) { // a NaN is the worst of all
                largest = difference;
                worst = i;
            }
            if (std::isnan(difference)) break;
        }
        if (!(largest <= tolerance)) {
            BOOST_ERROR(what << ": position " << row << " is the first to differ, by " << largest << " at element "
                             << worst - row * width << ": expected " << expected[worst] << ", found " << found[worst]);
            return;
        }
        worst_of_all = std::max(worst_of_all, largest);
    }
    BOOST_TEST_MESSAGE(what << ": largest difference " << worst_of_all);
    BOOST_TEST(worst_of_all <= tolerance);
}

/// Compares greedy ids; `margins` are the distances of the two best logits at each step in transformers.
void check_ids(const std::string& what, std::span<const std::int32_t> expected, std::span<const std::int32_t> found,
               std::span<const float> margins) {
    BOOST_REQUIRE_MESSAGE(expected.size() == found.size(),
                          what << ": expected " << expected.size() << " ids, found " << found.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        if (expected[i] == found[i]) continue;
        BOOST_ERROR(what << ": step " << i << " is the first to differ: expected id " << expected[i] << ", found "
                         << found[i] << " (margin of the best in transformers " << margins[i] << ")");
        return;
    }
    BOOST_TEST(expected.size() > 0u);
}

std::string layer_name(std::size_t index, std::size_t layers) {
    if (index == 0) return "embedding";
    if (index == layers + 1) return "final norm";
    return "output of layer " + std::to_string(index - 1);
}

// --- what is recorded of every case --------------------------------------------------------------------------------------

void check_prompt(const std::string& label, const apertus::causal_lm& model, const golden_file& golden) {
    const std::vector<std::int32_t> ids = golden.ids("prompt.ids");
    const std::size_t hidden = golden.extent("prompt.hidden", 2);
    const std::size_t layers = golden.extent("prompt.hidden", 0) - 2;
    const std::size_t per_layer = ids.size() * hidden;
    BOOST_REQUIRE(model.config().num_hidden_layers == layers);

    std::vector<float> seen((layers + 2) * per_layer, std::nanf(""));
    apertus::session_handle session = model.new_session(room(ids.size()));
    session.set_observer([&](std::size_t index, std::size_t first_row, apertus::tensor_view<const float, 2> values) {
        const auto from = values.flat();
        std::copy(from.begin(), from.end(),
                  seen.begin() + static_cast<std::ptrdiff_t>(index * per_layer + first_row * hidden));
    });
    const std::vector<float> logits = logits_of(session, ids);
    session.set_observer({});

    const std::vector<float> expected = golden.floats("prompt.hidden");
    for (std::size_t l = 0; l < layers + 2; ++l) {
        check_close(label + layer_name(l, layers), std::span(expected).subspan(l * per_layer, per_layer),
                    std::span(seen).subspan(l * per_layer, per_layer), hidden);
    }
    const std::size_t vocabulary = golden.extent("prompt.logits", 1);
    BOOST_REQUIRE(model.vocab_size() == vocabulary);
    check_close(label + "logits", golden.floats("prompt.logits"), logits, vocabulary);

    for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}}) {
        apertus::session_handle chunked = model.new_session(room(ids.size(), 1, chunk));
        BOOST_TEST(logits_of(chunked, ids) == logits,
                   label << "prefill in chunks of " << chunk << " changes the logits");
    }

    const std::vector<std::int32_t> tokens = golden.ids("prompt.greedy_ids");
    const apertus::prompt one{ids};
    check_ids(label + "greedy ids", tokens, greedy(model, std::span(&one, 1), tokens.size()).at(0),
              golden.floats("prompt.greedy_margins"));
}

/// A prompt beyond the length at which dynamic, longrope or yarn change their frequencies.
void check_long(const std::string& label, const apertus::causal_lm& model, const golden_file& golden) {
    const std::vector<std::int32_t> ids = golden.ids("long.ids");
    const std::size_t vocabulary = model.vocab_size();
    apertus::session_handle session = model.new_session(room(ids.size(), 1, 32));
    const std::vector<float> all = logits_of(session, ids);
    std::vector<float> found;
    for (const std::int32_t row : golden.ids("long.rows")) {
        const auto begin = all.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(row) * vocabulary);
        found.insert(found.end(), begin, begin + static_cast<std::ptrdiff_t>(vocabulary));
    }
    check_close(label + "logits of the long prompt (index into long.rows)", golden.floats("long.logits"), found,
                vocabulary);

    const std::vector<std::int32_t> tokens = golden.ids("long.greedy_ids");
    const apertus::prompt one{ids};
    check_ids(label + "greedy ids after the long prompt", tokens,
              greedy(model, std::span(&one, 1), tokens.size()).at(0), golden.floats("long.greedy_margins"));
}

void check_positions(const std::string& label, const apertus::causal_lm& model, const golden_file& golden) {
    const std::vector<std::int32_t> ids = golden.ids("positions.ids");
    apertus::session_handle session = model.new_session(room(ids.size()));
    check_close(label + "logits with position_ids", golden.floats("positions.logits"),
                logits_of(session, ids, golden.ids("positions.position_ids")), model.vocab_size());
}

/// A left-padded batch: through forward with mask and positions, and as ragged prompts through generate.
void check_batch(const std::string& label, const apertus::causal_lm& model, const golden_file& golden) {
    const std::size_t rows = golden.extent("batch.ids", 0);
    const std::size_t length = golden.extent("batch.ids", 1);
    const std::size_t vocabulary = model.vocab_size();
    const std::vector<std::int32_t> ids = golden.ids("batch.ids");
    const std::vector<std::int32_t> mask = golden.ids("batch.attention_mask");

    std::vector<std::int32_t> positions(ids.size(), 0); // as transformers' generate derives them from the mask
    std::vector<apertus::prompt> prompts(rows);
    for (std::size_t b = 0; b < rows; ++b) {
        std::int32_t next = 0;
        for (std::size_t t = b * length; t < (b + 1) * length; ++t) {
            if (mask[t] != 0) positions[t] = next++;
        }
        const auto kept = static_cast<std::size_t>(next);
        prompts[b].ids = std::span(ids).subspan((b + 1) * length - kept, kept);
    }

    apertus::session_handle session = model.new_session(room(length, rows));
    using matrix = apertus::tensor_view<const std::int32_t, 2>;
    const std::vector<float> all =
        apertus::forward_padded(session, matrix(ids.data(), {rows, length}), matrix(mask.data(), {rows, length}),
                                matrix(positions.data(), {rows, length}));
    std::vector<float> last;
    for (std::size_t b = 0; b < rows; ++b) {
        const auto begin = all.begin() + static_cast<std::ptrdiff_t>(((b + 1) * length - 1) * vocabulary);
        last.insert(last.end(), begin, begin + static_cast<std::ptrdiff_t>(vocabulary));
    }
    check_close(label + "last logits of the left-padded batch (position is the row of the batch)",
                golden.floats("batch.logits"), last, vocabulary);

    const std::vector<std::int32_t> tokens = golden.ids("batch.greedy_ids");
    const std::vector<float> margins = golden.floats("batch.greedy_margins");
    const std::size_t n = golden.extent("batch.greedy_ids", 1);
    const auto found = greedy(model, prompts, n);
    for (std::size_t b = 0; b < rows; ++b) {
        check_ids(label + "greedy ids of row " + std::to_string(b) + " of the batch",
                  std::span(tokens).subspan(b * n, n), found.at(b), std::span(margins).subspan(b * n, n));
    }
}

void check_case(const std::string& name, const way& w) {
    if (w.isa && !apertus::is_available(*w.isa)) {
        return skip_test("this CPU has no " + std::string(apertus::to_string(*w.isa)));
    }
    const std::string folder = source_path("tests/golden/" + name);
    const std::string label = name + ", " + w.name + ": ";
    const golden_file golden(folder);
    const auto model = apertus::causal_lm::from_pretrained(folder, w.options);
    check_prompt(label, model, golden);
    if (golden.has("long.ids")) check_long(label, model, golden);
    if (golden.has("positions.ids")) check_positions(label, model, golden);
    if (golden.has("batch.ids")) check_batch(label, model, golden);
}

} // namespace

BOOST_AUTO_TEST_SUITE(golden)

/// One test per folder and way, so that each has a name and can be run alone (--run_test=golden/deep_reference).
const bool registered = [] {
    for (const std::string& name : golden_cases()) {
        for (const way& w : ways()) {
            boost::unit_test::framework::current_auto_test_suite().add(boost::unit_test::make_test_case(
                [name, w] { check_case(name, w); }, name + "_" + w.name, __FILE__, __LINE__));
        }
    }
    return true;
}();

BOOST_AUTO_TEST_CASE(all_shapes_are_there) {
    BOOST_TEST(registered);
    const std::vector<std::string> found = golden_cases();
    for (const char* const needed : {"act_gelu",
                                     "act_relu",
                                     "act_silu",
                                     "attention_bias",
                                     "d128_gqa1_f16",
                                     "d128_gqa4_f32",
                                     "d64_gqa1_f32",
                                     "d64_gqa8_f16",
                                     "deep",
                                     "llama_3",
                                     "llama_bias",
                                     "llama_tied",
                                     "mixed_types",
                                     "odd_sizes",
                                     "rope_default",
                                     "rope_dynamic",
                                     "rope_linear",
                                     "rope_longrope",
                                     "rope_yarn",
                                     "rope_longrope_ratio",
                                     "rope_yarn_options",
                                     "tied_stored_head",
                                     "v11_05b",
                                     "v11_15b",
                                     "v11_4b",
                                     "v15_8b",
                                     "v1_70b",
                                     "v1_8b",
                                     "xielu_bare"}) {
        BOOST_TEST(std::count(found.begin(), found.end(), needed) == 1, "tests/golden/" << needed << " is missing");
    }
}

BOOST_AUTO_TEST_SUITE_END()
