// SPDX-License-Identifier: Apache-2.0
#include <apertus/generate/stopping.hpp>

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(stopping_test)

BOOST_AUTO_TEST_CASE(reasons_have_names) {
    using apertus::finish_reason;
    BOOST_TEST(apertus::to_string(finish_reason::eos) == "eos");
    BOOST_TEST(apertus::to_string(finish_reason::length) == "length");
    BOOST_TEST(apertus::to_string(finish_reason::stop_string) == "stop_string");
    BOOST_TEST(apertus::to_string(finish_reason::cancelled) == "cancelled");
    BOOST_TEST(apertus::to_string(finish_reason::deadline) == "deadline");
    BOOST_TEST(apertus::to_string(finish_reason::streamer) == "streamer");
    BOOST_TEST(apertus::to_string(finish_reason::criteria) == "criteria");
}

BOOST_AUTO_TEST_CASE(end_tokens) {
    const std::vector<std::int32_t> eos{2, 68, 72};
    BOOST_TEST(apertus::is_end_token(eos, 68));
    BOOST_TEST(!apertus::is_end_token(eos, 3));
    BOOST_TEST(!apertus::is_end_token({}, 0));
}

BOOST_AUTO_TEST_CASE(limits) {
    apertus::generation_config c;
    const auto limit = [&](std::size_t prompt, std::size_t session) {
        return apertus::new_token_limit(apertus::effective(c), 3, prompt, session);
    };
    BOOST_TEST(limit(10, 1000) == 20u);
    BOOST_TEST(limit(995, 1000) == 6u);
    BOOST_TEST(limit(1000, 1000) == 1u); // the last new token needs no place in the cache
    BOOST_CHECK_THROW((void)limit(1001, 1000), apertus::error);
    c.max_length = 15;
    BOOST_TEST(limit(10, 1000) == 5u);
    BOOST_TEST(limit(10, 12) == 3u);
    BOOST_CHECK_EXCEPTION((void)limit(15, 1000), apertus::error, [](const apertus::error& e) {
        return std::string(e.what()) ==
               "generate: row 3: expected a prompt shorter than max_length = 15, found 15 tokens";
    });
    c.max_new_tokens = 9223372036854775807;
    BOOST_TEST(limit(10, 1000) == 991u);
    c.max_new_tokens = 0;
    BOOST_TEST(limit(10, 1000) == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
