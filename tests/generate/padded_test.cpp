// SPDX-License-Identifier: Apache-2.0
//
// Rectangles in and out: equal to transformers' generate() on the same logits (tests/golden/processors.json), padding on
// either side, masks, and what is refused.
#include <apertus/generate/padded.hpp>

#include <apertus/io/json.hpp>
#include <generate/fake_session.hpp>
#include <support/test_support.hpp>

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(padded_test)

namespace {

using ids = std::vector<std::int32_t>;
using matrix = apertus::tensor_view<const std::int32_t, 2>;
using test_support::fake_session;

struct rectangle {
    ids values{};
    std::size_t rows = 0;
    std::size_t columns = 0;
    rectangle() = default;
    rectangle(std::initializer_list<ids> list) : rectangle(std::vector<ids>(list)) {}
    explicit rectangle(const std::vector<ids>& list) : rows(list.size()), columns(list.empty() ? 0 : list[0].size()) {
        for (const ids& row : list) values.insert(values.end(), row.begin(), row.end());
    }
    [[nodiscard]] matrix view() const { return {values.data(), {rows, columns}}; }
};

apertus::generation_config read_options(const apertus::json& o) {
    apertus::generation_config c;
    const auto integer = [&](const char* name, std::optional<std::int64_t>& field) {
        if (o.contains(name)) field = o[name].get<std::int64_t>();
    };
    integer("max_new_tokens", c.max_new_tokens);
    integer("max_length", c.max_length);
    integer("min_new_tokens", c.min_new_tokens);
    integer("min_length", c.min_length);
    if (o.contains("repetition_penalty")) c.repetition_penalty = o["repetition_penalty"].get<double>();
    if (o.contains("eos_token_id")) c.eos_token_id = o["eos_token_id"].get<ids>();
    if (o.contains("pad_token_id")) c.pad_token_id = o["pad_token_id"].get<std::int32_t>();
    return c;
}

template <class F> void check_error(apertus::error_category category, const std::string& message, const F& f) {
    BOOST_CHECK_EXCEPTION(f(), apertus::error, [&](const apertus::error& e) {
        BOOST_TEST(e.what() == message);
        return e.category() == category;
    });
}

} // namespace

BOOST_AUTO_TEST_CASE(sequences_are_those_of_transformers) {
    const auto golden = apertus::parse_json(read_file(source_path("tests/golden/processors.json")), "processors.json");
    BOOST_TEST(golden["generate"].size() >= 16u);
    for (const auto& c : golden["generate"]) {
        BOOST_TEST_CONTEXT(c["options"].dump()) {
            const rectangle input(c["input_ids"].get<std::vector<ids>>());
            rectangle mask;
            if (!c["attention_mask"].is_null()) mask = rectangle(c["attention_mask"].get<std::vector<ids>>());
            const rectangle expected(c["sequences"].get<std::vector<ids>>());
            fake_session session(32, 3, 100);
            const auto out = apertus::generate_padded(session, input.view(), mask.view(), read_options(c["options"]));
            BOOST_TEST(out.rows == expected.rows);
            BOOST_TEST(out.width == expected.columns);
            BOOST_TEST(out.sequences == expected.values, boost::test_tools::per_element());
        }
    }
}

BOOST_AUTO_TEST_CASE(padding_on_either_side_changes_nothing) {
    const rectangle left{{0, 0, 5, 6}, {1, 2, 3, 4}}, left_mask{{0, 0, 1, 1}, {1, 1, 1, 1}};
    const rectangle right{{5, 6, 0, 0}, {1, 2, 3, 4}}, right_mask{{1, 1, 0, 0}, {1, 1, 1, 1}};
    const rectangle holes{{5, 0, 0, 6}, {1, 2, 3, 4}}, holes_mask{{1, 0, 0, 1}, {1, 1, 1, 1}};
    fake_session session(32, 2, 100);
    const auto a = apertus::generate_padded(session, left.view(), left_mask.view());
    const auto b = apertus::generate_padded(session, right.view(), right_mask.view());
    const auto c = apertus::generate_padded(session, holes.view(), holes_mask.view());
    for (std::size_t r = 0; r < 2; ++r) {
        const auto expected = a.result.sequences[r].ids;
        BOOST_TEST(b.result.sequences[r].ids == expected, boost::test_tools::per_element());
        BOOST_TEST(c.result.sequences[r].ids == expected, boost::test_tools::per_element());
    }
    BOOST_TEST(b.width == 24u);
    BOOST_TEST(b.sequences[0] == 5); // the input is returned as it was
    BOOST_TEST(b.sequences[3] == 0);
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_refused) {
    fake_session session(32, 2, 100);
    const rectangle input{{5, 6}, {1, 2}}, mask{{1, 1}}, none{{1, 1}, {0, 0}};
    check_error(apertus::error_category::shape, "generate: attention_mask: expected 2 x 2, found 1 x 2",
                [&] { (void)apertus::generate_padded(session, input.view(), mask.view()); });
    check_error(apertus::error_category::shape,
                "generate: attention_mask, row 1: expected at least one token that is not masked, found none",
                [&] { (void)apertus::generate_padded(session, input.view(), none.view()); });
    apertus::generation_config config;
    config.max_length = 2;
    check_error(apertus::error_category::config,
                "generate: input_ids: expected fewer than max_length = 2 columns, found 2",
                [&] { (void)apertus::generate_padded(session, input.view(), {}, config); });
    BOOST_TEST(session.forward_calls == 0u);
}

BOOST_AUTO_TEST_CASE(rows_of_different_length_need_something_to_fill_up) {
    fake_session session(32, 2, 100);
    const rectangle input{{5, 6}, {1, 2}};
    apertus::generate_options options;
    options.stream_token = [](std::int32_t, std::size_t row) { return row == 0; };
    check_error(apertus::error_category::config,
                "generate: pad_token_id: expected an id to fill up rows that ended early, found none",
                [&] { (void)apertus::generate_padded(session, input.view(), {}, {}, options); });
    apertus::generation_config config;
    config.pad_token_id = 31;
    const auto out = apertus::generate_padded(session, input.view(), {}, config, options);
    BOOST_TEST(out.width == 22u);
    BOOST_TEST(out.sequences.at(22 + 3) == 31);
    BOOST_TEST(out.sequences.back() == 31);
}

BOOST_AUTO_TEST_CASE(nothing_in_nothing_out) {
    fake_session session(32, 2, 100);
    const auto out = apertus::generate_padded(session, matrix(nullptr, {0, 5}));
    BOOST_TEST(out.rows == 0u);
    BOOST_TEST(out.sequences.empty());
}

BOOST_AUTO_TEST_SUITE_END()
