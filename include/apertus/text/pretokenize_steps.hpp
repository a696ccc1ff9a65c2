// SPDX-License-Identifier: Apache-2.0
//
// The pre-tokenizer as a sequence of steps: every step but the last cuts ranges into smaller ranges (Split, Digits); the last may be
// ByteLevel, which can put a space in front and cut by the GPT-2 pattern. The common shapes (one known pattern, then bytes) go
// through without a list of ranges.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/text/pretokenize.hpp>
#include <apertus/text/pretokenize_regex.hpp>
#include <apertus/text/tokenizer_spec.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

APERTUS_BEGIN_NAMESPACE
namespace detail {

/// Bytes begin..end, and whether they matched the pattern or lie between matches.
struct split_range {
    std::size_t begin, end;
    bool match;
};

/// Rust's char::is_numeric, which Hugging Face's Digits asks: Unicode 17.0, where 13 numbers are younger than our table.
[[nodiscard]] constexpr bool is_numeric(std::uint32_t code) noexcept {
    return in_mask(code, masks::number) || (code >= 0x11DE0 && code <= 0x11DE9) || (code >= 0x16FF4 && code <= 0x16FF6);
}

/// What Hugging Face's NormalizedString::split makes of matches and gaps: the ranges that stay, in order.
[[nodiscard]] inline std::vector<split_range> apply_behavior(std::vector<split_range> parts, split_behavior behavior) {
    std::vector<split_range> out;
    out.reserve(parts.size());
    bool previous_match = false;
    switch (behavior) {
    case split_behavior::isolated: return parts;
    case split_behavior::removed:
        for (const split_range& part : parts) {
            if (!part.match) out.push_back(part);
        }
        break;
    case split_behavior::contiguous:
        for (const split_range& part : parts) {
            if (part.match == previous_match && !out.empty()) {
                out.back().end = part.end;
            } else {
                out.push_back(part);
            }
            previous_match = part.match;
        }
        break;
    case split_behavior::merged_with_previous:
        for (const split_range& part : parts) {
            if (part.match && !previous_match && !out.empty()) {
                out.back().end = part.end;
            } else {
                out.push_back(part);
            }
            previous_match = part.match;
        }
        break;
    case split_behavior::merged_with_next:
        std::reverse(parts.begin(), parts.end());
        for (const split_range& part : parts) {
            if (part.match && !previous_match && !out.empty()) {
                out.back().begin = part.begin;
            } else {
                out.push_back(part);
            }
            previous_match = part.match;
        }
        std::reverse(out.begin(), out.end());
        break;
    }
    return out;
}

} // namespace detail

/// A sequence of pre-tokenizers; immutable.
class pre_tokenizer {
public:
    pre_tokenizer() = default;

    /// Throws error(tokenizer) for patterns outside the supported subset and for a ByteLevel that is not last.
    explicit pre_tokenizer(const std::vector<pre_tokenizer_step>& steps) {
        for (std::size_t i = 0; i < steps.size(); ++i) {
            if (const auto* bytes = std::get_if<byte_level_step>(&steps[i])) {
                if (i + 1 != steps.size()) {
                    fail(error_category::tokenizer, "tokenizer", "pre_tokenizer", "ByteLevel as the last step",
                         "a step after it");
                }
                bytes_ = *bytes;
            } else if (const auto* split = std::get_if<split_step>(&steps[i])) {
                cuts_.emplace_back(*split);
            } else {
                cuts_.emplace_back(std::get<digits_step>(steps[i]));
            }
        }
        const bool pattern_last = bytes_ && bytes_->use_regex;
        if (cuts_.empty() && pattern_last) direct_ = known_pattern::gpt2;
        if (cuts_.size() == 1 && !pattern_last && cuts_[0].plain) direct_ = cuts_[0].known;
    }

    [[nodiscard]] bool byte_level() const noexcept { return bytes_.has_value(); }

    /// Calls sink(piece, begin, inserted) for every piece of valid UTF-8 `text`; `begin` is the byte of `text` where the piece starts.
    /// `inserted`: the piece starts with a space that add_prefix_space put in front of that byte.
    template <class Sink> void split(std::string_view text, Sink&& sink) const {
        const bool prefix = bytes_ && bytes_->add_prefix_space;
        if (direct_ && !(prefix && !cuts_.empty())) {
            if (prefix && !text.empty() && text[0] != ' ') return with_prefix(text, 0, sink);
            const char* start = text.data();
            for_each_piece(*direct_, text, [&](std::string_view piece) {
                sink(piece, static_cast<std::size_t>(piece.data() - start), false);
            });
            return;
        }
        std::vector<detail::split_range> ranges{{0, text.size(), false}};
        for (const cut& step : cuts_) {
            std::vector<detail::split_range> finer;
            for (const detail::split_range& range : ranges) {
                for (const detail::split_range& part : step.parts(text.substr(range.begin, range.end - range.begin))) {
                    if (part.begin != part.end)
                        finer.push_back({range.begin + part.begin, range.begin + part.end, false});
                }
            }
            ranges = std::move(finer);
        }
        for (const detail::split_range& range : ranges) {
            const std::string_view part = text.substr(range.begin, range.end - range.begin);
            if (part.empty()) continue;
            if (prefix && part[0] != ' ') {
                with_prefix(part, range.begin, sink);
            } else if (bytes_ && bytes_->use_regex) {
                for_each_piece(known_pattern::gpt2, part, [&](std::string_view piece) {
                    sink(piece, range.begin + static_cast<std::size_t>(piece.data() - part.data()), false);
                });
            } else {
                sink(part, range.begin, false);
            }
        }
    }

private:
    /// A Split or Digits step.
    struct cut {
        split_behavior behavior = split_behavior::isolated;
        bool invert = false;
        bool digits = false;
        bool plain = false; ///< a known pattern, isolated: its matches are the pieces
        known_pattern known = known_pattern::gpt2;
        std::optional<text_matcher> matcher;

        explicit cut(const split_step& step) : behavior(step.behavior), invert(step.invert) {
            const auto found = std::find(known_pattern_texts.begin(), known_pattern_texts.end(), step.pattern.text);
            if (step.pattern.regex && found != known_pattern_texts.end() && behavior == split_behavior::isolated) {
                plain = true;
                known = static_cast<known_pattern>(found - known_pattern_texts.begin());
            } else {
                matcher.emplace(step.pattern);
            }
        }
        explicit cut(const digits_step& step)
            : behavior(step.individual_digits ? split_behavior::isolated : split_behavior::contiguous), digits(true) {}

        [[nodiscard]] std::vector<detail::split_range> parts(std::string_view text) const {
            std::vector<detail::split_range> found;
            if (plain) {
                for_each_piece(known, text, [&](std::string_view piece) {
                    const auto begin = static_cast<std::size_t>(piece.data() - text.data());
                    found.push_back({begin, begin + piece.size(), true});
                });
                return found;
            }
            std::size_t done = 0;
            const auto add = [&](std::size_t begin, std::size_t end) {
                if (done != begin) found.push_back({done, begin, invert});
                found.push_back({begin, end, !invert});
                done = end;
            };
            if (digits) {
                for (std::size_t i = 0; i < text.size();) {
                    const utf8_character c = utf8_decode(text.data() + i);
                    if (detail::is_numeric(c.code)) add(i, i + c.size);
                    i += c.size;
                }
            } else {
                matcher->for_each_match(text, add);
            }
            if (done != text.size()) found.push_back({done, text.size(), invert});
            return detail::apply_behavior(std::move(found), behavior);
        }
    };

    template <class Sink> void with_prefix(std::string_view part, std::size_t begin, Sink& sink) const {
        std::string spaced = " ";
        spaced += part;
        const auto emit = [&](std::string_view piece) {
            const auto at = static_cast<std::size_t>(piece.data() - spaced.data());
            sink(piece, at == 0 ? begin : begin + at - 1, at == 0);
        };
        if (bytes_->use_regex) {
            for_each_piece(known_pattern::gpt2, std::string_view(spaced), emit);
        } else {
            emit(spaced);
        }
    }

    std::vector<cut> cuts_;
    std::optional<byte_level_step> bytes_;
    std::optional<known_pattern> direct_; ///< the whole pre-tokenizer is this pattern (and a space in front, perhaps)
};

APERTUS_END_NAMESPACE
