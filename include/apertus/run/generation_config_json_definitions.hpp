// SPDX-License-Identifier: Apache-2.0
//
// The bodies of run/generation_config_json.hpp.
#pragma once

#include <apertus/generate/generation_config.hpp>
#include <apertus/io/json_reader.hpp>
#include <apertus/run/generation_config_json.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail {

/// Reads every option from one object into `c`, where it is not set yet. Null counts as absent, as in the reference.
class generation_reader {
public:
    generation_reader(const json_reader& in, generation_config& c) : in_(in), c_(c) {}

    void read() const {
        integer("max_new_tokens", c_.max_new_tokens);
        integer("max_length", c_.max_length);
        integer("min_new_tokens", c_.min_new_tokens);
        integer("min_length", c_.min_length);
        if (const json* const v = wanted("do_sample", c_.do_sample)) c_.do_sample = in_.to_bool("do_sample", *v);
        number("temperature", c_.temperature);
        integer("top_k", c_.top_k);
        number("top_p", c_.top_p);
        number("min_p", c_.min_p);
        number("typical_p", c_.typical_p);
        number("repetition_penalty", c_.repetition_penalty);
        number("frequency_penalty", c_.frequency_penalty);
        number("presence_penalty", c_.presence_penalty);
        if (const json* const v = wanted("seed", c_.seed)) c_.seed = in_.to_size("seed", *v);
        number("max_time", c_.max_time);
        integer("num_beams", c_.num_beams);
        integer("num_return_sequences", c_.num_return_sequences);
        token("bos_token_id", c_.bos_token_id);
        token("pad_token_id", c_.pad_token_id);
        eos();
        stop_strings();
        refuse_other_strategies();
    }

private:
    template <class T> [[nodiscard]] const json* wanted(std::string_view key, const std::optional<T>& out) const {
        return out ? nullptr : in_.find_value(key);
    }
    void integer(std::string_view key, std::optional<std::int64_t>& out) const {
        if (const json* const v = wanted(key, out)) out = in_.to_integer(key, *v);
    }
    void number(std::string_view key, std::optional<double>& out) const {
        if (const json* const v = wanted(key, out)) out = in_.to_number(key, *v);
    }
    /// A negative id (some files say -1) counts as none.
    void token(std::string_view key, std::optional<std::int32_t>& out) const {
        if (const json* const v = wanted(key, out)) {
            if (const std::int32_t id = in_.to_token(key, *v); id >= 0) out = id;
        }
    }
    void eos() const {
        const json* const v = wanted("eos_token_id", c_.eos_token_id);
        if (v == nullptr) return;
        std::vector<std::int32_t> ids;
        const auto add = [&](const json& one) {
            if (const std::int32_t id = in_.to_token("eos_token_id", one); id >= 0) ids.push_back(id);
        };
        if (v->is_array()) {
            for (const json& one : *v) add(one);
        } else {
            add(*v);
        }
        c_.eos_token_id = std::move(ids);
    }
    void stop_strings() const {
        const json* const v = wanted("stop_strings", c_.stop_strings);
        if (v == nullptr) return;
        std::vector<std::string> strings;
        if (v->is_array()) {
            for (const json& one : *v) strings.push_back(in_.to_string("stop_strings", one));
        } else {
            strings.push_back(in_.to_string("stop_strings", *v));
        }
        c_.stop_strings = std::move(strings);
    }
    void refuse_other_strategies() const {
        static constexpr std::array<std::pair<std::string_view, double>, 6> off_values{{
            {"no_repeat_ngram_size", 0.0},
            {"encoder_no_repeat_ngram_size", 0.0},
            {"encoder_repetition_penalty", 1.0},
            {"epsilon_cutoff", 0.0},
            {"eta_cutoff", 0.0},
            {"guidance_scale", 1.0},
        }};
        for (const auto& [key, off] : off_values) {
            const json* const v = in_.find_value(key);
            if (v != nullptr && in_.to_number(key, *v) != off) {
                in_.bad_value(key, off_text(off) + " (this strategy is not supported)", *v);
            }
        }
        for (const std::string_view key :
             {"bad_words_ids", "force_words_ids", "constraints", "forced_bos_token_id", "forced_eos_token_id",
              "suppress_tokens", "begin_suppress_tokens", "sequence_bias", "exponential_decay_length_penalty",
              "watermarking_config", "top_h", "penalty_alpha", "dola_layers"}) {
            const json* const v = in_.find_value(key);
            if (v == nullptr || (v->is_structured() && v->empty())) continue;
            in_.bad_value(key, "null (this strategy is not supported)", *v);
        }
        in_.must_be("token_healing", false, "this strategy is not supported");
    }
    [[nodiscard]] static std::string off_text(double off) { return off == 0.0 ? "0" : "1"; }

    const json_reader& in_;
    generation_config& c_;
};

/// Ranges, with the document in the message. Beams are left to the call, which may still ask for one.
inline void check_generation_ranges(generation_config c, std::string_view document) {
    c.num_beams.reset();
    c.num_return_sequences.reset();
    try {
        validate(c);
    } catch (const error& e) {
        std::string_view what = e.what();
        if (what.starts_with("generation_config: ")) what.remove_prefix(std::string_view("generation_config: ").size());
        fail(e.category(), document, what);
    }
}

} // namespace detail

APERTUS_DEFINITION generation_config parse_generation_config_json(std::string_view text, std::string_view document) {
    const json root = parse_json(text, document);
    const json_reader in(root, document);
    generation_config c;
    detail::generation_reader(in, c).read();
    detail::check_generation_ranges(c, document);
    return c;
}

APERTUS_DEFINITION generation_config generation_config_from_config_json(std::string_view text,
                                                                        std::string_view document) {
    const json root = parse_json(text, document);
    const json_reader in(root, document);
    generation_config c;
    detail::generation_reader(in, c).read();
    if (const json* const inner = in.find_value("text_config")) {
        const json_reader text_config(*inner, document, "text_config");
        detail::generation_reader(text_config, c).read();
    }
    detail::check_generation_ranges(c, document);
    return c;
}

APERTUS_END_NAMESPACE
