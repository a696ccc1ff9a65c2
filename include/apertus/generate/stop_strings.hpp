// SPDX-License-Identifier: Apache-2.0
//
// Stop strings in a stream of text. The text comes in pieces that know nothing of the strings: a stop string may begin in
// one token and end three tokens later. What could still become one is held back; what is released can never be part of
// one. Which match wins depends on the text alone, not on how it was cut: the one that is complete first, and of several
// that are complete with the same byte the longest. One Knuth-Morris-Pratt automaton per string, linear time.
#pragma once

#include <apertus/core/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

APERTUS_BEGIN_NAMESPACE

/// The strings and their failure tables; shared by all rows of a generation.
class stop_string_set {
public:
    stop_string_set() = default;
    /// Throws error(config) for an empty string.
    explicit stop_string_set(std::span<const std::string> strings) {
        for (const std::string& s : strings) {
            if (s.empty()) fail(error_category::config, "stop strings", "string", "at least one byte", "an empty one");
            strings_.push_back({s, failure_table(s)});
        }
    }

    [[nodiscard]] std::size_t size() const noexcept { return strings_.size(); }
    [[nodiscard]] const std::string& operator[](std::size_t i) const noexcept { return strings_[i].text; }

    /// The state of string i after one more byte: how many of its bytes the text now ends with.
    [[nodiscard]] std::size_t advance(std::size_t i, std::size_t state, char byte) const noexcept {
        const automaton& a = strings_[i];
        if (state == a.text.size()) state = a.failure[state - 1];
        while (state > 0 && a.text[state] != byte) state = a.failure[state - 1];
        return a.text[state] == byte ? state + 1 : state;
    }

private:
    struct automaton {
        std::string text;
        std::vector<std::size_t> failure; // [i]: longest proper prefix of text[0..i] that is its suffix, too
    };

    [[nodiscard]] static std::vector<std::size_t> failure_table(std::string_view s) {
        std::vector<std::size_t> table(s.size(), 0);
        std::size_t length = 0;
        for (std::size_t i = 1; i < s.size(); ++i) {
            while (length > 0 && s[i] != s[length]) length = table[length - 1];
            if (s[i] == s[length]) ++length;
            table[i] = length;
        }
        return table;
    }

    std::vector<automaton> strings_;
};

/// The text of one row: pushed piece by piece, released up to where a stop string may have begun.
class stop_string_matcher {
public:
    /// `strings` must outlive the matcher. `expected_bytes` of text are reserved.
    explicit stop_string_matcher(const stop_string_set& strings, std::size_t expected_bytes = 0)
        : strings_(&strings), states_(strings.size(), 0) {
        text_.reserve(expected_bytes);
    }

    /// Appends a piece and returns what became final with it (valid until the next call). After a match the text ends
    /// before the stop string and nothing is appended any more.
    std::string_view push(std::string_view piece) {
        if (matched_) return {};
        std::size_t held = 0;
        for (const char byte : piece) {
            text_ += byte;
            held = 0;
            for (std::size_t i = 0; i < states_.size(); ++i) {
                states_[i] = strings_->advance(i, states_[i], byte);
                const bool complete = states_[i] == (*strings_)[i].size();
                if (complete && (!matched_ || (*strings_)[i].size() > (*strings_)[*matched_].size())) matched_ = i;
                held = std::max(held, states_[i]);
            }
            if (matched_) {
                text_.resize(text_.size() - (*strings_)[*matched_].size());
                return release(text_.size());
            }
        }
        if (piece.empty()) return {};
        return release(text_.size() - held);
    }

    /// Releases what was held back: the text ends here.
    std::string_view finish() noexcept { return release(text_.size()); }

    /// Which string was found.
    [[nodiscard]] std::optional<std::size_t> matched() const noexcept { return matched_; }
    /// All text so far, the held-back part included, without the stop string.
    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    [[nodiscard]] std::string take_text() noexcept { return std::move(text_); }

private:
    /// text_[released_, end). A longer stop string may begin before what is already released only if that text was part
    /// of its prefix, and then it was held back; so end never lies before released_.
    std::string_view release(std::size_t end) noexcept {
        const std::size_t from = std::min(released_, end);
        released_ = end;
        return std::string_view(text_).substr(from, end - from);
    }

    const stop_string_set* strings_;
    std::vector<std::size_t> states_;
    std::string text_;
    std::size_t released_ = 0;
    std::optional<std::size_t> matched_;
};

APERTUS_END_NAMESPACE
