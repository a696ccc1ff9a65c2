// SPDX-License-Identifier: Apache-2.0
//
// The tokenizer in a GGUF file gives the ids of the tokenizer.json that it was made from, for every split pattern; what
// is missing or not supported is named by its key.
#include <apertus/run/gguf_tokenizer.hpp>

#include <apertus/io/json.hpp>
#include <apertus/run/pretrained_tokenizer.hpp>
#include <apertus/run/tokenizer_json.hpp>
#include <apertus/text/tokenizer.hpp>

#include <boost/test/unit_test.hpp>

#include <support/error_message.hpp>
#include <support/gguf_bytes.hpp>
#include <support/safetensors_bytes.hpp>
#include <support/temporary_folder.hpp>
#include <support/test_support.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace apertus;
using test_support::files_of;
using test_support::gguf_writer;

/// The metadata that llama.cpp's converter makes of a tokenizer.json.
gguf_writer gguf_of_tokenizer(const std::string& folder, std::string_view pre) {
    const std::string path = folder + "/tokenizer.json";
    const tokenizer_spec spec = parse_tokenizer_json(read_file(path), path);
    std::vector<std::string> tokens;
    std::vector<std::int32_t> kinds;
    const auto put = [&](std::string_view text, std::int32_t id, std::int32_t kind) {
        for (std::size_t i = tokens.size(); i <= static_cast<std::size_t>(id); ++i) { // holes
            tokens.push_back("[PAD" + std::to_string(i) + "]");
            kinds.push_back(5);
        }
        tokens[static_cast<std::size_t>(id)] = text;
        kinds[static_cast<std::size_t>(id)] = kind;
    };
    for (const bpe_spec::entry& e : spec.model.vocab) put(spec.model.text(e.token), e.id, 1);
    for (const added_token& t : spec.added_tokens) put(t.content, t.id, t.special ? 3 : 4);
    std::vector<std::string> merges;
    for (const bpe_spec::merge& m : spec.model.merges) {
        merges.push_back(std::string(spec.model.text(m.left)).append(" ").append(spec.model.text(m.right)));
    }
    gguf_writer w;
    w.add("tokenizer.ggml.model", "gpt2").add("tokenizer.ggml.pre", pre);
    w.add("tokenizer.ggml.tokens", tokens).add_numbers("tokenizer.ggml.token_type", kinds);
    w.add("tokenizer.ggml.merges", merges);
    return w;
}

const std::string decomposed = "HTTPServer2024 camelCase e\u0301 \u00e9 A\u030a";
const std::vector<std::string> texts = {
    "",
    " ",
    "Hello world",
    "Grüezi mitenand! Wie geht's? I'LL, they've, 12345 and 3.14",
    "Быстрая коричневая лиса. 日本語のテキストです。 مرحبا بالعالم नमस्ते दुनिया สวัสดี 🙂🎉",
    "def f(x):\n\treturn x  # twice\r\n\n\n   indented   \n",
    decomposed,
    "<s>special</s> <|im_start|>user\n<unk> [INST] \\begin{x}",
    std::string("nul\0byte", 8),
    "\xff\xfe broken \xc3 utf-8",
};

/// A byte alphabet and a few merges; `without` leaves a key out.
gguf_writer small(std::string_view without = {}, std::string_view pre = "gpt-2") {
    gguf_writer w;
    w.add("general.architecture", "llama").add("llama.context_length", 77u);
    if (without != "model") w.add("tokenizer.ggml.model", "gpt2");
    if (without != "pre") w.add("tokenizer.ggml.pre", pre);
    if (without != "tokens") {
        w.add("tokenizer.ggml.tokens",
              std::vector<std::string>{"<s>", "</s>", "a", "b", "c", "ab", "abc", "[PAD7]", "<x>"});
    }
    w.add_numbers("tokenizer.ggml.token_type", std::vector<std::int32_t>{3, 3, 1, 1, 1, 1, 1, 5, 4});
    if (without != "merges") w.add("tokenizer.ggml.merges", std::vector<std::string>{"a b", "ab c"});
    return w.add("tokenizer.ggml.bos_token_id", 0u).add("tokenizer.ggml.eos_token_id", 1u);
}

std::string message_of(const gguf_writer& w, error_category category = error_category::format) {
    const std::string bytes = w.bytes();
    return error_message(category, [&] { (void)tokenizer(tokenizer_spec_from_gguf(files_of(bytes))); });
}

using ids = std::vector<std::int32_t>;

} // namespace

BOOST_AUTO_TEST_SUITE(gguf_tokenizers)

BOOST_AUTO_TEST_CASE(the_ids_of_tokenizer_json) {
    const std::pair<const char*, const char*> cases[] = {{"tokenizer_gpt2", "gpt-2"},
                                                         {"tokenizer_llama3", "llama-bpe"},
                                                         {"tokenizer_qwen2", "qwen2"},
                                                         {"tokenizer_o200k", "gpt-4o"}};
    for (const auto& [name, pre] : cases) {
        BOOST_TEST_CONTEXT(name) {
            const std::string folder = source_path("tests/data/" + std::string(name));
            const tokenizer expected = load_tokenizer(folder);
            gguf_writer w = gguf_of_tokenizer(folder, pre);
            w.add("tokenizer.ggml.add_bos_token", false);
            const std::string bytes = w.bytes();
            const tokenizer found(tokenizer_spec_from_gguf(files_of(bytes)));
            for (const std::string& text : texts) {
                if (text == decomposed && std::string_view(pre) == "qwen2") { // the real one has NFC, ours in tests not
                    BOOST_TEST((found.encode(text) == found.encode("HTTPServer2024 camelCase \u00e9 \u00e9 \u00c5")));
                    continue;
                }
                const ids got = found.encode(text, {.add_special_tokens = false});
                BOOST_TEST(got == expected.encode(text, {.add_special_tokens = false}),
                           boost::test_tools::per_element());
                BOOST_TEST(found.decode(got) == expected.decode(got));
                BOOST_TEST(found.encode(text, {.add_special_tokens = false, .untrusted = true}) ==
                               expected.encode(text, {.add_special_tokens = false, .untrusted = true}),
                           boost::test_tools::per_element());
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(the_ids_of_apertus) {
    const json goldens = parse_json(read_file(source_path("tests/data/tokenizer_goldens.json")), "goldens");
    const std::string folder = goldens["v1"]["data"];
    if (!have_data(folder + "/tokenizer.json"))
        return skip_test("../shared/data/" + folder + "/tokenizer.json is not there");
    const tokenizer expected = load_tokenizer(data_path(folder));
    gguf_writer w = gguf_of_tokenizer(data_path(folder), "tekken");
    w.add("tokenizer.ggml.bos_token_id", 1u).add("tokenizer.ggml.eos_token_id", 2u);
    const std::string bytes = w.bytes();
    const auto start = std::chrono::steady_clock::now();
    const tokenizer found(tokenizer_spec_from_gguf(files_of(bytes)));
    BOOST_TEST_MESSAGE("opened in " << std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()
                                    << " s");
    std::vector<std::string> all = texts;
    if (have_data("text/udhr.txt")) all.push_back(read_file(data_path("text/udhr.txt")));
    for (const json& item : goldens["v1"]["cases"]) {
        if (item.contains("text") && item["text"].is_string()) all.push_back(item["text"].get<std::string>());
    }
    for (const std::string& text : all) {
        BOOST_TEST((found.encode(text) == expected.encode(text)), text.substr(0, 60)); // BOS included
        BOOST_TEST((found.encode(text, {.untrusted = true}) == expected.encode(text, {.untrusted = true})),
                   text.substr(0, 60));
    }
    for (std::int32_t id = 0; id < 1000; ++id) {
        BOOST_REQUIRE_EQUAL(found.is_special(id), expected.is_special(id));
        BOOST_REQUIRE_EQUAL(found.is_control(id), expected.is_control(id));
    }
}

BOOST_AUTO_TEST_CASE(digits_stand_alone_under_smollm) {
    const std::string folder = source_path("tests/data/tokenizer_gpt2");
    const std::string bytes = gguf_of_tokenizer(folder, "smollm").bytes();
    const tokenizer found(tokenizer_spec_from_gguf(files_of(bytes)));
    const tokenizer joined = load_tokenizer(folder);
    const ids got = found.encode("x 2024");
    BOOST_TEST(found.decode(got) == "x 2024");
    for (const char* const digit : {"2", "0", "4"}) {
        BOOST_TEST((std::find(got.begin(), got.end(), *joined.token_to_id(digit)) != got.end()), digit);
    }
}

BOOST_AUTO_TEST_CASE(tokens_by_kind) {
    const std::string bytes = small().bytes();
    const tokenizer t(tokenizer_spec_from_gguf(files_of(bytes)));
    BOOST_TEST(t.encode("abcab<s><x>") == (ids{6, 5, 0, 8}), boost::test_tools::per_element());
    BOOST_TEST(t.encode("ab<s>c", {.untrusted = true}) == (ids{5, 4}), boost::test_tools::per_element());
    BOOST_TEST(t.is_special(0));
    BOOST_TEST(!t.is_special(8)); // user-defined
    BOOST_TEST(!t.id_to_token(7).has_value());
    BOOST_TEST(t.decode(ids{0, 6, 7, 8}, {.skip_special_tokens = true}) == "abc<x>");
    BOOST_TEST(*t.bos_token_id() == 0);
    BOOST_TEST(*t.eos_token_id() == 1);
    BOOST_TEST(!t.pad_token_id().has_value());
    BOOST_TEST(*t.spec().model_max_length == 77u);
}

BOOST_AUTO_TEST_CASE(ends_of_a_sequence) {
    const auto encode = [](gguf_writer w) {
        const std::string bytes = w.bytes();
        return tokenizer(tokenizer_spec_from_gguf(files_of(bytes))).encode("ab");
    };
    BOOST_TEST(encode(small()) == (ids{5}), boost::test_tools::per_element());
    BOOST_TEST(encode(small({}, "llama-bpe")) == (ids{0, 5}), boost::test_tools::per_element()); // its default
    BOOST_TEST(encode(small({}, "llama-bpe").add("tokenizer.ggml.add_bos_token", false)) == (ids{5}),
               boost::test_tools::per_element());
    BOOST_TEST(encode(small().add("tokenizer.ggml.add_bos_token", true).add("tokenizer.ggml.add_eos_token", true)) ==
                   (ids{0, 5, 1}),
               boost::test_tools::per_element());
    const std::string bytes = small({}, "tekken").bytes();
    const tokenizer t(tokenizer_spec_from_gguf(files_of(bytes)));
    const encoding pair = t.encode_pair("ab", "c");
    BOOST_TEST(pair.ids == (ids{0, 5, 0, 4}), boost::test_tools::per_element());
    BOOST_TEST(pair.type_ids == (ids{0, 0, 1, 1}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(ignore_merges_follows_the_pattern) {
    gguf_writer w;
    w.add("tokenizer.ggml.model", "gpt2").add("tokenizer.ggml.pre", "llama-bpe");
    w.add("tokenizer.ggml.tokens", std::vector<std::string>{"a", "b", "c", "bc", "abc"});
    w.add("tokenizer.ggml.merges", std::vector<std::string>{"b c"}).add("tokenizer.ggml.add_bos_token", false);
    const std::string whole = w.bytes();
    BOOST_TEST(tokenizer(tokenizer_spec_from_gguf(files_of(whole))).encode("abc") == (ids{4}),
               boost::test_tools::per_element());
    std::string merged = whole;
    merged.replace(merged.find("llama-bpe"), 9, "smaug-bpe");
    BOOST_TEST(tokenizer(tokenizer_spec_from_gguf(files_of(merged))).encode("abc") == (ids{0, 3}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(chat_template_and_names) {
    const std::string bytes =
        small()
            .add("tokenizer.chat_template", "{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}")
            .bytes();
    const auto t = pretrained_tokenizer::from_gguf(files_of(bytes));
    BOOST_REQUIRE(t.has_chat_template());
    const std::vector<chat_message> messages{{"user", "ab</s>c"}};
    BOOST_TEST(t.render(messages).text == "<s>ab</s>c");
    BOOST_TEST(t.apply_chat_template(messages).front() == 0);
    const auto rendered = t.apply_chat_template(messages); // "</s>" of a user is text
    BOOST_TEST((std::count(rendered.begin(), rendered.end(), 1) == 0));
    const test_support::temporary_folder folder;
    const std::string path = folder.write("m.gguf", bytes);
    BOOST_TEST(pretrained_tokenizer::from_pretrained(path).encode("abc") == (ids{6}), boost::test_tools::per_element());
    BOOST_TEST(load_tokenizer(path).encode("abc") == (ids{6}), boost::test_tools::per_element());
    const std::string without = small().bytes();
    BOOST_TEST(!pretrained_tokenizer::from_gguf(files_of(without)).has_chat_template());
}

BOOST_AUTO_TEST_CASE(what_is_refused) {
    BOOST_TEST(message_of(small()) == "no error");
    BOOST_TEST(message_of(small("model")) ==
               "m.gguf: metadata 'tokenizer.ggml.model': expected a string, found nothing");
    BOOST_TEST(message_of(small("model").add("tokenizer.ggml.model", "llama"), error_category::tokenizer) ==
               "m.gguf: metadata 'tokenizer.ggml.model': expected 'gpt2' (byte-level BPE), found 'llama'");
    BOOST_TEST(message_of(small("pre"))
                   .starts_with("m.gguf: metadata 'tokenizer.ggml.pre': expected one of tekken, llama-bpe, "));
    BOOST_TEST(message_of(small({}, "gpt-5"), error_category::tokenizer).ends_with(", found 'gpt-5'"));
    BOOST_TEST(message_of(small("tokens")) ==
               "m.gguf: metadata 'tokenizer.ggml.tokens': expected an array of strings, found nothing");
    BOOST_TEST(message_of(small("tokens").add("tokenizer.ggml.tokens", std::vector<std::string>{})) ==
               "m.gguf: metadata 'tokenizer.ggml.tokens': expected 1 to 16777216 tokens, found 0");
    BOOST_TEST(message_of(small("tokens").add("tokenizer.ggml.tokens", std::vector<std::string>{"a"})) ==
               "m.gguf: metadata 'tokenizer.ggml.token_type': expected 1 integers, one per token, found 9");
    BOOST_TEST(message_of(small("merges")) ==
               "m.gguf: metadata 'tokenizer.ggml.merges': expected an array of strings, found nothing");
    for (const std::string bad : {"", "a", "ab ", " b"}) {
        BOOST_TEST(message_of(small("merges").add("tokenizer.ggml.merges", std::vector<std::string>{"a b", bad})) ==
                   "m.gguf: metadata 'tokenizer.ggml.merges[1]': expected two tokens with a space between, found '" +
                       bad + "'");
    }
    // Contradictions inside are found when a tokenizer is built.
    BOOST_TEST(message_of(small("merges").add("tokenizer.ggml.merges", std::vector<std::string>{"a x"}),
                          error_category::tokenizer) != "no error");
    BOOST_TEST(
        message_of(small("tokens").add("tokenizer.ggml.tokens",
                                       std::vector<std::string>{"<s>", "</s>", "a", "a", "c", "ab", "abc", "", ""}),
                   error_category::tokenizer) != "no error");
}

BOOST_AUTO_TEST_SUITE_END()
