// SPDX-License-Identifier: Apache-2.0
//
// The normalizers that byte-level tokenizers use: Replace (literal or regular expression), Prepend, Strip, Lowercase, NFC and NFD,
// in sequence, with Hugging Face's alignment of the result to the original text.
#pragma once

#include <apertus/text/normalizer_text.hpp>
#include <apertus/text/pretokenize_regex.hpp>
#include <apertus/text/tokenizer_spec.hpp>
#include <apertus/text/unicode_normalize.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

APERTUS_BEGIN_NAMESPACE

/// A sequence of normalizers; immutable.
class normalizer {
public:
    normalizer() = default;
    /// Throws error(tokenizer) for patterns outside the supported subset.
    explicit normalizer(std::vector<normalizer_step> steps) : steps_(std::move(steps)) {
        for (const normalizer_step& step : steps_) {
            const auto* replace = std::get_if<replace_step>(&step);
            matchers_.push_back(replace != nullptr ? std::optional<text_matcher>(replace->pattern) : std::nullopt);
        }
    }

    [[nodiscard]] bool empty() const noexcept { return steps_.empty(); }

    void apply(detail::aligned_text& text) const {
        for (std::size_t i = 0; i < steps_.size(); ++i) {
            std::visit([&](const auto& step) { apply_step(step, i, text); }, steps_[i]);
        }
    }

    /// `text`, normalized, without alignment.
    [[nodiscard]] std::string operator()(std::string_view text) const {
        detail::aligned_text result(text, 0, false);
        apply(result);
        return std::move(result.text);
    }

private:
    void apply_step(const replace_step& step, std::size_t index, detail::aligned_text& text) const {
        std::vector<std::pair<std::size_t, std::size_t>> matches;
        matchers_[index]->for_each_match(text.text,
                                         [&](std::size_t begin, std::size_t end) { matches.emplace_back(begin, end); });
        text.replace(matches, step.content);
    }
    void apply_step(const prepend_step& step, std::size_t, detail::aligned_text& text) const {
        text.prepend(step.content);
    }
    void apply_step(const strip_step& step, std::size_t, detail::aligned_text& text) const {
        std::size_t begin = 0, end = text.text.size();
        const auto is_space = [&](std::size_t at) {
            return in_mask(utf8_decode(text.text.data() + at).code, masks::space);
        };
        if (step.left) {
            while (begin < end && is_space(begin)) begin += utf8_size(text.text[begin]);
        }
        if (step.right) {
            while (begin < end) {
                const std::size_t last = utf8_previous(text.text, end);
                if (!is_space(last)) break;
                end = last;
            }
        }
        text.keep(begin, end);
    }
    void apply_step(const lowercase_step&, std::size_t, detail::aligned_text& text) const {
        text.transform(detail::lowercase_edits(text.text));
    }
    void apply_step(const unicode_form_step& step, std::size_t, detail::aligned_text& text) const {
        text.transform(detail::normalization_edits(text.text, step.form));
    }

    std::vector<normalizer_step> steps_;
    std::vector<std::optional<text_matcher>> matchers_; ///< by step
};

APERTUS_END_NAMESPACE
