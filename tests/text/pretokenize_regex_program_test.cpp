// SPDX-License-Identifier: Apache-2.0
#include <apertus/text/pretokenize_regex_program.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

using namespace apertus;

BOOST_AUTO_TEST_SUITE(pretokenize_regex_program)

BOOST_AUTO_TEST_CASE(what_is_not_supported_is_refused_by_name) {
    for (const char* pattern :
         {"(",           ")",         "a)",     "(?<n>a)", "(?<=a)b",       "(?P<x>a)",
          "[a",          "[]",        "[[a]]",  "[a&&b]",  "[z-a]",         "*",
          "a**",         "a{2}{3}",   "a{5,2}", "a{2000}", "a{2}?",         "a{1,2}+",
          "\\",          "\\q",       "\\1",    "\\p",     "\\p{Han}",      "\\p{",
          "\\x{110000}", "\\x{D800}", "\\xFF",  "\\u12",   "(?i:\xC3\xA9)", "(?i:st)",
          "(?i)\\p{Lu}", "a(?i)b",    "(?m)a",  "\xFF",    "[\\w-",         "(?:(?:(?:a{1000}){1000}){1000})"}) {
        BOOST_CHECK_EXCEPTION(static_cast<void>(detail::regex_compiler::compile(pattern)), error,
                              [](const error& e) { return e.category() == error_category::tokenizer; });
    }
    std::string deep;
    for (int i = 0; i < 100000; ++i) deep += "(";
    BOOST_CHECK_THROW(static_cast<void>(detail::regex_compiler::compile(deep)), error);
}

BOOST_AUTO_TEST_CASE(messages_name_the_pattern_and_the_place) {
    try {
        static_cast<void>(detail::regex_compiler::compile("ab\\p{Greek}"));
        BOOST_FAIL("no error");
    } catch (const error& e) {
        const std::string what = e.what();
        BOOST_TEST(what.find("ab\\p{Greek}") != std::string::npos);
        BOOST_TEST(what.find("byte 3") != std::string::npos);
        BOOST_TEST(what.find("general categories") != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(a_program_ends_with_accept) {
    const auto program = detail::regex_compiler::compile("a|b*");
    BOOST_TEST((program.code.back().op == detail::regex_op::accept));
    BOOST_TEST(program.sets.size() == 2u);
    BOOST_TEST(program.sets[0].contains('a'));
    BOOST_TEST(!program.sets[0].contains('b'));
}

BOOST_AUTO_TEST_SUITE_END()
