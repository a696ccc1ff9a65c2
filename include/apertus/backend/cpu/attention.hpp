// SPDX-License-Identifier: Apache-2.0
//
// How attention is cut into pieces for the threads of the cpu backend. A unit is some rows of one sequence and some query
// heads of one kv head. Prompts have many units, each done by one piece from first slot to last. When there are fewer
// units than keep all threads busy - decoding one sequence, or a few of different lengths - a piece is one span of slots
// of one unit, and the spans of a row are put together afterwards. The kernels go through spans in the same way whoever
// does them, so the cut changes no bit.
#pragma once

#include <apertus/backend/cpu/kernel_table.hpp>
#include <apertus/backend/cpu/scratch.hpp>
#include <apertus/core/kv_format.hpp>
#include <apertus/core/memory.hpp>
#include <apertus/core/tensor.hpp>

#include <cstddef>
#include <span>
#include <utility>

APERTUS_BEGIN_NAMESPACE
namespace detail {

/// Floats for the partial sums of split rows. 1 MiB: 65,536 positions of eight kv heads with four query heads of 128
/// elements in four rounds, which is few enough to cost nothing.
inline constexpr std::size_t attention_scratch_floats = std::size_t{1} << 18;

/// The units of one call of `attend`.
class attention_units {
public:
    using segments = std::span<const kv_segment<>>;

    attention_units(const kernel_table& kernels, tensor_view<const float, 3> q, segments all, float scale,
                    tensor_view<float, 3> out, std::size_t threads) noexcept
        : kernels_(kernels), q_(q), out_(out), segments_(all), scale_(scale) {
        const std::size_t width = padded(q.extent(2));
        const std::size_t fit = attend_max_sums / width;
        most_queries_ = fit < attend_max_queries ? fit : attend_max_queries;
        std::size_t rows = 0;
        for (const auto& s : all) rows += s.row_count * s.cache.heads;
        fair_rows_ = rows / (4 * threads) + 1;
        for (const auto& s : all) {
            count_ += units_of(s);
            const std::size_t slots = s.first_slot + s.row_count;
            work_ += s.row_count * slots;
            if (spans_of(slots) > longest_) longest_ = spans_of(slots);
        }
        work_ *= q.extent(1) * q.extent(2);
    }

    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    /// Spans of the longest segment.
    [[nodiscard]] std::size_t longest() const noexcept { return longest_; }
    /// Multiplications, about.
    [[nodiscard]] std::size_t work() const noexcept { return work_; }

    /// Unit i as a job over all its spans, those that see the most slots first in a segment.
    [[nodiscard]] attend_job job(std::size_t i) const noexcept {
        const kv_segment<>* s = segments_.data();
        for (; i >= units_of(*s); ++s) i -= units_of(*s);
        const shape c = shape_of(*s);
        const std::size_t parts = s->cache.heads * c.head_parts;
        const std::size_t g = i % parts / c.head_parts;
        const std::size_t head = i % c.head_parts * c.heads;
        const std::size_t row = (c.row_parts - 1 - i / parts) * c.rows;
        const std::size_t group = q_.extent(1) / s->cache.heads;
        const std::size_t offset = ((s->first_row + row) * q_.extent(1) + g * group + head) * q_.extent(2);
        attend_job out;
        out.format = s->cache.format;
        out.keys = s->cache.key_block(g, 0);
        out.values = s->cache.value_block(g, 0);
        out.key_bytes = s->cache.key_bytes();
        out.value_bytes = s->cache.value_bytes();
        out.q = q_.data() + offset;
        out.out = out_.data() + offset;
        out.rows = least(c.rows, s->row_count - row);
        out.heads = least(c.heads, group - head);
        out.head_size = q_.extent(2);
        out.row_stride = q_.extent(1) * q_.extent(2);
        out.first_slot = s->first_slot + row;
        out.scale = scale_;
        out.last_span = spans_of(out.first_slot + out.rows);
        return out;
    }

    void attend(const attend_job& job) const noexcept { kernels_.attend_for(job.format->name)(job); }
    void merge(const attend_job& job) const noexcept { kernels_.merge_attention(job); }

    /// Floats of scratch that a split unit needs.
    [[nodiscard]] static std::size_t partial_floats(const attend_job& job) noexcept {
        return job.last_span * job.rows * job.heads * (padded(job.head_size) + attend_partial_extra);
    }

private:
    struct shape {
        std::size_t heads;      // query heads of a unit
        std::size_t head_parts; // per kv head
        std::size_t rows;       // of a unit
        std::size_t row_parts;
    };

    static constexpr std::size_t least(std::size_t a, std::size_t b) noexcept { return a < b ? a : b; }
    static constexpr std::size_t padded(std::size_t head_size) noexcept { return (head_size + 15) / 16 * 16; }
    static constexpr std::size_t spans_of(std::size_t slots) noexcept {
        return (slots + attend_span - 1) / attend_span;
    }

    [[nodiscard]] shape shape_of(const kv_segment<>& s) const noexcept {
        const std::size_t group = q_.extent(1) / s.cache.heads;
        const std::size_t heads = least(group, most_queries_);
        const std::size_t rows = least(most_queries_ / heads, fair_rows_);
        return {heads, (group + heads - 1) / heads, rows, (s.row_count + rows - 1) / rows};
    }
    [[nodiscard]] std::size_t units_of(const kv_segment<>& s) const noexcept {
        const shape c = shape_of(s);
        return s.cache.heads * c.head_parts * c.row_parts;
    }

    const kernel_table& kernels_;
    tensor_view<const float, 3> q_;
    tensor_view<float, 3> out_;
    segments segments_;
    float scale_;
    std::size_t most_queries_ = 1;
    std::size_t fair_rows_ = 1;
    std::size_t count_ = 0;
    std::size_t longest_ = 0;
    std::size_t work_ = 0;
};

/// Some units that are cut into spans, and where their partial sums go.
class attention_round {
public:
    static constexpr std::size_t most_units = 64;

    /// Takes units from `next` on as far as room and scratch go, and moves `next`. One that needs more scratch than there
    /// is comes alone and is not cut.
    attention_round(const attention_units& units, std::size_t& next, scratch_memory<float>& scratch) noexcept
        : units_(units) {
        std::size_t used = 0;
        while (next < units.size() && count_ < most_units) {
            attend_job job = units.job(next);
            const std::size_t needed = attention_units::partial_floats(job);
            if (job.last_span > 1 && needed <= scratch.size()) {
                if (used + needed > scratch.size()) break;
                job.partial = scratch.data() + used;
                used += needed;
            }
            first_piece_[count_] = pieces_;
            pieces_ += job.partial != nullptr ? job.last_span : 1;
            split_ = split_ || job.partial != nullptr;
            jobs_[count_++] = job;
            ++next;
        }
    }

    [[nodiscard]] std::size_t pieces() const noexcept { return pieces_; }
    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    [[nodiscard]] bool split() const noexcept { return split_; }

    void attend(std::size_t piece) const noexcept {
        std::size_t i = count_ - 1;
        while (first_piece_[i] > piece) --i;
        attend_job job = jobs_[i];
        if (job.partial != nullptr) {
            job.first_span = piece - first_piece_[i];
            job.last_span = job.first_span + 1;
        }
        units_.attend(job);
    }
    void merge(std::size_t i) const noexcept {
        if (jobs_[i].partial != nullptr) units_.merge(jobs_[i]);
    }

private:
    const attention_units& units_;
    attend_job jobs_[most_units];
    std::size_t first_piece_[most_units];
    std::size_t count_ = 0;
    std::size_t pieces_ = 0;
    bool split_ = false;
};

} // namespace detail
APERTUS_END_NAMESPACE
