// SPDX-License-Identifier: Apache-2.0
//
// The embedded model (models/apertus-tiny) from messages to text: rendered prompt, ids and greedy answer equal to Hugging
// Face transformers on every backend and instruction-set path (tests/data/tiny_greedy.jsonl), and at least nine of ten
// held-out questions answered right (tests/data/tiny_questions.jsonl).
#include <apertus/run/load_model.hpp>

#include <apertus/io/json.hpp>
#include <apertus/run/pretrained_tokenizer.hpp>
#include <apertus/simd/isa.hpp>
#include <apertus/text/utf8.hpp>
#include <support/test_support.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using apertus::json;

const std::string folder = source_path("models/apertus-tiny");

std::vector<json> json_lines(const std::string& path) {
    std::vector<json> out;
    std::istringstream lines(read_file(path));
    for (std::string line; std::getline(lines, line);) {
        if (!line.empty()) out.push_back(json::parse(line));
    }
    BOOST_REQUIRE_MESSAGE(!out.empty(), path + " has no lines");
    return out;
}

apertus::generation_config greedy(std::int64_t max_new_tokens) {
    apertus::generation_config call;
    call.do_sample = false;
    call.max_new_tokens = max_new_tokens;
    return call;
}

// --- is an answer right? --------------------------------------------------------------------------------------------------

/// Lower case of valid UTF-8, for the letters of the model's four languages: ASCII, Latin-1 and the two of Latin Extended-A that French has.
std::string lower(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        auto [c, size] = apertus::utf8_decode(text.data());
        if ((c >= U'A' && c <= U'Z') || (c >= 0xC0 && c <= 0xDE && c != 0xD7)) c += 0x20;
        if (c == 0x152 || c == 0x178) c = c == 0x152 ? 0x153 : 0xFF;
        apertus::append_utf8(out, c);
        text.remove_prefix(size);
    }
    return out;
}

bool is_word_character(std::uint32_t c) {
    if (c < 0x80) return (c >= U'0' && c <= U'9') || (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z') || c == U'_';
    return c >= 0xC0 && c != 0xD7 && c != 0xF7 && !(c >= 0x2000 && c <= 0x206F); // not signs, not general punctuation
}

/// Whether a word character ends `before` or begins `after`.
bool inside_a_word(std::string_view before, std::string_view after) {
    const auto starts_with_word = [](std::string_view t) {
        return !t.empty() && is_word_character(apertus::utf8_decode(t.data()).code);
    };
    return starts_with_word(after) ||
           (!before.empty() && starts_with_word(before.substr(apertus::utf8_previous(before, before.size()))));
}

/// As tools/tiny/evaluate.py: the answer contains one of `expect`, ignoring case; with "word": true as whole words.
bool is_right(const json& row, std::string_view answer) {
    const std::string text = lower(answer);
    const bool whole_words = row.value("word", false);
    for (const json& expected : row.at("expect")) {
        const std::string wanted = lower(expected.get<std::string>());
        for (std::size_t at = text.find(wanted); at != std::string::npos; at = text.find(wanted, at + 1)) {
            const std::string_view all = text;
            if (!whole_words || !inside_a_word(all.substr(0, at), all.substr(at + wanted.size()))) return true;
        }
    }
    return false;
}

} // namespace

BOOST_AUTO_TEST_SUITE(tiny_model)

BOOST_AUTO_TEST_CASE(answers_like_transformers_on_every_path) {
    const auto tokens = apertus::auto_tokenizer::from_pretrained(folder);
    const std::vector<json> rows = json_lines(source_path("tests/data/tiny_greedy.jsonl"));
    std::vector<apertus::load_options> ways(1);
    ways[0].backend = "reference";
    for (const apertus::cpu_isa isa : apertus::all_cpu_isas) {
        if (!apertus::is_available(isa)) continue;
        ways.emplace_back();
        ways.back().isa = apertus::to_string(isa);
        ways.back().exactness = "strict";
    }
    for (const apertus::load_options& way : ways) {
        const auto model = apertus::causal_lm::from_pretrained(folder, way);
        for (const json& row : rows) {
            const apertus::rendered_chat prompt = tokens.render(apertus::messages_from_json(row.at("messages").dump()));
            BOOST_TEST(prompt.text == row.at("text").get<std::string>());
            const std::vector<std::int32_t> ids = tokens.encode(prompt);
            BOOST_TEST(ids == row.at("ids").get<std::vector<std::int32_t>>(), boost::test_tools::per_element());
            const auto result = model.generate(ids, greedy(64));
            const auto found = result.sequences.at(0).new_ids();
            const auto expected = row.at("new_ids").get<std::vector<std::int32_t>>();
            const auto [e, f] = std::mismatch(expected.begin(), expected.end(), found.begin(), found.end());
            BOOST_TEST((e == expected.end() && f == found.end()),
                       model.backend_name()
                           << ": " << row.at("messages").back().at("content") << ": step " << e - expected.begin()
                           << " is the first to differ; smallest margin in transformers " << row.at("margin"));
            BOOST_TEST(tokens.decode(found, {.skip_special_tokens = true}) == row.at("answer").get<std::string>());
        }
    }
}

BOOST_AUTO_TEST_CASE(nine_of_ten_held_out_questions_are_answered_right) {
    const auto tokens = apertus::auto_tokenizer::from_pretrained(folder);
    const std::vector<json> rows = json_lines(source_path("tests/data/tiny_questions.jsonl"));
    BOOST_TEST(rows.size() >= 200u);
    const auto model = apertus::causal_lm::from_pretrained(folder);

    std::vector<std::vector<std::int32_t>> ids;
    std::vector<apertus::prompt> prompts;
    for (const json& row : rows) {
        json messages = row.value("history", json::array());
        messages.push_back({{"role", "user"}, {"content", row.at("question")}});
        ids.push_back(tokens.apply_chat_template(apertus::messages_from_json(messages.dump())));
    }
    for (const auto& i : ids) prompts.push_back({i});
    const auto result = model.generate(prompts, greedy(48));

    struct count {
        std::size_t right = 0, all = 0;
    };
    std::map<std::string, count> groups;
    count total;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const std::string answer = tokens.decode(result.sequences.at(i).new_ids(), {.skip_special_tokens = true});
        const bool right = is_right(rows[i], answer);
        if (!right)
            BOOST_TEST_MESSAGE("wrong: " << rows[i].at("question") << " -> " << answer << " (expected "
                                         << rows[i].at("expect") << ")");
        for (count* c : {&total, &groups[rows[i].at("lang").get<std::string>()]}) {
            c->right += right ? 1u : 0u;
            ++c->all;
        }
    }
    const auto percent = [](const count& c) {
        return 100.0 * static_cast<double>(c.right) / static_cast<double>(c.all);
    };
    std::printf("apertus-tiny: %zu of %zu held-out questions right: %.1f %%", total.right, total.all, percent(total));
    for (const auto& [language, c] : groups) std::printf("  %s %.1f %%", language.c_str(), percent(c));
    std::printf("\n");
    BOOST_TEST(percent(total) >= 90.0);
}

BOOST_AUTO_TEST_SUITE_END()
