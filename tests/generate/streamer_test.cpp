// SPDX-License-Identifier: Apache-2.0
//
// text_decoder: any decoder behind one type, whether it returns strings or views of its own.
#include <apertus/generate/streamer.hpp>

#include <apertus/text/streaming_decoder.hpp>

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(streamer_test)

namespace {

struct by_value {
    std::string push(std::int32_t id) { return std::string(static_cast<std::size_t>(id), 'x'); }
    std::string flush() { return "end"; }
};

struct by_view {
    std::string all{};
    std::string_view push(std::int32_t id) {
        all = std::to_string(id);
        return all;
    }
    std::string_view flush() { return {}; }
};

struct move_only {
    std::unique_ptr<int> calls = std::make_unique<int>(0);
    std::string push(std::int32_t) { return std::to_string(++*calls); }
    const char* flush() { return "!"; }
};

struct no_decoder {
    std::string push(std::int32_t id);
};

} // namespace

static_assert(apertus::incremental_decoder<by_value> && apertus::incremental_decoder<by_view>);
static_assert(apertus::incremental_decoder<apertus::text_decoder>);
static_assert(apertus::incremental_decoder<apertus::streaming_decoder>);
static_assert(!apertus::incremental_decoder<no_decoder>);
static_assert(!std::is_constructible_v<apertus::text_decoder, no_decoder>);

BOOST_AUTO_TEST_CASE(strings_live_until_the_next_call) {
    apertus::text_decoder d = by_value{};
    const std::string_view piece = d.push(100); // too long for a small string: a dangling view would show
    BOOST_TEST(piece == std::string(100, 'x'));
    BOOST_TEST(d.flush() == "end");
}

BOOST_AUTO_TEST_CASE(views_pass_through) {
    apertus::text_decoder d = by_view{};
    BOOST_TEST(d.push(123456789) == "123456789");
    BOOST_TEST(d.flush().empty());
}

BOOST_AUTO_TEST_CASE(decoders_may_be_move_only_and_text_decoder_moves) {
    apertus::text_decoder d = move_only{};
    BOOST_TEST(d.push(0) == "1");
    apertus::text_decoder e = std::move(d);
    BOOST_TEST(e.push(0) == "2");
    BOOST_TEST(e.flush() == "!");
}

BOOST_AUTO_TEST_SUITE_END()
