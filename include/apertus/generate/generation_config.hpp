// SPDX-License-Identifier: Apache-2.0
//
// How text is generated: the options of Hugging Face's GenerationConfig (transformers 5) under their own names, with their
// own defaults, plus frequency_penalty, presence_penalty and seed. Every field is optional, so that "not set" can be told
// from "set to the default": config.json, generation_config.json and the call are merged in that order, later wins.
//
//     generation_config config = merge(from_config_json, from_generation_config_json);
//     config = merge(config, options_of_the_call);
//     const effective_generation_config e = effective(config); // validated, defaults filled in
#pragma once

#include <apertus/core/error.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

APERTUS_BEGIN_NAMESPACE

/// Options of a generation; a field that is not set takes the default of `effective_generation_config`.
/// Greedy decoding is the default; sampling happens when do_sample is true and temperature is above 0.
struct generation_config {
    // length, in tokens
    std::optional<std::int64_t> max_new_tokens{}; ///< >= 0; wins over max_length; with neither set: 20
    std::optional<std::int64_t> max_length{};     ///< >= 1, prompt included; must exceed the prompt's length
    std::optional<std::int64_t> min_new_tokens{}; ///< >= 0; no end token before that many new tokens
    std::optional<std::int64_t> min_length{};     ///< >= 0, prompt included; min_new_tokens wins over it

    // choice of the next token
    std::optional<bool> do_sample{};
    std::optional<double> temperature{};        ///< >= 0; 0 means greedy, whatever do_sample says
    std::optional<std::int64_t> top_k{};        ///< >= 0; 0 is off
    std::optional<double> top_p{};              ///< [0, 1]; 1 is off
    std::optional<double> min_p{};              ///< [0, 1], a share of the most probable token's probability; 0 is off
    std::optional<double> typical_p{};          ///< (0, 1]; 1 is off
    std::optional<double> repetition_penalty{}; ///< > 0; 1 is off; over prompt and generated tokens
    std::optional<double> frequency_penalty{};  ///< [-2, 2]; 0 is off; over generated tokens, times their count
    std::optional<double> presence_penalty{};   ///< [-2, 2]; 0 is off; over generated tokens, once each
    std::optional<std::uint64_t> seed{};        ///< not set: every row draws a fresh one and reports it

    // when to stop, besides the length
    std::optional<std::vector<std::int32_t>> eos_token_id{}; ///< any of these ends a row; set and empty: none does
    std::optional<std::vector<std::string>> stop_strings{};  ///< any of these in the generated text ends a row
    std::optional<double> max_time{};                        ///< seconds, >= 0, from the start of the call

    // special tokens
    std::optional<std::int32_t> bos_token_id{}; ///< the prompt of a row that was given none
    std::optional<std::int32_t> pad_token_id{}; ///< fills up rows of a padded result; negative: none

    // strategies that this library does not have: anything above 1 is refused by name
    std::optional<std::int64_t> num_beams{};
    std::optional<std::int64_t> num_return_sequences{};
};

/// A generation_config with nothing left open. Defaults are those of transformers 5
/// (GenerationConfig._get_default_generation_params) where it has the option.
struct effective_generation_config {
    std::optional<std::size_t> max_new_tokens{}; ///< exactly one of this and max_length is set
    std::optional<std::size_t> max_length{};
    std::optional<std::size_t> min_new_tokens{};
    std::size_t min_length = 0;
    bool do_sample = false; ///< false too when the temperature is 0
    double temperature = 1.0;
    std::size_t top_k = 50;
    double top_p = 1.0;
    double min_p = 0.0;
    double typical_p = 1.0;
    double repetition_penalty = 1.0;
    double frequency_penalty = 0.0;
    double presence_penalty = 0.0;
    std::optional<std::uint64_t> seed{};
    std::vector<std::int32_t> eos_token_id{};
    std::vector<std::string> stop_strings{};
    std::optional<double> max_time{};
    std::optional<std::int32_t> bos_token_id{};
    std::optional<std::int32_t> pad_token_id{};
};

/// New tokens when neither max_new_tokens nor max_length is set.
inline constexpr std::size_t default_max_new_tokens = 20;

namespace detail {

inline constexpr std::string_view generation_config_name = "generation_config";

[[nodiscard]] inline std::string number_text(double value) {
    char text[32];
    const int n = std::snprintf(text, sizeof text, "%.9g", value);
    return {text, static_cast<std::size_t>(n)};
}

inline void check_integer(std::string_view option, const std::optional<std::int64_t>& value, std::int64_t least) {
    if (!value || *value >= least) return;
    fail(error_category::config, generation_config_name, option, "an integer of at least " + std::to_string(least),
         std::to_string(*value));
}

enum class lower_bound { included, excluded };

/// NaN is outside of every range; so is infinity, since no option here may be infinite.
inline void check_number(std::string_view option, const std::optional<double>& value, double low, double high,
                         lower_bound bound = lower_bound::included) {
    if (!value) return;
    const bool above = bound == lower_bound::included ? *value >= low : *value > low;
    if (above && *value <= high && std::isfinite(*value)) return;
    std::string expected = "a number in ";
    expected += bound == lower_bound::included ? '[' : '(';
    expected += number_text(low) + ", ";
    expected += std::isinf(high) ? "infinity)" : number_text(high) + "]";
    fail(error_category::config, generation_config_name, option, expected, number_text(*value));
}

template <class T> void take_if_set(std::optional<T>& into, const std::optional<T>& value) {
    if (value) into = value;
}

} // namespace detail

/// Throws error(config) naming the option, the allowed range and the value found.
inline void validate(const generation_config& c) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    using detail::lower_bound;
    detail::check_integer("max_new_tokens", c.max_new_tokens, 0);
    detail::check_integer("max_length", c.max_length, 1);
    detail::check_integer("min_new_tokens", c.min_new_tokens, 0);
    detail::check_integer("min_length", c.min_length, 0);
    detail::check_number("temperature", c.temperature, 0.0, infinity);
    detail::check_integer("top_k", c.top_k, 0);
    detail::check_number("top_p", c.top_p, 0.0, 1.0);
    detail::check_number("min_p", c.min_p, 0.0, 1.0);
    detail::check_number("typical_p", c.typical_p, 0.0, 1.0, lower_bound::excluded);
    detail::check_number("repetition_penalty", c.repetition_penalty, 0.0, infinity, lower_bound::excluded);
    detail::check_number("frequency_penalty", c.frequency_penalty, -2.0, 2.0);
    detail::check_number("presence_penalty", c.presence_penalty, -2.0, 2.0);
    detail::check_number("max_time", c.max_time, 0.0, infinity);
    if (c.bos_token_id) detail::check_integer("bos_token_id", std::int64_t{*c.bos_token_id}, 0);
    if (c.eos_token_id) {
        for (const std::int32_t id : *c.eos_token_id) detail::check_integer("eos_token_id", std::int64_t{id}, 0);
    }
    if (c.stop_strings) {
        for (const std::string& s : *c.stop_strings) {
            const bool starts_inside_a_character = !s.empty() && (static_cast<unsigned char>(s[0]) & 0xc0) == 0x80;
            if (s.empty() || starts_inside_a_character) {
                fail(error_category::config, detail::generation_config_name, "stop_strings", "non-empty UTF-8 strings",
                     quoted(s));
            }
        }
    }
    const auto refuse_above_one = [](std::string_view option, const std::optional<std::int64_t>& value) {
        if (!value || *value == 1) return;
        fail(error_category::config, detail::generation_config_name, option,
             "1 (beam search and several returned sequences are not supported)", std::to_string(*value));
    };
    refuse_above_one("num_beams", c.num_beams);
    refuse_above_one("num_return_sequences", c.num_return_sequences);
}

/// `base` with every field that `over` sets replaced.
[[nodiscard]] inline generation_config merge(const generation_config& base, const generation_config& over) {
    generation_config out = base;
    detail::take_if_set(out.max_new_tokens, over.max_new_tokens);
    detail::take_if_set(out.max_length, over.max_length);
    detail::take_if_set(out.min_new_tokens, over.min_new_tokens);
    detail::take_if_set(out.min_length, over.min_length);
    detail::take_if_set(out.do_sample, over.do_sample);
    detail::take_if_set(out.temperature, over.temperature);
    detail::take_if_set(out.top_k, over.top_k);
    detail::take_if_set(out.top_p, over.top_p);
    detail::take_if_set(out.min_p, over.min_p);
    detail::take_if_set(out.typical_p, over.typical_p);
    detail::take_if_set(out.repetition_penalty, over.repetition_penalty);
    detail::take_if_set(out.frequency_penalty, over.frequency_penalty);
    detail::take_if_set(out.presence_penalty, over.presence_penalty);
    detail::take_if_set(out.seed, over.seed);
    detail::take_if_set(out.eos_token_id, over.eos_token_id);
    detail::take_if_set(out.stop_strings, over.stop_strings);
    detail::take_if_set(out.max_time, over.max_time);
    detail::take_if_set(out.bos_token_id, over.bos_token_id);
    detail::take_if_set(out.pad_token_id, over.pad_token_id);
    detail::take_if_set(out.num_beams, over.num_beams);
    detail::take_if_set(out.num_return_sequences, over.num_return_sequences);
    return out;
}

/// Validates and fills in the defaults.
[[nodiscard]] inline effective_generation_config effective(const generation_config& c) {
    validate(c);
    const auto count = [](std::int64_t n) { return static_cast<std::size_t>(n); };
    effective_generation_config e;
    if (c.max_new_tokens) e.max_new_tokens = count(*c.max_new_tokens);
    else if (c.max_length) e.max_length = count(*c.max_length);
    else e.max_new_tokens = default_max_new_tokens;
    if (c.min_new_tokens) e.min_new_tokens = count(*c.min_new_tokens);
    e.min_length = count(c.min_length.value_or(0));
    e.temperature = c.temperature.value_or(e.temperature);
    e.do_sample = c.do_sample.value_or(false) && e.temperature > 0.0;
    e.top_k = count(c.top_k.value_or(static_cast<std::int64_t>(e.top_k)));
    e.top_p = c.top_p.value_or(e.top_p);
    e.min_p = c.min_p.value_or(e.min_p);
    e.typical_p = c.typical_p.value_or(e.typical_p);
    e.repetition_penalty = c.repetition_penalty.value_or(e.repetition_penalty);
    e.frequency_penalty = c.frequency_penalty.value_or(e.frequency_penalty);
    e.presence_penalty = c.presence_penalty.value_or(e.presence_penalty);
    e.seed = c.seed;
    if (c.eos_token_id) e.eos_token_id = *c.eos_token_id;
    if (c.stop_strings) e.stop_strings = *c.stop_strings;
    e.max_time = c.max_time;
    e.bos_token_id = c.bos_token_id;
    if (c.pad_token_id && *c.pad_token_id >= 0) e.pad_token_id = c.pad_token_id;
    return e;
}

APERTUS_END_NAMESPACE
