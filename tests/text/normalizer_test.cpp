// SPDX-License-Identifier: Apache-2.0
#include <apertus/text/normalizer.hpp>

#include <boost/test/unit_test.hpp>

using namespace apertus;

BOOST_AUTO_TEST_SUITE(normalizers)

BOOST_AUTO_TEST_CASE(steps_run_in_order) {
    const normalizer all({replace_step{{"<think>\\s*", true}, "<p>"}, replace_step{{"..", false}, "."}, strip_step{},
                          lowercase_step{}, unicode_form_step{unicode_form::nfc}, prepend_step{"_"}});
    BOOST_TEST(all("  <think> \n A.. Be\xCC\x81 ") == "_<p>a. b\xC3\xA9");
    BOOST_TEST(all("") == "");
    BOOST_TEST(normalizer().empty());
    BOOST_TEST(normalizer()("as is") == "as is");
    BOOST_TEST(normalizer({strip_step{true, false}})(" a ") == "a ");
    BOOST_TEST(normalizer({strip_step{false, true}})(" a ") == " a");
    BOOST_CHECK_THROW(normalizer({replace_step{{"(?<x>a)", true}, ""}}), error);
}

BOOST_AUTO_TEST_SUITE_END()
