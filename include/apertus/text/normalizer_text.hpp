// SPDX-License-Identifier: Apache-2.0
//
// Text that remembers, byte by byte, which part of the original text it came from: what Hugging Face calls a NormalizedString.
// Tracking is optional: encode without offsets does not pay for it. The edits are Hugging Face's, so that offsets agree.
#pragma once

#include <apertus/text/utf8.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE
namespace detail {

/// Bytes begin..end of the original text.
struct origin_range {
    std::size_t begin = 0, end = 0;
    friend bool operator==(const origin_range&, const origin_range&) = default;
};

/// A character that an edit writes, and what it does to the old text: 0 replaces the next old character, +1 is inserted (it shares
/// the origin of what precedes it), -n replaces the next old character and removes n more.
struct text_edit {
    std::uint32_t code;
    std::int32_t change;
};

struct aligned_text {
    std::string text; ///< valid UTF-8
    /// Of every byte of `text`: the character that it belongs to or came from; empty when not tracked.
    std::vector<origin_range> origin;
    std::size_t base = 0; ///< where the part starts in the original text
    bool tracked = false;

    /// A part of the original text that starts at byte `base` of it.
    aligned_text(std::string_view part, std::size_t base_, bool tracked_) : text(part), base(base_), tracked(tracked_) {
        if (!tracked) return;
        origin.reserve(text.size());
        for (std::size_t i = 0; i < text.size();) {
            const std::size_t size = utf8_size(text[i]);
            origin.insert(origin.end(), size, {base + i, base + i + size});
            i += size;
        }
    }

    /// Inserted text has the origin of the first character.
    void prepend(std::string_view content) {
        if (text.empty() || content.empty()) return;
        if (tracked) origin.insert(origin.begin(), content.size(), origin.front());
        text.insert(0, content);
    }

    /// Replaces bytes begin..end of each match (ascending, disjoint) by `content`, whose origin is that of the byte before end.
    void replace(const std::vector<std::pair<std::size_t, std::size_t>>& matches, std::string_view content) {
        if (matches.empty()) return;
        std::string new_text;
        std::vector<origin_range> new_origin;
        std::size_t done = 0;
        const auto copy_to = [&](std::size_t end) {
            new_text.append(text, done, end - done);
            if (tracked) new_origin.insert(new_origin.end(), origin.begin() + at(done), origin.begin() + at(end));
            done = end;
        };
        for (const auto& [begin, end] : matches) {
            copy_to(begin);
            new_text.append(content);
            if (tracked)
                new_origin.insert(new_origin.end(), content.size(),
                                  end == 0 ? origin_range{base, base} : origin[end - 1]);
            done = end;
        }
        copy_to(text.size());
        text = std::move(new_text);
        origin = std::move(new_origin);
    }

    /// Drops what is outside bytes begin..end.
    void keep(std::size_t begin, std::size_t end) {
        text = text.substr(begin, end - begin);
        if (tracked) origin = {origin.begin() + at(begin), origin.begin() + at(end)};
    }

    /// Rewrites the whole text; `edits` is the new text.
    void transform(const std::vector<text_edit>& edits) {
        std::string new_text;
        std::vector<origin_range> new_origin;
        std::size_t read = 0; // the next old character
        const auto skip = [&](std::size_t characters) {
            for (; characters > 0 && read < text.size(); --characters) read += utf8_size(text[read]);
        };
        for (const text_edit& edit : edits) {
            const std::size_t before = new_text.size();
            append_utf8(new_text, edit.code);
            if (tracked) {
                origin_range from{base, base};
                if (edit.change > 0) {
                    if (read > 0) from = origin[read - 1];
                } else if (read < text.size()) {
                    from = origin[read];
                }
                new_origin.insert(new_origin.end(), new_text.size() - before, from);
            }
            if (edit.change <= 0) skip(1 + static_cast<std::size_t>(-edit.change));
        }
        text = std::move(new_text);
        origin = std::move(new_origin);
    }

    /// The original range of bytes begin..end, which must not be empty.
    [[nodiscard]] origin_range range(std::size_t begin, std::size_t end) const {
        return {origin[begin].begin, origin[end - 1].end};
    }

private:
    [[nodiscard]] static std::ptrdiff_t at(std::size_t i) noexcept { return static_cast<std::ptrdiff_t>(i); }
};

} // namespace detail
APERTUS_END_NAMESPACE
