// SPDX-License-Identifier: Apache-2.0
#include <apertus/run/conversation.hpp>

#include <apertus/run/load_model.hpp>

#include <support/test_support.hpp>

#include <string>
#include <vector>

using namespace apertus;

namespace {
struct fixture {
    std::string folder = source_path("models/apertus-tiny");
    causal_lm model = causal_lm::from_pretrained(folder);
    pretrained_tokenizer tokenizer = pretrained_tokenizer::from_pretrained(folder);
    generation_config config{.max_new_tokens = 40};
};
} // namespace

BOOST_FIXTURE_TEST_SUITE(conversation_tests, fixture)

BOOST_AUTO_TEST_CASE(turns_equal_generation_from_the_whole_conversation) {
    conversation talk(model, tokenizer, 512);
    std::vector<chat_message> messages;
    for (const char* question : {"Hallo!", "What is the capital of France?", "And of Italy?"}) {
        const auto turn = talk.say(question, config);
        messages.push_back({"user", question});
        const auto ids = tokenizer.apply_chat_template(messages);
        generate_options with_text;
        with_text.make_decoder = tokenizer.decoder();
        const auto alone = model.generate(ids, config, with_text);
        BOOST_TEST((turn.sequences[0].ids == alone.sequences[0].ids));
        BOOST_TEST(talk.messages().back().content == alone.sequences[0].text);
        if (messages.size() > 1) BOOST_TEST(turn.prefill_tokens < alone.prefill_tokens); // the cache was used
        messages.push_back({"assistant", alone.sequences[0].text});
    }
    BOOST_TEST(talk.messages().size() == 6u);
}

BOOST_AUTO_TEST_CASE(a_stopped_answer_is_remembered_as_far_as_it_came) {
    conversation talk(model, tokenizer, 512);
    generate_options stop_early;
    int pieces = 0;
    std::string seen;
    stop_early.stream_text = [&](std::string_view piece, std::size_t) {
        seen += piece;
        return ++pieces < 3;
    };
    const auto stopped = talk.say("What is the capital of France?", config, stop_early);
    BOOST_TEST((stopped.sequences[0].reason == finish_reason::streamer));
    BOOST_TEST(talk.messages().back().role == "assistant");
    BOOST_TEST(talk.messages().back().content.starts_with(seen));
    BOOST_CHECK_NO_THROW((void)talk.say("And of Italy?", config));
}

BOOST_AUTO_TEST_CASE(old_turns_make_room_and_the_system_message_stays) {
    conversation talk(model, tokenizer, 120);
    talk.add({"system", "Antworte kurz."});
    for (int i = 0; i < 8; ++i) (void)talk.say("Was ist die Hauptstadt der Schweiz?", config);
    BOOST_TEST(talk.messages().front().role == "system");
    BOOST_TEST(talk.messages().size() < 17u);
    BOOST_TEST(talk.messages()[1].role == "user");
    const std::string long_message(4000, 'x');
    const std::size_t before = talk.messages().size();
    BOOST_CHECK_EXCEPTION((void)talk.say(long_message, config), error,
                          [](const error& e) { return e.category() == error_category::resource; });
    BOOST_TEST(talk.messages().size() == before); // nothing is lost, and the message is not kept
    BOOST_TEST(talk.messages().back().role == "assistant");
}

BOOST_AUTO_TEST_SUITE_END()
