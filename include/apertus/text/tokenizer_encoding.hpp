// SPDX-License-Identifier: Apache-2.0
//
// The post-processors, which work on what encode gives besides ids: TemplateProcessing and the trimming of offsets.
#pragma once

#include <apertus/text/encoding.hpp>
#include <apertus/text/tokenizer_spec.hpp>
#include <apertus/text/unicode_class.hpp>
#include <apertus/text/utf8.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail {

/// Byte offsets -> code point offsets of one text.
class codepoint_index {
public:
    explicit codepoint_index(std::string_view text) {
        index_.reserve(text.size());
        std::size_t count = 0;
        for (const char c : text) {
            count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
            index_.push_back(static_cast<std::uint32_t>(count - 1));
        }
    }
    /// Hugging Face's conversion, its treatment of ranges that start at the end of the text included.
    [[nodiscard]] std::pair<std::size_t, std::size_t> operator()(std::size_t begin, std::size_t end) const {
        if (begin >= index_.size()) return {begin, end};
        if (end < index_.size()) return {index_[begin], index_[end]};
        const std::size_t last = end - 1 < index_.size() ? index_[end - 1] : std::size_t{index_[begin]} + 1;
        return {index_[begin], last + 1};
    }

private:
    std::vector<std::uint32_t> index_;
};

/// How many spaces, as spelled ("Ġ" or White_Space), `token` starts and ends with.
[[nodiscard]] inline std::pair<std::size_t, std::size_t> outer_spaces(std::string_view token) {
    const auto is_space = [&](std::size_t at) {
        const std::uint32_t code = utf8_decode(token.data() + at).code;
        return code == 0x120 || in_mask(code, masks::space); // U+0120 is the space of the byte alphabet
    };
    std::size_t leading = 0, trailing = 0;
    for (std::size_t i = 0; i < token.size() && is_space(i); i += utf8_size(token[i])) ++leading;
    for (std::size_t end = token.size(); end > 0 && is_space(utf8_previous(token, end));
         end = utf8_previous(token, end))
        ++trailing;
    return {leading, trailing};
}

/// ByteLevel's trim_offsets: moves the offsets over the spaces of the token's text.
inline void trim_offsets(encoding& e, bool add_prefix_space) {
    for (std::size_t i = 0; i < e.size(); ++i) {
        auto [leading, trailing] = outer_spaces(e.tokens[i]);
        auto& [begin, end] = e.offsets[i];
        if (leading > 0) {
            // One space at the very start was put there by add_prefix_space and has no text to give back.
            if ((i == 0 || begin == 0) && add_prefix_space && leading == 1) leading = 0;
            begin = std::min(begin + leading, end);
        }
        if (trailing > 0 && end >= trailing) end = std::max(end - trailing, begin);
    }
}

/// The parts of the result in order; `sequences` has one or two elements.
[[nodiscard]] inline std::vector<encoding>
apply_template(const template_step& step, const std::vector<encoding>& sequences, bool add_special_tokens) {
    std::vector<encoding> out;
    for (const template_piece& piece : sequences.size() == 2 ? step.pair : step.single) {
        if (piece.kind == template_piece::special) {
            if (!add_special_tokens) continue;
            encoding& e = out.emplace_back();
            e.ids = piece.ids;
            e.tokens = piece.tokens;
            e.type_ids.assign(e.ids.size(), piece.type_id);
            e.offsets.assign(e.ids.size(), {0, 0});
            e.special_tokens_mask.assign(e.ids.size(), 1);
        } else {
            out.push_back(sequences[piece.kind == template_piece::sequence_a ? 0 : 1]);
            out.back().type_ids.assign(out.back().size(), piece.type_id);
        }
    }
    return out;
}

/// Runs the post-processors over one or two encoded sequences.
[[nodiscard]] inline encoding post_process(const std::vector<post_processor_step>& steps,
                                           std::vector<encoding> sequences, bool add_special_tokens) {
    for (const post_processor_step& step : steps) {
        if (const auto* pieces = std::get_if<template_step>(&step)) {
            sequences = apply_template(*pieces, sequences, add_special_tokens);
        } else {
            for (encoding& e : sequences) trim_offsets(e, std::get<trim_offsets_step>(step).add_prefix_space);
        }
    }
    encoding out;
    for (const encoding& e : sequences) out.append(e);
    return out;
}

} // namespace detail
APERTUS_END_NAMESPACE
