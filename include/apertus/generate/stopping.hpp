// SPDX-License-Identifier: Apache-2.0
//
// When a row ends and why. Per new token, in this order: a token streamer that returns false, an end token, a stop string,
// a text streamer that returns false, the caller's criteria, the length. A token that meets several of these is reported
// by the first of: eos, stop_string, criteria, streamer, length. Between tokens: the stop token and the deadline.
#pragma once

#include <apertus/generate/generation_config.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>

APERTUS_BEGIN_NAMESPACE

/// Why a row ended.
enum class finish_reason {
    eos,         ///< an end token, which is the last of the new ids
    length,      ///< max_new_tokens, max_length, or no room left in the session
    stop_string, ///< a stop string was complete; its tokens are among the ids, its bytes not in the text
    cancelled,   ///< the stop token
    deadline,    ///< the deadline or max_time
    streamer,    ///< a streamer returned false
    criteria,    ///< one of the caller's criteria returned true
};

/// "eos", "length", ...
[[nodiscard]] constexpr std::string_view to_string(finish_reason reason) noexcept {
    switch (reason) {
    case finish_reason::eos: return "eos";
    case finish_reason::length: return "length";
    case finish_reason::stop_string: return "stop_string";
    case finish_reason::cancelled: return "cancelled";
    case finish_reason::deadline: return "deadline";
    case finish_reason::streamer: return "streamer";
    case finish_reason::criteria: return "criteria";
    }
    return "unknown";
}

/// What a stopping criterion may know; valid during the call.
struct stopping_context {
    std::size_t row = 0;
    std::span<const std::int32_t> prompt{};
    std::span<const std::int32_t> generated{}; ///< the new token included
    std::string_view text{};                   ///< of the generated tokens; empty where no decoder was given
};

/// True ends the row after the token just added.
using stopping_criterion = std::function<bool(const stopping_context&)>;

[[nodiscard]] inline bool is_end_token(std::span<const std::int32_t> eos_token_id, std::int32_t id) noexcept {
    return std::find(eos_token_id.begin(), eos_token_id.end(), id) != eos_token_id.end();
}

/// How many new tokens a row may get: the option's number, and no more than the session has room for. The last token is
/// never appended to a cache, so that prompt + new tokens may be max_length + 1 of the session's positions.
/// Throws error(config) when max_length leaves no room for a new token, error(resource) when the prompt does not fit.
[[nodiscard]] inline std::size_t new_token_limit(const effective_generation_config& c, std::size_t row,
                                                 std::size_t prompt_tokens, std::size_t session_max_length) {
    const auto row_name = [row] { return "row " + std::to_string(row); };
    if (prompt_tokens > session_max_length) {
        fail(error_category::resource, "generate", row_name(),
             "a prompt of at most " + std::to_string(session_max_length) + " tokens (the session's max_length)",
             std::to_string(prompt_tokens));
    }
    const std::size_t room = session_max_length - prompt_tokens + 1;
    if (c.max_new_tokens) return std::min(*c.max_new_tokens, room);
    const std::size_t max_length = c.max_length.value_or(std::numeric_limits<std::size_t>::max());
    if (prompt_tokens >= max_length) {
        fail(error_category::config, "generate", row_name(),
             "a prompt shorter than max_length = " + std::to_string(max_length),
             std::to_string(prompt_tokens) + " tokens");
    }
    return std::min(max_length - prompt_tokens, room);
}

APERTUS_END_NAMESPACE
