// SPDX-License-Identifier: Apache-2.0
//
// A conversation with a model: messages, and a session that remembers them. Each turn renders the whole conversation, keeps
// what the cache already holds of it and computes only the rest. When the context is full the oldest turns are dropped.
#pragma once

#include <apertus/run/causal_lm.hpp>
#include <apertus/run/pretrained_tokenizer.hpp>

#include <algorithm>
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
    generation_result say(std::string text, const generation_config& config = {}, generate_options options = {},
                          const chat_options& chat = pretrained_tokenizer::prompt_options()) {
        std::vector<chat_message> before = messages_;
        messages_.push_back(chat_message{"user", std::move(text)});
        try {
            const std::vector<std::int32_t> ids = fit(config, chat);
            options.make_decoder = tokenizer_.decoder();
            prompt p{ids};
            p.cached = common_prefix(ids);
            generation_result result = apertus::generate(session_, std::span(&p, 1),
                                                         merge(model_.default_generation_config(), config), options);
            const generated_sequence& answer = result.sequences.front();
            cached_.assign(answer.ids.begin(), answer.ids.begin() + static_cast<std::ptrdiff_t>(session_.length(0)));
            messages_.push_back(chat_message{"assistant", answer.text});
            return result;
        } catch (...) {
            messages_ = std::move(before);
            throw;
        }
    }

private:
    [[nodiscard]] static session_options options_for(std::size_t context) {
        session_options o;
        o.max_length = context;
        return o;
    }

    /// The prompt's ids; drops the oldest turns until it and the answer fit.
    [[nodiscard]] std::vector<std::int32_t> fit(const generation_config& config, const chat_options& chat) {
        const effective_generation_config e = effective(merge(model_.default_generation_config(), config));
        const std::size_t answer =
            std::min(e.max_new_tokens.value_or(default_max_new_tokens), session_.max_length() / 2);
        for (;;) {
            std::vector<std::int32_t> ids = tokenizer_.apply_chat_template(messages_, chat);
            if (ids.size() + answer <= session_.max_length() + 1) return ids;
            if (!drop_oldest_turn()) {
                if (ids.size() <= session_.max_length()) return ids; // a shorter answer then
                fail(error_category::resource, "conversation", "message",
                     "a prompt of at most " + std::to_string(session_.max_length()) + " tokens",
                     std::to_string(ids.size()));
            }
        }
    }

    /// A turn is a user's message and what follows it up to the next one. System messages and the last turn stay.
    bool drop_oldest_turn() {
        const auto is_user = [](const chat_message& m) { return m.role == "user"; };
        const auto first = std::find_if(messages_.begin(), messages_.end(), is_user);
        if (first == messages_.end()) return false;
        const auto second = std::find_if(first + 1, messages_.end(), is_user);
        if (second == messages_.end()) return false;
        messages_.erase(first, second);
        return true;
    }

    /// How many leading ids the cache already holds; at least one id is left to compute.
    [[nodiscard]] std::size_t common_prefix(std::span<const std::int32_t> ids) const {
        const std::size_t most = std::min({ids.size() - 1, cached_.size(), session_.length(0)});
        std::size_t n = 0;
        while (n < most && ids[n] == cached_[n]) ++n;
        return n;
    }

    causal_lm model_;
    pretrained_tokenizer tokenizer_;
    session_handle session_;
    std::vector<chat_message> messages_;
    std::vector<std::int32_t> cached_; // the ids in the session's cache
};

APERTUS_END_NAMESPACE
