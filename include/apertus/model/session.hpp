// SPDX-License-Identifier: Apache-2.0
//
// A session: one decoder on one backend with the caches of up to B sequences and all scratch memory. One thread at a time.
// `forward` cuts the given tokens into chunks of at most `prefill_chunk` rows; neither the chunking nor what else is in
// the batch changes a single bit of a row's logits, because no verb of a backend lets one row see another except through
// its own cache. After a cancellation or an error every sequence has the length that it had before the call.
#pragma once

#include <apertus/core/cancellation.hpp>
#include <apertus/model/decoder.hpp>
#include <apertus/model/kv_cache.hpp>
#include <apertus/model/memory_plan.hpp>
#include <apertus/model/segment.hpp>
#include <apertus/model/session_steps.hpp>
#include <apertus/ops/rope_frequencies.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

template <class Decoder, backend Backend> class session {
public:
    using space = typename Backend::space;
    using row_view = tensor_view<const float, 2, space>;
    /// Called with (index, first_row, values[t, D]) for rows first_row .. first_row + t - 1 of the step: index 0 is the
    /// embedding, i the output of layer i (1 .. L), L + 1 the final norm. The view is valid during the call.
    using observer = std::function<void(std::size_t index, std::size_t first_row, row_view values)>;

    /// Bytes that a session with these options will take, beside the weights.
    [[nodiscard]] static memory_plan plan(const Decoder& model, const session_options& options) noexcept {
        const std::size_t rows = detail::session_steps::chunk_rows(options);
        return {model.weight_bytes, cache_shape(model, options).bytes(options.cache_format()),
                rows * (model.shape().floats_per_row() * sizeof(float) + 2 * sizeof(std::int32_t)),
                options.max_sequences * model.vocab_size() * sizeof(float)};
    }

    /// Throws error(config) for impossible options and error(resource) when the memory cannot be had.
    session(std::shared_ptr<const Decoder> model, Backend backend, const session_options& options = {})
        : model_(std::move(model)), backend_(std::move(backend)), steps_(options, model_->embed_tokens.rows),
          activations_(backend_, model_->shape(), detail::session_steps::chunk_rows(options)),
          cache_(backend_, cache_shape(*model_, options), options.cache_format()),
          logits_(backend_.template allocate<float>(options.max_sequences * model_->vocab_size())),
          frequencies_(backend_.template allocate<float>(options.max_sequences * half_head())) {
        steps_.allocate();
        frequency_scratch_.resize(half_head());
        segments_.reserve(options.max_sequences);
        if constexpr (!on_host) host_logits_.resize(logits_.size());
        if (!rope_depends_on_length()) set_frequencies(0, 1);
    }

    [[nodiscard]] std::size_t vocab_size() const noexcept { return model_->vocab_size(); }
    /// Token ids are below this; more than there are logits in v1.5.
    [[nodiscard]] std::size_t input_vocab_size() const noexcept { return model_->embed_tokens.rows; }
    [[nodiscard]] std::size_t max_sequences() const noexcept { return steps_.options().max_sequences; }
    [[nodiscard]] std::size_t max_length() const noexcept { return steps_.options().max_length; }
    [[nodiscard]] std::size_t length(std::size_t sequence) const {
        steps_.check_sequence(sequence);
        return cache_.length(sequence);
    }
    /// Cuts a sequence back to `length` positions. Throws error(shape) when it is shorter than that.
    void truncate(std::size_t sequence, std::size_t length) { steps_.truncate(cache_, sequence, length); }
    [[nodiscard]] const Decoder& model() const noexcept { return *model_; }
    void set_observer(observer callback) { observer_ = std::move(callback); }

    /// See `causal_session`. Throws error(shape) for segments that do not fit, error(cancelled) between layers, and
    /// error(resource) when logits for more rows than there are sequences are wanted and memory is short.
    tensor_view<const float, 2> forward(std::span<const segment> segments, const cancellation& cancel = {}) {
        const std::size_t wanted = steps_.check(cache_, segments);
        reserve_logits(wanted);
        try {
            std::size_t rows_done = 0;
            std::size_t logits_done = 0;
            detail::session_steps::cursor at{};
            while (at.segment < segments.size()) {
                const std::size_t rows = steps_.next_chunk(cache_, segments, at);
                logits_done += run_chunk(rows, rows_done, logits_done, cancel);
                rows_done += rows;
            }
        } catch (...) {
            steps_.undo(cache_, segments);
            throw;
        }
        return finish(wanted);
    }

private:
    static constexpr bool on_host = std::is_same_v<space, host_space>;

    static kv_cache_shape cache_shape(const Decoder& m, const session_options& o) noexcept {
        return {o.max_sequences, m.layers.size(), m.config.num_key_value_heads, o.max_length, m.config.head_dim};
    }
    [[nodiscard]] std::size_t half_head() const noexcept { return model_->config.head_dim / 2; }
    [[nodiscard]] bool rope_depends_on_length() const noexcept {
        return apertus::rope_depends_on_length(model_->config.rope_parameters);
    }

    /// Only grows for logits of more rows than there are sequences: a decode step never allocates.
    void reserve_logits(std::size_t rows) {
        if (rows * vocab_size() <= logits_.size()) return;
        logits_ = backend_.template allocate<float>(rows * vocab_size());
        if constexpr (!on_host) host_logits_.resize(logits_.size());
    }

    /// Runs the rows of the chunk through the model; returns how many rows of logits it wrote after `logits_done`.
    std::size_t run_chunk(std::size_t rows, std::size_t rows_done, std::size_t logits_done,
                          const cancellation& cancel) {
        const auto a = activations_.first(rows);
        backend_.upload(steps_.ids().first(rows), a.ids);
        backend_.upload(steps_.positions().first(rows), a.positions);
        rope_angles(a);

        embed(backend_, tensor_view<const std::int32_t, 1, space>(a.ids), model_->embed_tokens, a.x);
        observe(0, rows_done, a.x);
        for (std::size_t l = 0; l < model_->layers.size(); ++l) {
            cancel.throw_if_requested("session");
            model_->layers[l].forward(backend_, a, kv_segments(l));
            observe(l + 1, rows_done, a.x);
        }
        if (observer_) {
            model_->norm.forward(backend_, a.x, a.h);
            observe(model_->layers.size() + 1, rows_done, a.h);
        }
        return head(a, logits_done);
    }

    /// Norm and head for the wanted rows only, gathered so that the head's weights are read once.
    std::size_t head(const activation_views<space>& a, std::size_t logits_done) {
        std::size_t count = 0;
        for (const detail::session_steps::row_range& r : steps_.wanted()) {
            model_->norm.forward(backend_, a.x.rows(r.first, r.count), a.h.rows(count, r.count));
            count += r.count;
        }
        if (count != 0) {
            const tensor_view<float, 2, space> out(logits_.data() + logits_done * vocab_size(), {count, vocab_size()});
            model_->lm_head.forward(backend_, a.h.rows(0, count), out);
        }
        return count;
    }

    void rope_angles(const activation_views<space>& a) {
        const float scaling = rope_scaling_;
        if (!rope_depends_on_length()) {
            backend_.rope_angles(a.positions, frequencies(0), scaling, a.cos, a.sin);
            return;
        }
        for (std::size_t i = 0; i < steps_.pieces().size(); ++i) {
            const auto& p = steps_.pieces()[i];
            set_frequencies(i, p.final_length);
            backend_.rope_angles(a.positions.rows(p.first_row, p.row_count), frequencies(i), rope_scaling_,
                                 a.cos.rows(p.first_row, p.row_count), a.sin.rows(p.first_row, p.row_count));
        }
    }
    void set_frequencies(std::size_t i, std::size_t sequence_length) {
        rope_scaling_ = compute_rope_frequencies(model_->config.rope_parameters, sequence_length, frequency_scratch_);
        backend_.upload(std::span<const float>(frequency_scratch_),
                        tensor_view<float, 1, space>(frequencies_.data() + i * half_head(), {half_head()}));
    }
    [[nodiscard]] tensor_view<const float, 1, space> frequencies(std::size_t i) noexcept {
        return {frequencies_.data() + i * half_head(), {half_head()}};
    }

    std::span<const kv_segment<space>> kv_segments(std::size_t layer) {
        segments_.clear();
        for (const auto& p : steps_.pieces()) {
            segments_.push_back({p.first_row, p.row_count, p.first_slot, cache_.at(layer, p.sequence)});
        }
        return segments_;
    }

    void observe(std::size_t index, std::size_t first_row, row_view values) {
        if (!observer_) return;
        backend_.synchronize();
        observer_(index, first_row, values);
    }

    tensor_view<const float, 2> finish(std::size_t rows) {
        const std::size_t v = vocab_size();
        if constexpr (on_host) {
            return {logits_.data(), {rows, v}};
        } else {
            backend_.download(tensor_view<const float, 1, space>(logits_.data(), {rows * v}),
                              std::span<float>(host_logits_).first(rows * v));
            return {host_logits_.data(), {rows, v}};
        }
    }

    template <class T> using buffer = decltype(std::declval<Backend&>().template allocate<T>(std::size_t{}));

    std::shared_ptr<const Decoder> model_;
    Backend backend_;
    detail::session_steps steps_;
    activation_buffers<Backend> activations_;
    kv_cache<Backend> cache_;
    buffer<float> logits_;      // [rows, V]
    buffer<float> frequencies_; // [B, K/2]
    float rope_scaling_ = 1.0f;
    observer observer_;

    std::vector<float> frequency_scratch_;
    std::vector<kv_segment<space>> segments_;
    std::vector<float> host_logits_;
};

APERTUS_END_NAMESPACE
