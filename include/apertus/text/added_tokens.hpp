// SPDX-License-Identifier: Apache-2.0
//
// Cuts added tokens out of a text, as Hugging Face's AddedVocabulary::find_matches: leftmost-longest matches that do not overlap,
// then single_word, lstrip and rstrip, in that order. A token that is not allowed at a place (a special token in untrusted text)
// is not there at all: shorter tokens and later starts are still found.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/text/tokenizer_spec.hpp>
#include <apertus/text/unicode_class.hpp>
#include <apertus/text/utf8.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE
namespace detail {

/// The longest text of an added token, in bytes; it bounds the work per byte of text.
inline constexpr std::size_t max_added_token_size = 4096;

[[nodiscard]] inline bool starts_with_word(std::string_view text) noexcept {
    return !text.empty() && in_mask(utf8_decode(text.data()).code, masks::word);
}
[[nodiscard]] inline bool ends_with_word(std::string_view text) noexcept {
    return !text.empty() && in_mask(utf8_decode(text.data() + utf8_previous(text, text.size())).code, masks::word);
}
/// Where the white space at the end of `text` starts.
[[nodiscard]] inline std::size_t space_at_end(std::string_view text) noexcept {
    std::size_t end = text.size();
    while (end != 0) {
        const std::size_t at = utf8_previous(text, end);
        if (!in_mask(utf8_decode(text.data() + at).code, masks::space)) break;
        end = at;
    }
    return end;
}
/// Where the white space at the start of `text` ends.
[[nodiscard]] inline std::size_t space_at_start(std::string_view text) noexcept {
    std::size_t at = 0;
    while (at != text.size()) {
        const utf8_character c = utf8_decode(text.data() + at);
        if (!in_mask(c.code, masks::space)) break;
        at += c.size;
    }
    return at;
}

/// A set of texts, each with the index of its added token.
class added_token_matcher {
public:
    struct pattern {
        std::string text;
        std::size_t token; ///< index of the added token
    };

    added_token_matcher() = default;

    /// Throws error(tokenizer) for texts that are empty, too long or the same: what Hugging Face cannot build either.
    explicit added_token_matcher(std::vector<pattern> patterns) : patterns_(std::move(patterns)) {
        std::sort(patterns_.begin(), patterns_.end(),
                  [](const pattern& a, const pattern& b) { return a.text < b.text; });
        for (std::size_t i = 0; i < patterns_.size(); ++i) {
            const std::string& text = patterns_[i].text;
            if (text.empty() || text.size() > max_added_token_size) {
                fail(error_category::tokenizer, "tokenizer", "added_tokens: text of a token, normalized",
                     "1 to " + std::to_string(max_added_token_size) + " bytes", std::to_string(text.size()) + " bytes");
            }
            if (i > 0 && patterns_[i - 1].text == text) {
                fail(error_category::tokenizer, "tokenizer", "added_tokens", "different texts, normalized",
                     quoted(text) + " twice");
            }
            first_byte_[static_cast<unsigned char>(text[0])] = true;
        }
    }

    [[nodiscard]] bool empty() const noexcept { return patterns_.empty(); }

    /// Splits `text`: calls on_text(begin, end) for what lies between tokens (never empty) and on_token(index, begin, end) for
    /// tokens, in order. `allowed(index, begin, end)` says whether a token may match at a place.
    template <class Allowed, class OnText, class OnToken>
    void split(std::string_view text, const std::vector<added_token>& tokens, const Allowed& allowed,
               const OnText& on_text, const OnToken& on_token) const {
        std::size_t done = 0; // everything before it has been handed out
        std::size_t space_begin = 1,
                    space_end = 0; // the run of white space that rstrip scanned last: no byte is scanned twice
        for (std::size_t at = 0; at < text.size();) {
            if (!first_byte_[static_cast<unsigned char>(text[at])]) {
                ++at;
                continue;
            }
            const auto [token, size] = longest_at(text, at, allowed);
            if (size == 0) {
                ++at;
                continue;
            }
            std::size_t begin = at, end = at + size;
            at = end;
            const added_token& found = tokens[token];
            if (found.single_word && (ends_with_word(text.substr(0, begin)) || starts_with_word(text.substr(end))))
                continue;
            if (found.lstrip && done <= begin) begin = done + space_at_end(text.substr(done, begin - done));
            if (found.rstrip) {
                if (end < space_begin || end > space_end) {
                    space_begin = end;
                    space_end = end + space_at_start(text.substr(end));
                }
                end = space_end;
            }
            if (done < begin) on_text(done, begin);
            on_token(token, begin, end);
            done = end;
        }
        if (done < text.size()) on_text(done, text.size());
    }

private:
    /// The longest allowed token at `at` and its size; size 0 when there is none. Narrows the range of sorted texts byte by byte.
    template <class Allowed>
    [[nodiscard]] std::pair<std::size_t, std::size_t> longest_at(std::string_view text, std::size_t at,
                                                                 const Allowed& allowed) const {
        std::pair<std::size_t, std::size_t> best{0, 0};
        auto low = patterns_.begin(), high = patterns_.end();
        for (std::size_t depth = 0;; ++depth) {
            if (low != high && low->text.size() == depth) { // the shortest of a range with a common prefix comes first
                if (allowed(low->token, at, at + depth)) best = {low->token, depth};
                ++low;
            }
            if (low == high || at + depth == text.size()) return best;
            const auto byte = static_cast<unsigned char>(text[at + depth]);
            const auto byte_of = [&](const pattern& p) { return static_cast<unsigned char>(p.text[depth]); };
            low = std::partition_point(low, high, [&](const pattern& p) { return byte_of(p) < byte; });
            high = std::partition_point(low, high, [&](const pattern& p) { return byte_of(p) == byte; });
        }
    }

    std::vector<pattern> patterns_; ///< sorted by text
    std::array<bool, 256> first_byte_{};
};

} // namespace detail
APERTUS_END_NAMESPACE
