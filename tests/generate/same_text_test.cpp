// SPDX-License-Identifier: Apache-2.0
//
// Same seed, same text, on a real (tiny, random) model: whatever the batch, the number of threads, the chunks of the
// prefill, and how many sequences the session has. The log-probabilities are compared bit by bit, and they move with every
// bit of the logits that matters. Across instruction sets sums are in another order: the same text, not the same bits.
// And: a whole decode step, model included, allocates nothing.
#include <apertus/generate/generate.hpp>

#include <apertus/run/load_model.hpp>
#include <apertus/simd/isa.hpp>
#include <support/allocation_counter.hpp>
#include <support/test_support.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <cmath>

BOOST_AUTO_TEST_SUITE(same_text_test)

namespace {

using ids = std::vector<std::int32_t>;

const std::array<ids, 3> texts{ids{5, 9, 2, 77, 31, 8, 64, 3, 3, 12}, ids{1}, ids{40, 41, 42, 43, 44, 45, 46}};

apertus::causal_lm open_model(std::size_t threads, const std::string& isa = "") {
    apertus::load_options o;
    o.threads = threads;
    o.isa = isa;
    o.exactness = "strict";
    return apertus::causal_lm::from_pretrained(source_path("tests/golden/v1_8b"), o);
}

apertus::generation_config sampling() {
    apertus::generation_config c;
    c.do_sample = true;
    c.seed = 2026;
    c.temperature = 1.3;
    c.top_k = 0;
    c.top_p = 0.98;
    c.repetition_penalty = 1.05;
    c.max_new_tokens = 40;
    c.eos_token_id = ids{};
    return c;
}

/// All of `which` texts in one call.
std::vector<apertus::generated_sequence> run(const apertus::causal_lm& model, const std::vector<std::size_t>& which,
                                             std::size_t sequences, std::size_t chunk) {
    apertus::session_options room;
    room.max_sequences = sequences;
    room.max_length = 64;
    room.prefill_chunk = chunk;
    apertus::session_handle session = model.new_session(room);
    std::vector<apertus::prompt> prompts;
    for (const std::size_t i : which) prompts.push_back({texts.at(i)});
    apertus::generate_options options;
    options.logprobs = true;
    return apertus::generate(session, std::span<const apertus::prompt>(prompts), sampling(), options).sequences;
}

std::array<apertus::generated_sequence, 3> one_by_one(const apertus::causal_lm& model) {
    return {run(model, {0}, 1, 128).at(0), run(model, {1}, 1, 128).at(0), run(model, {2}, 1, 128).at(0)};
}

void check_same(const apertus::generated_sequence& found, const apertus::generated_sequence& expected) {
    BOOST_TEST(found.ids == expected.ids, boost::test_tools::per_element());
    BOOST_TEST((found.logprobs == expected.logprobs)); // every bit
}

} // namespace

BOOST_AUTO_TEST_CASE(batches_threads_chunks_and_waves) {
    const auto one_thread = open_model(1);
    const auto expected = one_by_one(one_thread);
    BOOST_TEST(
        (expected[0].new_ids()[0] != expected[0].new_ids()[1] || expected[0].new_ids()[1] != expected[0].new_ids()[2]));
    for (const std::size_t threads : {std::size_t{1}, std::size_t{2}, std::size_t{3}}) {
        const auto model = open_model(threads);
        for (const std::size_t chunk : {std::size_t{1}, std::size_t{3}, std::size_t{128}}) {
            for (const std::size_t sequences : {std::size_t{1}, std::size_t{2}, std::size_t{3}}) {
                BOOST_TEST_CONTEXT(threads << " threads, chunks of " << chunk << ", " << sequences << " sequences") {
                    const auto found = run(model, {2, 0, 1, 0}, sequences, chunk);
                    check_same(found.at(0), expected[2]);
                    check_same(found.at(1), expected[0]);
                    check_same(found.at(2), expected[1]);
                    check_same(found.at(3), expected[0]);
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(instruction_sets) {
    const auto expected = one_by_one(open_model(1, "baseline"));
    for (const apertus::cpu_isa isa : apertus::all_cpu_isas) {
        if (!apertus::is_available(isa)) continue;
        BOOST_TEST_CONTEXT(apertus::to_string(isa)) {
            const auto found = one_by_one(open_model(1, std::string(apertus::to_string(isa))));
            for (std::size_t i = 0; i < found.size(); ++i) {
                BOOST_TEST(found[i].ids == expected[i].ids, boost::test_tools::per_element());
                for (std::size_t t = 0; t < found[i].logprobs.size(); ++t) {
                    BOOST_TEST(std::abs(found[i].logprobs[t] - expected[i].logprobs[t]) < 1e-4f);
                }
            }
        }
    }
}

namespace {

/// Passes everything on and notes the allocation counter whenever the model is asked.
class watched_session {
public:
    explicit watched_session(apertus::session_handle inner) : inner_(std::move(inner)) { counts.reserve(100); }
    apertus::tensor_view<const float, 2> forward(std::span<const apertus::segment> s, const apertus::cancellation& c) {
        counts.push_back(test_support::allocation_count());
        return inner_.forward(s, c);
    }
    [[nodiscard]] std::size_t vocab_size() const { return inner_.vocab_size(); }
    [[nodiscard]] std::size_t max_sequences() const { return inner_.max_sequences(); }
    [[nodiscard]] std::size_t max_length() const { return inner_.max_length(); }
    [[nodiscard]] std::size_t length(std::size_t sequence) const { return inner_.length(sequence); }
    void truncate(std::size_t sequence, std::size_t length) { inner_.truncate(sequence, length); }

    std::vector<std::size_t> counts;

private:
    apertus::session_handle inner_;
};
static_assert(apertus::causal_session<watched_session>);

} // namespace

BOOST_AUTO_TEST_CASE(a_decode_step_allocates_nothing_model_included) {
    for (const std::size_t threads : {std::size_t{1}, std::size_t{2}}) {
        const auto model = open_model(threads);
        apertus::session_options room;
        room.max_sequences = 3;
        room.max_length = 64;
        watched_session session(model.new_session(room));
        std::vector<apertus::prompt> prompts;
        for (const ids& text : texts) prompts.push_back({text});
        (void)apertus::generate(session, std::span<const apertus::prompt>(prompts), sampling());
        BOOST_TEST(session.counts.size() == 40u);
        BOOST_TEST(session.counts.back() - session.counts.at(1) == 0u); // 38 decode steps
    }
}

BOOST_AUTO_TEST_SUITE_END()
