// SPDX-License-Identifier: Apache-2.0
#include <apertus/run/chat_json.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

using apertus::value;

BOOST_AUTO_TEST_SUITE(run_chat_json)

BOOST_AUTO_TEST_CASE(messages_and_tools) {
    BOOST_TEST(apertus::messages_from_json(R"([{"role": "user", "content": "x"}])").items().size() == 1U);
    BOOST_TEST(apertus::messages_from_json(R"({"model": "m", "messages": [{"role": "user", "content": "x"}]})")
                   .items()
                   .size() == 1U);
    BOOST_TEST(apertus::tools_from_json(R"({"tools": []})").items().empty());
    for (const char* bad : {"{}", "5", "[5]", "[{}]", R"([{"role": 1}])", "["}) {
        BOOST_CHECK_THROW(static_cast<void>(apertus::messages_from_json(bad)), apertus::error);
    }
    BOOST_CHECK_THROW(static_cast<void>(apertus::tools_from_json("{}")), apertus::error);
}

BOOST_AUTO_TEST_CASE(tokenizer_config) {
    const value config = apertus::value_from_json(
        R"({"bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": false}, "pad_token": null,
        "additional_special_tokens": ["<a>", {"content": "<b>"}],
        "chat_template": [{"name": "tool_use", "template": "T"}, {"name": "default", "template": "D"}]})");
    const apertus::value_map tokens = apertus::special_tokens_from_config(config);
    BOOST_TEST(tokens.find("bos_token")->as_string() == "<s>");
    BOOST_TEST(!tokens.find("bos_token")->as_text().from_user(0));
    BOOST_TEST(tokens.find("eos_token")->as_string() == "</s>");
    BOOST_TEST(tokens.find("pad_token") == nullptr);
    BOOST_TEST(apertus::to_json(*tokens.find("additional_special_tokens")) == R"(["<a>", "<b>"])");
    BOOST_TEST(apertus::chat_template_from_config(config) == "D");
    BOOST_TEST(apertus::chat_template_from_config(apertus::value_from_json(R"({"chat_template": "X"})")) == "X");
    BOOST_TEST(apertus::chat_template_from_config(apertus::value_from_json("{}")) == "");
}

BOOST_AUTO_TEST_SUITE_END()
