// SPDX-License-Identifier: Apache-2.0
//
// The bodies of run/conversation.hpp.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/run/conversation.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

APERTUS_DEFINITION generation_result conversation::say(std::string text, const generation_config& config,
                                                       generate_options options, const chat_options& chat) {
    std::vector<chat_message> before = messages_;
    messages_.push_back(chat_message{"user", std::move(text)});
    try {
        const std::vector<std::int32_t> ids = fit(config, chat);
        options.make_decoder = tokenizer_.decoder();
        prompt p{ids};
        p.cached = common_prefix(ids);
        generation_result result =
            apertus::generate(session_, std::span(&p, 1), merge(model_.default_generation_config(), config), options);
        const generated_sequence& answer = result.sequences.front();
        cached_.assign(answer.ids.begin(), answer.ids.begin() + static_cast<std::ptrdiff_t>(session_.length(0)));
        messages_.push_back(chat_message{"assistant", answer.text});
        return result;
    } catch (...) {
        messages_ = std::move(before);
        throw;
    }
}

APERTUS_DEFINITION std::vector<std::int32_t> conversation::fit(const generation_config& config,
                                                               const chat_options& chat) {
    const effective_generation_config e = effective(merge(model_.default_generation_config(), config));
    const std::size_t answer = std::min(e.max_new_tokens.value_or(default_max_new_tokens), session_.max_length() / 2);
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

APERTUS_DEFINITION bool conversation::drop_oldest_turn() {
    const auto is_user = [](const chat_message& m) { return m.role == "user"; };
    const auto first = std::find_if(messages_.begin(), messages_.end(), is_user);
    if (first == messages_.end()) return false;
    const auto second = std::find_if(first + 1, messages_.end(), is_user);
    if (second == messages_.end()) return false;
    messages_.erase(first, second);
    return true;
}

APERTUS_DEFINITION std::size_t conversation::common_prefix(std::span<const std::int32_t> ids) const {
    const std::size_t most = std::min({ids.size() - 1, cached_.size(), session_.length(0)});
    std::size_t n = 0;
    while (n < most && ids[n] == cached_[n]) ++n;
    return n;
}

APERTUS_END_NAMESPACE
