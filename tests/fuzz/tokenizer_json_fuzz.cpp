// SPDX-License-Identifier: Apache-2.0
//
// tokenizer.json: whatever the text, parsing and building either throw apertus::error or give a tokenizer that can be used. The input
// is the file, then, after a NUL byte, a text to encode.
#include <apertus/run/tokenizer_json.hpp>
#include <apertus/text/streaming_decoder.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

void check(bool condition) {
    if (!condition) std::abort();
}

void use(const apertus::tokenizer& tokens, std::string_view text) {
    const auto ids = tokens.encode(text);
    check(tokens.encode(text) == ids); // the second time from the cache
    const auto e = tokens.encode_with_offsets(text);
    check(e.ids == ids && e.offsets.size() == ids.size() && e.tokens.size() == ids.size());
    for (const auto id : tokens.encode(text, {.add_special_tokens = false, .untrusted = true}))
        check(!tokens.is_control(id));
    const std::string decoded = tokens.decode(ids);
    check(apertus::is_valid_utf8(decoded));
    apertus::streaming_decoder decoder(tokens);
    std::string streamed;
    for (const auto id : ids) streamed += decoder.push(id);
    streamed += decoder.flush();
    check(streamed == decoded);
    for (std::int32_t id = -1; id <= tokens.id_limit() && id < 300; ++id) static_cast<void>(tokens.id_to_token(id));
    static_cast<void>(tokens.encode_pair(text, "b"));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::size_t end = input.find('\0');
    const std::string_view file = input.substr(0, end);
    const std::string_view text = end == std::string_view::npos ? "ab <s> 12" : input.substr(end + 1);
    try {
        use(apertus::tokenizer(apertus::parse_tokenizer_json(file, "fuzz")), text);
    } catch (const apertus::error&) {
    }
    try {
        apertus::tokenizer_spec spec;
        apertus::parse_tokenizer_config(file, "fuzz", spec);
        apertus::parse_special_tokens_map(file, "fuzz", spec);
    } catch (const apertus::error&) {
    }
    return 0;
}
