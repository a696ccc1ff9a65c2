// SPDX-License-Identifier: Apache-2.0
//
// What a session does with segments before any backend is asked: checks them, and packs them into chunks of rows.
// Compiled once for all decoders, backends and caches; a template only so that it costs nothing where no session is.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/model/kv_cache.hpp>
#include <apertus/model/memory_plan.hpp>
#include <apertus/model/segment.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail {

template <class Unused = void> class basic_session_steps {
public:
    /// A run of rows of one segment inside the current chunk.
    struct piece {
        std::size_t sequence, first_row, row_count, first_slot, final_length;
    };
    struct row_range {
        std::size_t first, count;
    };
    struct cursor {
        std::size_t segment = 0, offset = 0;
    };

    /// `vocabulary`: token ids are below it. Throws error(config) for impossible options.
    basic_session_steps(const session_options& options, std::size_t vocabulary)
        : options_(checked(options)), vocabulary_(vocabulary) {}

    /// To be called before the first step, after the backend has found its memory (whose error says more than bad_alloc).
    void allocate() {
        ids_.resize(chunk_rows(options_));
        positions_.resize(chunk_rows(options_));
        pieces_.reserve(options_.max_sequences);
        wanted_.reserve(2 * options_.max_sequences);
        seen_.resize(options_.max_sequences);
    }

    static std::size_t chunk_rows(const session_options& o) noexcept {
        return std::max<std::size_t>({1, o.prefill_chunk, o.max_sequences});
    }
    [[nodiscard]] const session_options& options() const noexcept { return options_; }
    /// Of the current chunk.
    [[nodiscard]] std::span<const std::int32_t> ids() const noexcept { return ids_; }
    [[nodiscard]] std::span<const std::int32_t> positions() const noexcept { return positions_; }
    [[nodiscard]] std::span<const piece> pieces() const noexcept { return pieces_; }
    [[nodiscard]] std::span<const row_range> wanted() const noexcept { return wanted_; }

    void check_sequence(std::size_t sequence) const {
        if (sequence >= options_.max_sequences) {
            fail(error_category::shape, "session", "sequence index",
                 "less than max_sequences = " + std::to_string(options_.max_sequences), std::to_string(sequence));
        }
    }

    /// Throws error(shape) when the sequence is shorter than `length`.
    void truncate(cached_positions& cache, std::size_t sequence, std::size_t length) const {
        check_sequence(sequence);
        if (length > cache.length(sequence)) {
            fail(error_category::shape, "session", "truncate of sequence " + std::to_string(sequence),
                 "a length of at most " + std::to_string(cache.length(sequence)), std::to_string(length));
        }
        cache.set_length(sequence, length);
    }

    /// Validates everything before anything changes; returns how many rows of logits are wanted.
    std::size_t check(const cached_positions& cache, std::span<const segment> segments) {
        if (segments.empty()) fail(error_category::shape, "session", "forward", "at least one segment", "none");
        for (sequence_state& s : seen_) s.in_step = false;
        std::size_t wanted = 0;
        for (const segment& s : segments) {
            check_sequence(s.sequence);
            const std::string_view where = "forward";
            if (std::exchange(seen_[s.sequence].in_step, true)) {
                fail(error_category::shape, "session", where, "each sequence once in a step",
                     "sequence " + std::to_string(s.sequence) + " twice");
            }
            if (s.ids.empty()) fail(error_category::shape, "session", where, "at least one token id", "none");
            const std::size_t before = cache.length(s.sequence);
            if (s.ids.size() > options_.max_length - before) {
                fail(error_category::resource, "session", "sequence " + std::to_string(s.sequence),
                     "at most max_length = " + std::to_string(options_.max_length) + " positions",
                     std::to_string(before) + " cached and " + std::to_string(s.ids.size()) + " new");
            }
            for (std::size_t i = 0; i < s.ids.size(); ++i) {
                if (s.ids[i] < 0 || static_cast<std::size_t>(s.ids[i]) >= vocabulary_) {
                    fail(error_category::shape, "session", "token id at index " + std::to_string(i),
                         "0 .. " + std::to_string(vocabulary_ - 1), std::to_string(s.ids[i]));
                }
            }
            if (!s.position_ids.empty() && s.position_ids.size() != s.ids.size()) {
                fail(error_category::shape, "session", "position_ids", std::to_string(s.ids.size()) + " positions",
                     std::to_string(s.position_ids.size()));
            }
            for (const std::int32_t p : s.position_ids) {
                if (p < 0 || p > max_position) {
                    fail(error_category::shape, "session", "position_ids", "0 .. " + std::to_string(max_position),
                         std::to_string(p));
                }
            }
            seen_[s.sequence].length_before = before;
            if (s.logits == logits_for::last) ++wanted;
            if (s.logits == logits_for::all) wanted += s.ids.size();
        }
        return wanted;
    }

    /// Every sequence of the segments gets the length back that it had when they were checked.
    void undo(cached_positions& cache, std::span<const segment> segments) const {
        for (const segment& s : segments) cache.set_length(s.sequence, seen_[s.sequence].length_before);
    }

    /// Packs rows of the following segments into one chunk: ids, positions, pieces, wanted rows.
    std::size_t next_chunk(cached_positions& cache, std::span<const segment> segments, cursor& at) {
        pieces_.clear();
        wanted_.clear();
        std::size_t rows = 0;
        while (at.segment < segments.size() && rows < ids_.size()) {
            const segment& s = segments[at.segment];
            const std::size_t n = std::min(s.ids.size() - at.offset, ids_.size() - rows);
            const std::size_t slot = cache.length(s.sequence);
            std::int32_t position = cache.next_position(s.sequence);
            for (std::size_t i = 0; i < n; ++i) {
                if (!s.position_ids.empty()) position = s.position_ids[at.offset + i];
                ids_[rows + i] = s.ids[at.offset + i];
                positions_[rows + i] = position;
                cache.set_position(s.sequence, slot + i, position);
                ++position;
            }
            pieces_.push_back({s.sequence, rows, n, slot, final_position(cache, s, slot - at.offset) + 1});
            cache.set_length(s.sequence, slot + n);
            at.offset += n;
            const bool finished = at.offset == s.ids.size();
            if (s.logits == logits_for::all) wanted_.push_back({rows, n});
            if (s.logits == logits_for::last && finished) wanted_.push_back({rows + n - 1, 1});
            rows += n;
            if (finished) at = {at.segment + 1, 0};
        }
        return rows;
    }

private:
    static constexpr std::int32_t max_position = 1 << 30; // far beyond any model, and no overflow when counting on

    struct sequence_state {
        std::size_t length_before = 0;
        bool in_step = false;
    };

    static const session_options& checked(const session_options& o) {
        const auto positive = [](std::size_t value, std::string_view name) {
            if (value == 0) fail(error_category::config, "session options", name, "at least 1", "0");
        };
        positive(o.max_sequences, "max_sequences");
        positive(o.max_length, "max_length");
        positive(o.prefill_chunk, "prefill_chunk");
        return o;
    }

    /// The largest position that segment `s` will have reached when it is done: RoPE types that depend on the sequence
    /// length see the whole prompt, however it is chunked. `before` is the cache length before the segment.
    [[nodiscard]] static std::size_t final_position(const cached_positions& cache, const segment& s,
                                                    std::size_t before) {
        if (!s.position_ids.empty()) {
            return static_cast<std::size_t>(*std::max_element(s.position_ids.begin(), s.position_ids.end()));
        }
        const auto first = static_cast<std::size_t>(before == 0 ? 0 : cache.position(s.sequence, before - 1) + 1);
        return first + s.ids.size() - 1;
    }

    session_options options_;
    std::size_t vocabulary_;
    std::vector<std::int32_t> ids_;       // [T] of the current chunk
    std::vector<std::int32_t> positions_; // [T]
    std::vector<piece> pieces_;
    std::vector<row_range> wanted_;
    std::vector<sequence_state> seen_;
};
using session_steps = basic_session_steps<>;

} // namespace detail

APERTUS_END_NAMESPACE
