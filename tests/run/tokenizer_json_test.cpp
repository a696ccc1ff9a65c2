// SPDX-License-Identifier: Apache-2.0
//
// tokenizer.json: what Hugging Face tokenizers said about small tokenizers of every kind (tests/data/tokenizer_goldens.json, made by
// tests/data/make_tokenizer_goldens.py) and about the Apertus tokenizers where they are at hand; and files that must be refused.
#include <apertus/run/tokenizer_json.hpp>

#include <apertus/io/json.hpp>
#include <apertus/text/streaming_decoder.hpp>

#include "support/test_support.hpp"

#include <cstdio>
#include <string>
#include <vector>

using namespace apertus;

BOOST_AUTO_TEST_SUITE(tokenizer_json)

namespace {

using ids = std::vector<std::int32_t>;

std::string checksum(const ids& numbers) { // FNV-1a over the ids
    std::uint64_t value = 0xCBF29CE484222325u;
    for (const std::int32_t id : numbers) value = (value ^ static_cast<std::uint32_t>(id)) * 0x100000001B3u;
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
    return text;
}

std::vector<std::size_t> flat(const std::vector<std::pair<std::size_t, std::size_t>>& offsets) {
    std::vector<std::size_t> out;
    for (const auto& [begin, end] : offsets) {
        out.push_back(begin);
        out.push_back(end);
    }
    return out;
}

void check_case(const tokenizer& tokens, const json& golden) {
    const std::string text = golden["text"];
    const ids expected = golden["ids"];
    BOOST_TEST_CONTEXT("text " << golden["text"].dump()) {
        BOOST_TEST(tokens.encode(text) == expected, boost::test_tools::per_element());
        BOOST_TEST((tokens.encode(text, {.add_special_tokens = false}) == golden["plain"].get<ids>()));
        BOOST_TEST(
            (tokens.encode(text, {.add_special_tokens = false, .untrusted = true}) == golden["untrusted"].get<ids>()));
        const encoding e = tokens.encode_with_offsets(text);
        BOOST_TEST((e.ids == expected));
        BOOST_TEST((flat(e.offsets) == golden["offsets"].get<std::vector<std::size_t>>()));
        BOOST_TEST((e.tokens == golden["tokens"].get<std::vector<std::string>>()));
        BOOST_TEST(tokens.decode(expected) == golden["decoded"].get<std::string>());
        BOOST_TEST(tokens.decode(expected, {.skip_special_tokens = true}) == golden["skipped"].get<std::string>());
        streaming_decoder decoder(tokens);
        std::string streamed;
        for (const std::int32_t id : expected) streamed += decoder.push(id);
        streamed += decoder.flush();
        BOOST_TEST(streamed == golden["decoded"].get<std::string>());
        const std::vector<text_segment> whole{{text, true}};
        BOOST_TEST((tokens.encode_segments(whole) == golden["plain"].get<ids>()));
        if (golden.contains("pair")) {
            const json& pair = golden["pair"];
            const encoding both = tokens.encode_pair(text, pair["second"].get_ref<const std::string&>());
            BOOST_TEST((both.ids == pair["ids"].get<ids>()));
            BOOST_TEST((both.type_ids == pair["type_ids"].get<ids>()));
            BOOST_TEST((flat(both.offsets) == pair["offsets"].get<std::vector<std::size_t>>()));
        }
    }
}

/// A small valid file, as text in which tests replace parts.
const std::string small =
    R"({"version":"1.0","truncation":null,"padding":null,"added_tokens":[{"id":3,"content":"<s>","single_word":false,)"
    R"("lstrip":false,"rstrip":false,"normalized":false,"special":true}],"normalizer":null,"pre_tokenizer":{"type":)"
    R"("ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true},"post_processor":null,"decoder":)"
    R"({"type":"ByteLevel"},"model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,)"
    R"("end_of_word_suffix":null,"fuse_unk":false,"byte_fallback":false,"vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}})";

std::string with(std::string_view from, std::string_view to) {
    std::string text = small;
    const std::size_t at = text.find(from);
    BOOST_REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

/// The message of the error that the text gives; "" when it is accepted.
std::string refusal(std::string_view text) {
    try {
        static_cast<void>(tokenizer(parse_tokenizer_json(text, "x/tokenizer.json")).encode("ab <s>"));
        return "";
    } catch (const error& e) {
        BOOST_TEST((e.category() == error_category::format || e.category() == error_category::tokenizer));
        return e.what();
    }
}

void check_refusal(std::string_view text, std::vector<std::string_view> words) {
    const std::string message = refusal(text);
    for (const std::string_view word : words) {
        BOOST_TEST(message.find(word) != std::string::npos, "'" << message << "' lacks '" << word << "'");
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(equal_to_hugging_face) {
    const json goldens = parse_json(read_file(source_path("tests/data/tokenizer_goldens.json")), "goldens");
    for (const auto& [name, golden] : goldens.items()) {
        if (!golden.contains("folder")) continue;
        BOOST_TEST_CONTEXT("tokenizer " << name) {
            const tokenizer tokens = load_tokenizer(source_path("tests/data/" + golden["folder"].get<std::string>()));
            for (const json& item : golden["cases"]) check_case(tokens, item);
        }
    }
}

BOOST_AUTO_TEST_CASE(apertus_tokenizers_equal_hugging_face) {
    const json goldens = parse_json(read_file(source_path("tests/data/tokenizer_goldens.json")), "goldens");
    for (const char* name : {"v1", "v1.1"}) {
        const json& golden = goldens[name];
        const std::string folder = golden["data"];
        if (!have_data(folder + "/tokenizer.json"))
            return skip_test("../shared/data/" + folder + "/tokenizer.json is not there");
        const tokenizer tokens = load_tokenizer(data_path(folder));
        for (const json& item : golden["cases"]) check_case(tokens, item);
        if (have_data("text/udhr.txt")) {
            BOOST_TEST(checksum(tokens.encode(read_file(data_path("text/udhr.txt")))) ==
                       golden["udhr"].get<std::string>());
        }
        for (const json& run : golden["runs"]) {
            std::string text;
            for (std::size_t i = 0; i < run["repeat"].get<std::size_t>(); ++i)
                text += run["unit"].get_ref<const std::string&>();
            BOOST_TEST(checksum(tokens.encode(text)) == run["ids"].get<std::string>());
        }
    }
}

BOOST_AUTO_TEST_CASE(the_small_file_works) {
    const tokenizer tokens(parse_tokenizer_json(small, "small"));
    BOOST_TEST((tokens.encode("ab<s>ba") == ids{2, 3, 1, 0}));
    BOOST_TEST((tokenizer(parse_tokenizer_json(with(R"(["a b"])", R"([["a","b"]])"), "pairs")).encode("ab") == ids{2}));
    BOOST_TEST((tokenizer(parse_tokenizer_json(with(R"(["a b"])", R"(["#version: 0.2","a b"])"), "old")).encode("ab") ==
                ids{2}));
    BOOST_TEST((tokenizer(parse_tokenizer_json(with(R"("ab":2)", R"("ab":70)"), "holes")).encode("ab") == ids{70}));
}

BOOST_AUTO_TEST_CASE(bad_files_name_the_file_and_the_place) {
    BOOST_TEST(refusal(small) == "");
    for (std::size_t length = 0; length < small.size(); ++length)
        check_refusal(small.substr(0, length), {"x/tokenizer.json"});
    check_refusal(with(R"("b":1)", R"("b":"1")"), {"x/tokenizer.json", "model.vocab['b']", "an id", "'1'"});
    check_refusal(with(R"("b":1)", R"("b":-1)"), {"model.vocab['b']", "-1"});
    check_refusal(with(R"("b":1)", R"("b":1.5)"), {"model.vocab['b']", "1.5"});
    check_refusal(with(R"("b":1)", R"("b":99999999999999999999)"), {"model.vocab['b']"});
    check_refusal(with(R"("b":1)", R"("b":2147483647)"), {"'b'", "2147483647"});
    check_refusal(with(R"("b":1)", R"("b":0)"), {"id 0", "'a'", "'b'"});
    check_refusal(with(R"("b":1)", R"("a":1)"), {"'a'", "one entry"});
    check_refusal(with(R"("b":1)", R"("b":[1])"), {"model.vocab['b']", "an array"});
    check_refusal(with(R"(["a b"])", R"(["a c"])"), {"merges[0]", "'c'"});
    check_refusal(with(R"(["a b"])", R"(["b a"])"), {"merges[0]", "'ba'"});
    check_refusal(with(R"(["a b"])", R"(["ab"])"), {"model.merges[0]", "'ab'"});
    check_refusal(with(R"(["a b"])", R"(["a b c"])"), {"model.merges[0]"});
    check_refusal(with(R"(["a b"])", R"([["a"]])"), {"model.merges[0]", "two strings"});
    check_refusal(with(R"(["a b"])", R"([["a","b","c"]])"), {"model.merges[0]", "two strings"});
    check_refusal(with(R"(["a b"])", R"(["a b",["a","b"]])"), {"model.merges[1]", "same form"});
    check_refusal(with(R"(["a b"])", R"([7])"), {"model.merges[0]", "7"});
    check_refusal(with(R"(["a b"])", "{}"), {"model.merges", "an array"});
    check_refusal(with(R"({"a":0,"b":1,"ab":2})", "[]"), {"model.vocab", "an object"});
    check_refusal(with(R"("type":"BPE")", R"("type":"Unigram")"), {"model.type", "'BPE'", "'Unigram'"});
    check_refusal(with(R"("dropout":null)", R"("dropout":0.1)"), {"model.dropout", "0.1"});
    check_refusal(with(R"("end_of_word_suffix":null)", R"("end_of_word_suffix":"</w>")"),
                  {"model.end_of_word_suffix", "</w>"});
    check_refusal(with(R"("unk_token":null)", R"("unk_token":5)"), {"model.unk_token", "5"});
    check_refusal(with(R"("fuse_unk":false)", R"("fuse_unk":"x")"), {"model.fuse_unk", "'x'"});
    check_refusal(with(R"("version":"1.0")", R"("version":"2.0")"), {"version", "'2.0'"});
    check_refusal(with(R"("normalizer":null)", R"("normalizer":{"type":"Nmt"})"), {"normalizer", "'Nmt'"});
    check_refusal(with(R"("normalizer":null)", R"("normalizer":[])"), {"normalizer", "an array"});
    check_refusal(with(R"("normalizer":null)", R"("normalizer":{"type":"Sequence"})"), {"normalizer", "'normalizers'"});
    check_refusal(
        with(R"("normalizer":null)", R"x("normalizer":{"type":"Replace","pattern":{"Regex":"(?<=a)"},"content":""})x"),
        {"(?<=a)"});
    check_refusal(with(R"("type":"ByteLevel","add)", R"("type":"Metaspace","add)"),
                  {"pre_tokenizer.type", "'Metaspace'"});
    check_refusal(with(R"({"type":"ByteLevel"})", R"({"type":"WordPiece"})"), {"decoder.type", "'WordPiece'"});
    check_refusal(with(R"("post_processor":null)",
                       R"("post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<x>",)"
                       R"("type_id":0}}],"pair":[],"special_tokens":{}})"),
                  {"post_processor.special_tokens", "'<x>'"});
    check_refusal(with(R"("id":3)", R"("id":9)"), {"added_tokens", "'<s>'", "9"});
    check_refusal(with(R"("id":3)", R"("id":-3)"), {"added_tokens[0].id", "-3"});
    check_refusal(with(R"("lstrip":false)", R"("lstrip":0)"), {"added_tokens[0].lstrip", "0"});
    check_refusal(with(R"("lstrip":false,)", ""), {"added_tokens[0]", "'lstrip'"});
    check_refusal(with(R"("added_tokens":[)", R"("added_tokens":[1,)"), {"added_tokens[0]", "1"});
    check_refusal(with(R"("model":)", R"("other":)"), {"model", "none"});
    check_refusal("[]", {"document", "an array"});
    check_refusal("7", {"document"});
    check_refusal("\xFF", {"x/tokenizer.json"});
    std::string deep = R"({"normalizer":)";
    for (int i = 0; i < 100000; ++i) deep += R"({"a":)";
    check_refusal(deep, {"nesting"});
    check_refusal(R"({"other":)" + std::string(1000000, '['), {"nesting"});
    std::string many = R"({"decoder":{)";
    for (int i = 0; i < 300000; ++i) many += "\"" + std::to_string(i) + "\":0,";
    check_refusal(many, {"decoder", "values"});
}

BOOST_AUTO_TEST_CASE(configuration_files) {
    tokenizer_spec spec = parse_tokenizer_json(small, "small");
    parse_tokenizer_config(
        R"({"added_tokens_decoder":{"0":{"content":"[[["}},"bos_token":{"content":"<s>","lstrip":false},"eos_token":"ab",)"
        R"("pad_token":null,"padding_side":"left","model_max_length":1e30,"add_bos_token":true,)"
        R"("chat_template":[{"name":"default","template":"T"}]})",
        "config", spec);
    BOOST_TEST((spec.bos_token == "<s>" && spec.eos_token == "ab" && !spec.pad_token && spec.padding_side == "left"));
    BOOST_TEST((!spec.model_max_length && spec.add_bos_token == true && spec.chat_template == "T"));
    parse_special_tokens_map(R"({"pad_token":"b","eos_token":"a"})", "map", spec);
    BOOST_TEST((spec.pad_token == "b" && spec.eos_token == "ab"));
    detail::adopt_named_tokens(spec);
    const tokenizer tokens(spec);
    BOOST_TEST(tokens.is_special(2)); // a named token that was plain vocabulary
    BOOST_TEST((tokens.encode("ab") == ids{2}));
    BOOST_TEST((tokens.encode("ab", {.untrusted = true}) == ids{0, 1}));
    for (const char* bad : {"", "[]", "{", R"({"bos_token":5})", R"({"padding_side":"up"})",
                            R"({"model_max_length":"x"})", R"({"add_bos_token":1})", R"({"chat_template":7})"}) {
        tokenizer_spec other;
        BOOST_CHECK_THROW(parse_tokenizer_config(bad, "config", other), error);
    }
}

BOOST_AUTO_TEST_CASE(a_folder_without_a_tokenizer) {
    BOOST_CHECK_EXCEPTION(static_cast<void>(load_tokenizer("no/such/folder")), error, [](const error& e) {
        return e.category() == error_category::io &&
               std::string(e.what()).find("no/such/folder/tokenizer.json") != std::string::npos;
    });
}

BOOST_AUTO_TEST_SUITE_END()
