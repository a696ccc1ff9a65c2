// SPDX-License-Identifier: Apache-2.0
//
// A string that remembers, byte by byte, who wrote it: the chat template (scaffolding) or the user (message content).
// Every string of the template engine is a marked_text; joining, slicing and replacing keep the marks, so that the
// tokenizer can later read control tokens in the scaffolding and plain text in what the user wrote.
#pragma once

#include <apertus/version.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

/// UTF-8 bytes plus the sorted, disjoint, non-empty ranges of them that came from the user.
class marked_text {
public:
    /// A range of bytes [begin, end).
    struct range {
        std::size_t begin = 0;
        std::size_t end = 0;
        friend bool operator==(const range&, const range&) = default;
    };

    marked_text() = default;

    /// All bytes of one origin.
    explicit marked_text(std::string bytes, bool from_user = false) : bytes_(std::move(bytes)) {
        if (from_user && !bytes_.empty()) user_.push_back({0, bytes_.size()});
    }

    [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::string_view view() const noexcept { return bytes_; }
    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
    [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }

    /// The ranges that came from the user.
    [[nodiscard]] const std::vector<range>& user_ranges() const noexcept { return user_; }

    /// Whether byte `at` came from the user.
    [[nodiscard]] bool from_user(std::size_t at) const noexcept {
        const std::size_t i = first_range_after(at);
        return i < user_.size() && user_[i].begin <= at;
    }

    /// Appends bytes of one origin.
    void append(std::string_view bytes, bool from_user = false) {
        const std::size_t begin = bytes_.size();
        bytes_.append(bytes);
        if (from_user) mark(begin, bytes_.size());
    }

    /// Appends one byte.
    void push_back(char byte, bool from_user = false) {
        bytes_.push_back(byte);
        if (from_user) mark(bytes_.size() - 1, bytes_.size());
    }

    /// Appends bytes [begin, end) of `other`, marks included. 0 <= begin <= end <= other.size().
    void append(const marked_text& other, std::size_t begin, std::size_t end) {
        const std::size_t base = bytes_.size();
        bytes_.append(other.bytes_, begin, end - begin);
        for (std::size_t i = other.first_range_after(begin); i < other.user_.size() && other.user_[i].begin < end;
             ++i) {
            const range r = other.user_[i];
            mark(base + (r.begin > begin ? r.begin - begin : 0), base + ((r.end < end ? r.end : end) - begin));
        }
    }

    void append(const marked_text& other) { append(other, 0, other.size()); }

    /// Bytes [begin, end) as a text of their own.
    [[nodiscard]] marked_text slice(std::size_t begin, std::size_t end) const {
        marked_text out;
        out.append(*this, begin, end);
        return out;
    }

    /// Cuts the text after `size` bytes.
    void truncate(std::size_t size) {
        bytes_.resize(size);
        while (!user_.empty() && user_.back().begin >= size) user_.pop_back();
        if (!user_.empty() && user_.back().end > size) user_.back().end = size;
    }

    /// Replaces all marks: every byte came from the user, or none.
    void mark_all(bool from_user) {
        user_.clear();
        if (from_user && !bytes_.empty()) user_.push_back({0, bytes_.size()});
    }

    void reserve(std::size_t bytes) { bytes_.reserve(bytes); }

    /// Takes the bytes out; the marks are lost.
    [[nodiscard]] std::string take_bytes() && { return std::move(bytes_); }

private:
    void mark(std::size_t begin, std::size_t end) {
        if (begin >= end) return;
        if (!user_.empty() && user_.back().end == begin) user_.back().end = end;
        else user_.push_back({begin, end});
    }

    /// Index of the first range whose end lies after `at`.
    [[nodiscard]] std::size_t first_range_after(std::size_t at) const noexcept {
        std::size_t low = 0;
        std::size_t high = user_.size();
        while (low < high) {
            const std::size_t middle = low + (high - low) / 2;
            if (user_[middle].end > at) high = middle;
            else low = middle + 1;
        }
        return low;
    }

    std::string bytes_;
    std::vector<range> user_;
};

APERTUS_END_NAMESPACE
