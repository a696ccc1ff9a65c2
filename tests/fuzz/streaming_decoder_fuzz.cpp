// SPDX-License-Identifier: Apache-2.0
//
// The streaming decoder: whatever the ids, every piece is valid UTF-8 and the pieces joined are what decode gives at once. The first
// byte chooses the decoder and skip_special_tokens; every further byte is an id (a byte token), 0xFE and 0xFF escape to larger ids.
#include <apertus/text/streaming_decoder.hpp>

#include "../text/tokenizer_fixture.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace {

void check(bool condition) {
    if (!condition) std::abort();
}

const apertus::tokenizer& tokens(std::size_t kind) {
    static const std::vector<std::unique_ptr<apertus::tokenizer>> all = [] {
        std::vector<std::unique_ptr<apertus::tokenizer>> made;
        for (const auto decoder :
             {apertus::decoder_kind::byte_level, apertus::decoder_kind::none, apertus::decoder_kind::fuse}) {
            auto spec = test_support::byte_tokenizer_spec();
            spec.decoder = decoder;
            made.push_back(std::make_unique<apertus::tokenizer>(std::move(spec)));
        }
        return made;
    }();
    return *all[kind % all.size()];
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const apertus::tokenizer& t = tokens(data[0] >> 1);
    const apertus::decode_options options{.skip_special_tokens = (data[0] & 1) != 0};
    std::vector<std::int32_t> ids;
    for (std::size_t i = 1; i < size; ++i) {
        if (data[i] >= 0xFE && i + 1 < size) {
            ++i;
            ids.push_back(data[i - 1] == 0xFE ? 250 + data[i] : -static_cast<std::int32_t>(data[i]));
        } else {
            ids.push_back(data[i]);
        }
    }
    apertus::streaming_decoder decoder(t, options);
    std::string text;
    for (const std::int32_t id : ids) {
        const std::string_view piece = decoder.push(id);
        check(apertus::is_valid_utf8(piece));
        text += piece;
    }
    text += decoder.flush();
    check(text == t.decode(ids, options));
    check(decoder.flush().empty());
    return 0;
}
