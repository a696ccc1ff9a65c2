// SPDX-License-Identifier: Apache-2.0
//
// A causal_session without a model: the logits of a position are a function of all ids up to it, so that a loop that feeds
// a wrong token, or a cache that holds one, changes what comes out. Counts its calls, can be told to fail, and allocates
// nothing after construction.
#pragma once

#include <apertus/model/segment.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace test_support {

/// Fills logits [V] for the token after `history`.
using logits_function = std::function<void(std::span<const std::int32_t> history, std::span<float> logits)>;

inline std::uint64_t mix(std::uint64_t x) {
    x += 0x9E3779B97F4A7C15;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
    return x ^ (x >> 31);
}

/// Logits in [-4, 4) that depend on every id of the history.
inline void hashed_logits(std::span<const std::int32_t> history, std::span<float> logits) {
    std::uint64_t h = history.size();
    for (const std::int32_t id : history) h = mix(h ^ static_cast<std::uint64_t>(id));
    for (std::size_t v = 0; v < logits.size(); ++v) {
        logits[v] = static_cast<float>(mix(h + v) >> 40) * (8.0f / 16777216.0f) - 4.0f;
    }
}

/// Certain of the token that `script` says for each position, counted from the start of the sequence.
inline logits_function scripted(std::vector<std::int32_t> script) {
    return [script = std::move(script)](std::span<const std::int32_t> history, std::span<float> logits) {
        for (float& x : logits) x = 0.0f;
        logits[static_cast<std::size_t>(script.at(history.size()))] = 10.0f;
    };
}

class fake_session {
public:
    fake_session(std::size_t vocabulary, std::size_t sequences, std::size_t max_length,
                 logits_function f = hashed_logits)
        : vocabulary_(vocabulary), max_length_(max_length), f_(std::move(f)), ids_(sequences),
          logits_(sequences * vocabulary) {
        for (auto& s : ids_) s.reserve(max_length);
        batch_sizes.reserve(4096);
    }

    apertus::tensor_view<const float, 2> forward(std::span<const apertus::segment> segments,
                                                 const apertus::cancellation& cancel) {
        if (before_forward) before_forward(forward_calls);
        cancel.throw_if_requested("fake session");
        ++forward_calls;
        if (batch_sizes.size() < batch_sizes.capacity()) batch_sizes.push_back(segments.size());
        std::size_t row = 0;
        for (const apertus::segment& s : segments) {
            auto& ids = ids_.at(s.sequence);
            if (ids.size() + s.ids.size() > max_length_) {
                apertus::fail(apertus::error_category::resource, "fake session", "no room");
            }
            ids.insert(ids.end(), s.ids.begin(), s.ids.end());
            tokens_computed += s.ids.size();
            f_(ids, std::span(logits_).subspan(row++ * vocabulary_, vocabulary_));
        }
        return {logits_.data(), {row, vocabulary_}};
    }
    [[nodiscard]] std::size_t vocab_size() const { return vocabulary_; }
    [[nodiscard]] std::size_t input_vocab_size() const { return vocabulary_; }
    [[nodiscard]] std::size_t max_sequences() const { return ids_.size(); }
    [[nodiscard]] std::size_t max_length() const { return max_length_; }
    [[nodiscard]] std::size_t length(std::size_t sequence) const { return ids_.at(sequence).size(); }
    void truncate(std::size_t sequence, std::size_t length) {
        auto& ids = ids_.at(sequence);
        if (length > ids.size()) apertus::fail(apertus::error_category::shape, "fake session", "too short");
        ids.resize(length);
    }
    [[nodiscard]] std::span<const std::int32_t> history(std::size_t sequence) const { return ids_.at(sequence); }

    std::size_t forward_calls = 0;
    std::size_t tokens_computed = 0;
    std::vector<std::size_t> batch_sizes;                   ///< segments of each forward call
    std::function<void(std::size_t call)> before_forward{}; ///< may throw, or request a stop

private:
    std::size_t vocabulary_;
    std::size_t max_length_;
    logits_function f_;
    std::vector<std::vector<std::int32_t>> ids_;
    std::vector<float> logits_;
};
static_assert(apertus::causal_session<fake_session>);

} // namespace test_support
