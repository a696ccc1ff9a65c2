// SPDX-License-Identifier: Apache-2.0
//
// The tokenizer on a pipe, for tools/compare_tokenizer.py: everything that the comparison looks at and `apertus tokenize` does not
// print. One JSON value per line on stdin: a string, or [first, second] for a pair, or {"segments": [[text, trusted], ...]}, or
// {"ids": [...]} to decode. One JSON object per line on stdout.
//
//   tokenizer_driver DIR [--no-special] [--untrusted] [--offsets] [--bytes]
#include <apertus/io/json.hpp>
#include <apertus/run/tokenizer_json.hpp>
#include <apertus/text/streaming_decoder.hpp>

#include <cstring>
#include <iostream>
#include <string>
#include <vector>

namespace {

using apertus::json;

struct switches {
    apertus::encode_options encode;
    bool offsets = false;
    apertus::offset_unit unit = apertus::offset_unit::codepoints;
};

std::string stream(const apertus::tokenizer& tokens, const std::vector<std::int32_t>& ids, bool skip) {
    apertus::streaming_decoder decoder(tokens, {.skip_special_tokens = skip});
    std::string text;
    for (const std::int32_t id : ids) text += decoder.push(id);
    text += decoder.flush();
    return text;
}

json answer(const apertus::tokenizer& tokens, const json& line, const switches& how) {
    json out = json::object();
    if (line.is_object() && line.contains("ids")) {
        const auto ids = line["ids"].get<std::vector<std::int32_t>>();
        out["text"] = tokens.decode(ids);
        out["skipped"] = tokens.decode(ids, {.skip_special_tokens = true});
        out["stream"] = stream(tokens, ids, false);
        out["stream_skipped"] = stream(tokens, ids, true);
        return out;
    }
    if (line.is_object()) {
        std::vector<apertus::text_segment> segments;
        for (const json& segment : line["segments"]) {
            segments.push_back({segment[0].get_ref<const std::string&>(), segment[1].get<bool>()});
        }
        out["ids"] = tokens.encode_segments(segments, how.encode);
        return out;
    }
    if (line.is_string() && !how.offsets) {
        out["ids"] = tokens.encode(line.get_ref<const std::string&>(), how.encode);
        return out;
    }
    const apertus::encoding e =
        line.is_string() ? tokens.encode_with_offsets(line.get_ref<const std::string&>(), how.encode, how.unit)
                         : tokens.encode_pair(line[0].get_ref<const std::string&>(),
                                              line[1].get_ref<const std::string&>(), how.encode, how.unit);
    out["ids"] = e.ids;
    out["type_ids"] = e.type_ids;
    out["tokens"] = e.tokens;
    out["special"] = e.special_tokens_mask;
    out["offsets"] = e.offsets;
    if (line.is_string() && e.ids != tokens.encode(line.get_ref<const std::string&>(), how.encode))
        out["ids"] = "encode differs";
    return out;
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::cerr << "usage: tokenizer_driver DIR [--no-special] [--untrusted] [--offsets] [--bytes]\n";
        return 2;
    }
    switches how;
    for (int i = 2; i < argc; ++i) {
        if (std::strcmp(argv[i], "--no-special") == 0) how.encode.add_special_tokens = false;
        if (std::strcmp(argv[i], "--untrusted") == 0) how.encode.untrusted = true;
        if (std::strcmp(argv[i], "--offsets") == 0) how.offsets = true;
        if (std::strcmp(argv[i], "--bytes") == 0) how.unit = apertus::offset_unit::bytes;
    }
    try {
        const apertus::tokenizer tokens = apertus::load_tokenizer(argv[1]);
        std::ios::sync_with_stdio(false);
        for (std::string line; std::getline(std::cin, line);) {
            std::cout << answer(tokens, apertus::parse_json(line, "stdin"), how).dump() << '\n';
        }
    } catch (const std::exception& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
    return 0;
}
