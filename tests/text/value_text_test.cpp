// SPDX-License-Identifier: Apache-2.0
#include <apertus/text/value_text.hpp>

#include <boost/test/unit_test.hpp>

#include <random>
#include <string>
#include <vector>

using apertus::marked_text;

BOOST_AUTO_TEST_SUITE(text_value_text)

BOOST_AUTO_TEST_CASE(appending_keeps_marks) {
    marked_text t("sys");
    t.append("user", true);
    t.append("more", true);
    t.append("end");
    BOOST_TEST(t.bytes() == "sysusermoreend");
    BOOST_TEST(t.user_ranges().size() == 1U);
    BOOST_TEST((t.user_ranges()[0] == marked_text::range{3, 11}));
    BOOST_TEST(!t.from_user(2));
    BOOST_TEST(t.from_user(3));
    BOOST_TEST(t.from_user(10));
    BOOST_TEST(!t.from_user(11));
}

/// Against the obvious form: one flag per byte.
BOOST_AUTO_TEST_CASE(agrees_with_flags_per_byte) {
    std::mt19937 random(7);
    for (int round = 0; round < 300; ++round) {
        marked_text text;
        std::string flags;
        for (int step = 0; step < 20; ++step) {
            const std::size_t size = text.size();
            switch (random() % 4) {
            case 0:
            case 1: {
                const bool user = random() % 2 == 0;
                const std::string bytes(random() % 4, 'x');
                text.append(bytes, user);
                flags.append(bytes.size(), user ? 'u' : 't');
                break;
            }
            case 2: {
                const std::size_t begin = random() % (size + 1);
                const std::size_t end = begin + random() % (size - begin + 1);
                const marked_text part = text.slice(begin, end);
                text.append(part);
                flags += flags.substr(begin, end - begin);
                break;
            }
            default: {
                const std::size_t cut = size - random() % (size / 4 + 1);
                text.truncate(cut);
                flags.resize(cut);
            }
            }
        }
        BOOST_REQUIRE(text.size() == flags.size());
        for (std::size_t i = 0; i < flags.size(); ++i) BOOST_REQUIRE(text.from_user(i) == (flags[i] == 'u'));
        for (std::size_t i = 0; i < text.user_ranges().size(); ++i) {
            BOOST_REQUIRE(text.user_ranges()[i].begin < text.user_ranges()[i].end);
            if (i > 0) BOOST_REQUIRE(text.user_ranges()[i - 1].end < text.user_ranges()[i].begin);
        }
    }
}

BOOST_AUTO_TEST_CASE(mark_all) {
    marked_text t("abc");
    t.mark_all(true);
    BOOST_TEST(t.from_user(0));
    t.mark_all(false);
    BOOST_TEST(t.user_ranges().empty());
    marked_text empty;
    empty.mark_all(true);
    BOOST_TEST(empty.user_ranges().empty());
}

BOOST_AUTO_TEST_SUITE_END()
