// SPDX-License-Identifier: Apache-2.0
//
// Rendered prompt -> token ids: control tokens only from what the template wrote, and one BOS.
#pragma once

#include <apertus/text/chat_template.hpp>
#include <apertus/text/tokenizer.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

APERTUS_BEGIN_NAMESPACE

/// What to do when the template prints no BOS token.
enum class bos_rule {
    once,        ///< the tokenizer adds its own special tokens then, so that there is exactly one BOS
    as_template, ///< never add anything (Hugging Face: add_special_tokens=False)
};

/// The ids of a rendered prompt. Special-token text in untrusted segments is encoded as ordinary text.
[[nodiscard]] inline std::vector<std::int32_t> encode_chat(const tokenizer& tok, const rendered_chat& chat,
                                                           bos_rule rule = bos_rule::once) {
    std::vector<text_segment> segments;
    segments.reserve(chat.segments.size());
    for (const rendered_segment& s : chat.segments)
        segments.push_back({std::string_view(chat.text).substr(s.offset, s.length), s.trusted});
    encode_options options;
    options.add_special_tokens = rule == bos_rule::once && !chat.starts_with_bos;
    return tok.encode_segments(segments, options);
}

APERTUS_END_NAMESPACE
