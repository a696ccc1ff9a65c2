// SPDX-License-Identifier: Apache-2.0
#include <apertus/text/bpe.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace apertus;

BOOST_AUTO_TEST_SUITE(bpe)

namespace {

bpe_spec make(const std::vector<std::pair<std::string, std::int32_t>>& vocab,
              const std::vector<std::pair<std::string, std::string>>& merges) {
    bpe_spec spec;
    for (const auto& [token, id] : vocab) {
        const text_ref ref = spec.add(token);
        spec.vocab.push_back({ref, id});
    }
    for (const auto& [left, right] : merges) {
        const text_ref ref = spec.add(left);
        spec.merges.push_back({ref, spec.add(right)});
    }
    return spec;
}
std::vector<std::int32_t> encode(const bpe_model& model, std::string_view piece, bool untrusted = false) {
    bpe_model::scratch scratch;
    std::vector<std::int32_t> out;
    model.encode(piece, untrusted, scratch, out);
    return out;
}
using ids = std::vector<std::int32_t>;
const std::vector<std::pair<std::string, std::int32_t>> hello = {{"h", 0},  {"e", 1},  {"l", 2},    {"o", 3},
                                                                 {"he", 4}, {"ll", 5}, {"hell", 7}, {"hello", 9}};

void refused(bpe_spec spec) {
    BOOST_CHECK_EXCEPTION(bpe_model(std::move(spec), true), error,
                          [](const error& e) { return e.category() == error_category::tokenizer; });
}

} // namespace

BOOST_AUTO_TEST_CASE(merges_and_ignore_merges) {
    const std::vector<std::pair<std::string, std::string>> merges = {{"h", "e"}, {"l", "l"}, {"he", "ll"}};
    bpe_spec spec = make(hello, merges);
    const bpe_model plain(spec, true);
    BOOST_TEST((encode(plain, "hello") == ids{7, 3}));
    BOOST_TEST((encode(plain, "hello") == ids{7, 3})); // from the cache
    BOOST_TEST((encode(plain, "hell") == ids{7}));
    BOOST_TEST((encode(plain, "lo") == ids{2, 3}));
    spec.ignore_merges = true;
    const bpe_model whole(std::move(spec), true);
    BOOST_TEST((encode(whole, "hello") == ids{9}));
    BOOST_TEST(whole.size() == 8u);
    BOOST_TEST(whole.id_limit() == 10);
    BOOST_TEST(whole.id_to_token(9) == "hello");
    BOOST_TEST(whole.id_to_token(8) == ""); // a hole
    BOOST_TEST(whole.token_to_id("hell") == 7);
    BOOST_TEST(whole.token_to_id("nope") == -1);
    BOOST_TEST(whole.is_symbol(0));
    BOOST_TEST(!whole.is_symbol(4));
}

BOOST_AUTO_TEST_CASE(forbidden_ids_are_not_made) {
    bpe_spec spec = make(hello, {{"h", "e"}, {"l", "l"}, {"he", "ll"}});
    spec.ignore_merges = true;
    bpe_model model(std::move(spec), true);
    model.forbid({9, 7, 0});
    BOOST_TEST((encode(model, "hello", true) == ids{4, 5, 3})); // neither hello nor hell; the single h stays possible
    BOOST_TEST((encode(model, "hello", false) == ids{9}));
    BOOST_TEST((encode(model, "h", true) == ids{0}));
}

BOOST_AUTO_TEST_CASE(unknown_symbols) {
    bpe_spec spec = make({{"<unk>", 0}, {"a", 1}, {"<0xC3>", 2}, {"<0xA9>", 3}}, {});
    BOOST_TEST((encode(bpe_model(spec, false), "xay") == ids{1})); // dropped
    spec.unk_token = "<unk>";
    BOOST_TEST((encode(bpe_model(spec, false), "xxay") == ids{0, 0, 1, 0}));
    spec.fuse_unk = true;
    BOOST_TEST((encode(bpe_model(spec, false), "xxay") == ids{0, 1, 0}));
    spec.byte_fallback = true;
    BOOST_TEST((encode(bpe_model(spec, false), "a\xC3\xA9") == ids{1, 2, 3}));
    spec.unk_token = "<missing>";
    const bpe_model broken(std::move(spec), false);
    BOOST_CHECK_THROW(encode(broken, "x"), error);
}

BOOST_AUTO_TEST_CASE(contradictions_are_refused) {
    refused(make({{"a", 0}, {"b", 0}}, {}));
    refused(make({{"a", 0}, {"a", 1}}, {}));
    refused(make({{"a", -1}}, {}));
    refused(make({{"a", 2000000000}}, {}));
    refused(make({{"a", 0}, {"b", 1}}, {{"a", "b"}}));
    refused(make({{"a", 0}}, {{"a", "zz"}}));
    refused(make({{"a", 0}}, {{"", "a"}}));
}

BOOST_AUTO_TEST_SUITE_END()
