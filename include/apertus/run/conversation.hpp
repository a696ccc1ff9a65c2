// SPDX-License-Identifier: Apache-2.0
//
// A conversation with a model: messages, and a session that remembers them. Each turn renders the whole conversation, keeps
// what the cache already holds of it and computes only the rest. When the context is full the oldest turns are dropped.
#pragma once

#include <apertus/run/causal_lm.hpp>
#include <apertus/run/pretrained_tokenizer.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

class conversation {
public:
    /// Up to `context` tokens are remembered. Model and tokenizer are shared, not copied.
    conversation(causal_lm model, pretrained_tokenizer tokenizer, std::size_t context = 4096)
        : model_(std::move(model)), tokenizer_(std::move(tokenizer)),
          session_(model_.new_session(options_for(context))) {}

    [[nodiscard]] const std::vector<chat_message>& messages() const noexcept { return messages_; }
    /// Adds a message without asking for an answer: a system message at the start, an earlier turn, a tool's result.
    void add(chat_message message) { messages_.push_back(std::move(message)); }
    /// Forgets everything.
    void clear() {
        messages_.clear();
        cached_.clear();
        session_.truncate(0, 0);
    }

    /// Adds a user's message, generates the answer and adds that too, complete or not: an answer that was stopped is
    /// remembered as far as it came. `options.make_decoder` is set here. Throws what `generate` throws (then the
    /// messages are what they were before), and error(resource) when the message alone does not fit into the context.
    APERTUS_DECLARATION generation_result say(std::string text, const generation_config& config = {},
                                              generate_options options = {},
                                              const chat_options& chat = pretrained_tokenizer::prompt_options());

private:
    [[nodiscard]] static session_options options_for(std::size_t context) {
        session_options o;
        o.max_length = context;
        return o;
    }

    /// The prompt's ids; drops the oldest turns until it and the answer fit.
    APERTUS_DECLARATION [[nodiscard]] std::vector<std::int32_t> fit(const generation_config& config,
                                                                    const chat_options& chat);

    /// A turn is a user's message and what follows it up to the next one. System messages and the last turn stay.
    APERTUS_DECLARATION bool drop_oldest_turn();

    /// How many leading ids the cache already holds; at least one id is left to compute.
    APERTUS_DECLARATION [[nodiscard]] std::size_t common_prefix(std::span<const std::int32_t> ids) const;

    causal_lm model_;
    pretrained_tokenizer tokenizer_;
    session_handle session_;
    std::vector<chat_message> messages_;
    std::vector<std::int32_t> cached_; // the ids in the session's cache
};

APERTUS_END_NAMESPACE

#ifndef APERTUS_DECLARATIONS_ONLY
#include <apertus/run/conversation_definitions.hpp>
#endif
