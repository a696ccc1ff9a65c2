// SPDX-License-Identifier: Apache-2.0
//
// The generation loop: prompts in, tokens out, on anything that is a causal_session. A ragged batch without padding: all
// prompts go through one forward call (the session cuts it into chunks), then one token per row and step; a row that is
// done leaves the batch, and a prompt that found no free sequence takes its place. Which rows share a step changes
// nothing in any of them, see philox.hpp and model/session.hpp. After the first step of a row nothing is allocated,
// except by callbacks and decoders that do.
#pragma once

#include <apertus/core/cancellation.hpp>
#include <apertus/generate/generation_config.hpp>
#include <apertus/generate/sampler.hpp>
#include <apertus/generate/stop_strings.hpp>
#include <apertus/generate/stopping.hpp>
#include <apertus/generate/streamer.hpp>
#include <apertus/model/segment.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

/// One row of a generation.
struct prompt {
    std::span<const std::int32_t> ids{}; ///< [n] without padding; empty: the bos_token_id of the configuration
    /// Rows with the same seed, stream and prompt get the same text, alone or in any batch. Give rows of equal prompts
    /// different streams to get different samples.
    std::uint64_t stream = 0;
    /// The session's sequence of this row (row i has sequence i) already holds the first `cached` ids, from an earlier
    /// call; they are kept and not computed again. 0 starts afresh. Must be less than the number of ids.
    std::size_t cached = 0;
};

/// What a call may bring along besides the configuration. Callbacks run on the calling thread.
struct generate_options {
    cancellation cancel{};                               ///< a partial result is returned when it fires
    token_streamer stream_token{};                       ///< every new id
    text_streamer stream_text{};                         ///< every new piece of text; needs make_decoder
    text_decoder_factory make_decoder{};                 ///< needed for text: streaming, stop strings, result texts
    std::vector<logits_processor> logits_processors{};   ///< after the library's own, before temperature
    std::vector<stopping_criterion> stopping_criteria{}; ///< any true ends the row
    bool logprobs = false; ///< ln p of each new id under the model's own logits, before any processor
};

/// What became of one prompt.
struct generated_sequence {
    std::vector<std::int32_t> ids{}; ///< prompt and new ids, an end token included
    std::size_t prompt_tokens = 0;
    finish_reason reason = finish_reason::length;
    std::string text{};                       ///< of the new ids: without end token and stop string; needs make_decoder
    std::optional<std::string> stop_string{}; ///< the one that ended the row
    std::vector<float> logprobs{};            ///< one per new id, where asked for
    std::uint64_t seed = 0;                   ///< the configuration's, or the fresh one that this row drew
    std::uint64_t stream = 0;
    std::size_t sequence = 0; ///< of the session; it holds all ids but the last new one, for `prompt::cached`

    [[nodiscard]] std::span<const std::int32_t> new_ids() const noexcept {
        return std::span<const std::int32_t>(ids).subspan(prompt_tokens);
    }
};

/// All rows in the order of the prompts, and what the call cost. Steps that read a prompt count as prefill.
struct generation_result {
    std::vector<generated_sequence> sequences{};
    std::size_t prefill_tokens = 0; ///< prompt tokens computed (cached ones left out)
    std::size_t new_tokens = 0;
    std::size_t decode_tokens = 0; ///< new tokens of steps that read no prompt; per decode_seconds: the rate
    double prefill_seconds = 0.0;
    double decode_seconds = 0.0;
};

namespace detail {

/// A seed from the clocks and the address of a local, for calls without one: different from call to call and row to row.
[[nodiscard]] inline std::uint64_t fresh_seed(std::uint64_t row) noexcept {
    const auto mix = [](std::uint64_t x) { // SplitMix64
        x += 0x9E3779B97F4A7C15;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    };
    const auto now = [](auto clock) { return static_cast<std::uint64_t>(clock.time_since_epoch().count()); };
    std::uint64_t seed = mix(now(std::chrono::system_clock::now()));
    seed = mix(seed ^ now(std::chrono::steady_clock::now()));
    seed = mix(seed ^ reinterpret_cast<std::uintptr_t>(&seed)); // NOLINT(*-reinterpret-cast): a number is all we want
    return mix(seed ^ row);
}

/// One call of `generate`.
template <causal_session Session> class generation {
public:
    generation(Session& session, std::span<const prompt> prompts, const generation_config& config,
               const generate_options& options)
        : session_(session), config_(effective(config)), options_(options), cancel_(options.cancel),
          stop_strings_(config_.stop_strings), sampler_(config_, session.vocab_size(), options.logits_processors) {
        if (config_.max_time) limit_time(*config_.max_time);
        if ((stop_strings_.size() > 0 || options_.stream_text) && !options_.make_decoder) {
            fail(error_category::config, "generate", stop_strings_.size() > 0 ? "stop_strings" : "stream_text",
                 "a decoder (generate_options::make_decoder)", "none");
        }
        rows_.reserve(prompts.size());
        for (const prompt& p : prompts) add_row(p);
        const std::size_t at_once = std::min(rows_.size(), session_.max_sequences());
        active_.reserve(at_once);
        segments_.reserve(at_once);
        free_.reserve(at_once);
        for (std::size_t s = at_once; s > 0; --s) free_.push_back(s - 1); // taken from the back: row i gets sequence i
    }

    generation_result run() {
        for (;;) {
            admit();
            if (active_.empty()) break;
            if (cancel_.requested() || !step()) {
                end_all();
                break;
            }
        }
        result_.sequences.reserve(rows_.size());
        for (row& r : rows_) {
            result_.new_tokens += r.out.new_ids().size();
            result_.sequences.push_back(std::move(r.out));
        }
        return std::move(result_);
    }

private:
    using clock = std::chrono::steady_clock;

    struct row {
        generated_sequence out{};
        std::size_t cached = 0; // ids in the session's cache
        std::size_t limit = 0;  // new tokens
        token_tally tally{};
        std::optional<text_decoder> decoder{};
        std::optional<stop_string_matcher> text{};
    };

    void limit_time(double seconds) {
        const std::chrono::duration<double> limit(seconds);
        const auto now = clock::now();
        if (limit < cancellation::clock::time_point::max() - now) {
            cancel_.deadline = std::min(cancel_.deadline, now + std::chrono::duration_cast<clock::duration>(limit));
        }
    }

    /// Checks everything about a prompt before anything is computed.
    void add_row(const prompt& p) {
        const std::size_t index = rows_.size();
        const auto name = [index] { return "row " + std::to_string(index); };
        row& r = rows_.emplace_back();
        r.out.ids.assign(p.ids.begin(), p.ids.end());
        if (r.out.ids.empty()) {
            if (!config_.bos_token_id) {
                fail(error_category::shape, "generate", name(), "at least one token id, or a bos_token_id", "neither");
            }
            r.out.ids.push_back(*config_.bos_token_id);
        }
        check_ids(r.out.ids, name);
        if (p.cached >= r.out.ids.size()) {
            fail(error_category::shape, "generate", name(),
                 "fewer cached ids than the prompt's " + std::to_string(r.out.ids.size()), std::to_string(p.cached));
        }
        if (p.cached > 0) check_cache(p.cached, index, name);
        r.cached = p.cached;
        r.out.prompt_tokens = r.out.ids.size();
        r.out.stream = p.stream;
        r.out.seed = config_.seed ? *config_.seed : config_.do_sample ? fresh_seed(index) : 0;
        r.limit = new_token_limit(config_, index, r.out.prompt_tokens, session_.max_length());
    }

    /// The session knows the largest id that it embeds; where it does not say, its own check in forward has the word.
    template <class Name> void check_ids(std::span<const std::int32_t> ids, const Name& name) const {
        std::size_t end = std::size_t{1} << 31;
        if constexpr (requires { session_.input_vocab_size(); }) end = session_.input_vocab_size();
        for (std::size_t i = 0; i < ids.size(); ++i) {
            if (ids[i] >= 0 && static_cast<std::size_t>(ids[i]) < end) continue;
            fail(error_category::shape, "generate", name() + ", token id at index " + std::to_string(i),
                 "0 .. " + std::to_string(end - 1), std::to_string(ids[i]));
        }
    }

    template <class Name> void check_cache(std::size_t cached, std::size_t index, const Name& name) const {
        const std::size_t there = index < session_.max_sequences() ? session_.length(index) : 0;
        if (cached <= there) return;
        fail(error_category::shape, "generate", name(), std::to_string(cached) + " ids in the session's sequence",
             std::to_string(there));
    }

    /// Gives free sequences to waiting rows. What a row needs until its end is allocated here.
    void admit() {
        for (; next_ < rows_.size() && (!free_.empty() || rows_[next_].limit == 0); ++next_) {
            row& r = rows_[next_];
            if (r.limit == 0) continue; // wants no new token: finished as it is, reason length
            r.out.sequence = free_.back();
            free_.pop_back();
            session_.truncate(r.out.sequence, r.cached);
            r.out.ids.reserve(r.out.prompt_tokens + r.limit);
            if (has_penalty(config_)) r.tally = token_tally(r.out.ids, r.limit);
            if (options_.logprobs) r.out.logprobs.reserve(r.limit);
            if (options_.make_decoder) {
                constexpr std::size_t bytes_per_token = 16;
                constexpr std::size_t enough = std::size_t{1} << 20;
                r.decoder.emplace(options_.make_decoder());
                r.text.emplace(stop_strings_, std::min(r.limit, enough / bytes_per_token) * bytes_per_token);
            }
            active_.push_back(next_);
        }
    }

    /// One forward call and one new token per row; false when the call was cancelled.
    bool step() {
        const auto start = clock::now();
        std::size_t prompt_ids = 0;
        segments_.clear();
        for (const std::size_t i : active_) {
            const row& r = rows_[i];
            const auto ids = std::span<const std::int32_t>(r.out.ids).subspan(r.cached);
            if (r.out.ids.size() == r.out.prompt_tokens) prompt_ids += ids.size();
            segments_.push_back({r.out.sequence, ids, {}, logits_for::last});
        }
        tensor_view<const float, 2> logits;
        try {
            logits = session_.forward(segments_, cancel_);
        } catch (const error& e) {
            if (e.category() == error_category::cancelled && cancel_.requested()) return false;
            throw;
        }
        if (logits.extent(0) != active_.size() || logits.extent(1) != session_.vocab_size()) {
            fail(error_category::shape, "generate", "logits of the session",
                 std::to_string(active_.size()) + " x " + std::to_string(session_.vocab_size()),
                 std::to_string(logits.extent(0)) + " x " + std::to_string(logits.extent(1)));
        }
        std::size_t going_on = 0;
        const std::size_t rows = active_.size();
        for (std::size_t i = 0; i < rows; ++i) {
            const std::size_t index = active_[i];
            if (extend(index, logits.row(i).flat())) active_[going_on++] = index;
            else free_.push_back(rows_[index].out.sequence);
        }
        active_.resize(going_on);
        const double seconds = std::chrono::duration<double>(clock::now() - start).count();
        if (prompt_ids > 0) {
            result_.prefill_tokens += prompt_ids;
            result_.prefill_seconds += seconds;
        } else {
            result_.decode_tokens += rows;
            result_.decode_seconds += seconds;
        }
        return true;
    }

    /// Chooses the next token of a row and reports it; false when the row ends with it.
    bool extend(std::size_t index, std::span<const float> logits) {
        row& r = rows_[index];
        r.cached = r.out.ids.size();
        const std::span<const std::int32_t> ids(r.out.ids);
        const logits_context context{index, ids.first(r.out.prompt_tokens), ids.subspan(r.out.prompt_tokens),
                                     r.tally.counts()};
        const std::int32_t id = sampler_(logits, context, {r.out.seed, r.out.stream, r.out.ids.size()});
        if (options_.logprobs) r.out.logprobs.push_back(static_cast<float>(sampler_.log_probability(logits, id)));
        r.out.ids.push_back(id);
        if (has_penalty(config_)) r.tally.add_generated(id);

        const std::optional<finish_reason> reason = check_end(r, index, id);
        if (reason) end(r, index, *reason);
        return !reason;
    }

    [[nodiscard]] std::optional<finish_reason> check_end(row& r, std::size_t index, std::int32_t id) {
        bool wanted = !options_.stream_token || options_.stream_token(id, index);
        if (is_end_token(config_.eos_token_id, id)) return finish_reason::eos;
        if (r.decoder) {
            wanted = emit(r.text->push(r.decoder->push(id)), index) && wanted;
            if (r.text->matched()) return finish_reason::stop_string;
        }
        const std::span<const std::int32_t> ids(r.out.ids);
        const stopping_context context{index, ids.first(r.out.prompt_tokens), ids.subspan(r.out.prompt_tokens),
                                       r.text ? std::string_view(r.text->text()) : std::string_view()};
        for (const stopping_criterion& done : options_.stopping_criteria) {
            if (done(context)) return finish_reason::criteria;
        }
        if (!wanted) return finish_reason::streamer;
        if (r.out.new_ids().size() >= r.limit) return finish_reason::length;
        return std::nullopt;
    }

    bool emit(std::string_view piece, std::size_t index) const {
        return piece.empty() || !options_.stream_text || options_.stream_text(piece, index);
    }

    void end(row& r, std::size_t index, finish_reason reason) {
        r.out.reason = reason;
        if (!r.decoder) return;
        if (!r.text->matched()) {
            const bool more = reason != finish_reason::streamer && emit(r.text->push(r.decoder->flush()), index);
            const std::string_view rest = r.text->finish();
            if (more) emit(rest, index);
        }
        if (const auto match = r.text->matched()) r.out.stop_string = stop_strings_[*match];
        r.out.text = r.text->take_text();
    }

    /// The stop token or the deadline: every row that is not done ends with what it has.
    void end_all() {
        const auto reason = cancel_.stop.stop_requested() ? finish_reason::cancelled : finish_reason::deadline;
        for (const std::size_t i : active_) end(rows_[i], i, reason);
        for (; next_ < rows_.size(); ++next_) {
            if (rows_[next_].limit > 0) rows_[next_].out.reason = reason;
        }
    }

    Session& session_;
    const effective_generation_config config_;
    const generate_options& options_;
    cancellation cancel_;
    const stop_string_set stop_strings_;
    sampler sampler_;
    std::vector<row> rows_;
    std::vector<std::size_t> active_; // indices into rows_
    std::vector<std::size_t> free_;   // sequences of the session
    std::size_t next_ = 0;            // first row that has not been admitted
    std::vector<segment> segments_;
    generation_result result_;
};

} // namespace detail

/// Generates from every prompt; rows of the result are in the order of the prompts. Sequences 0 .. of the session are
/// used and hold the rows' tokens afterwards; more prompts than sequences are worked off one after the other.
///
/// A cancellation or deadline is not an error: what was generated so far is returned. Errors, thrown before anything is
/// computed unless they come from the session or a callback: config (options, max_length, a missing decoder), shape (empty
/// prompt, ids out of range, `cached` ids that are not there), resource (a prompt longer than the session), backend (NaN
/// among the logits). The session is usable afterwards.
template <causal_session Session>
[[nodiscard]] generation_result generate(Session& session, std::span<const prompt> prompts,
                                         const generation_config& config = {}, const generate_options& options = {}) {
    return detail::generation<Session>(session, prompts, config, options).run();
}

/// The same for one prompt.
template <causal_session Session>
[[nodiscard]] generation_result generate(Session& session, std::span<const std::int32_t> ids,
                                         const generation_config& config = {}, const generate_options& options = {}) {
    const prompt only{ids};
    return generate(session, std::span<const prompt>(&only, 1), config, options);
}

APERTUS_END_NAMESPACE
