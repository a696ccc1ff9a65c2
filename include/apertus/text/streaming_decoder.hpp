// SPDX-License-Identifier: Apache-2.0
//
// Text out of tokens as they come. A piece never ends inside a UTF-8 character: bytes that may still become one are held back
// until the next token or `flush`. The pieces joined are exactly what tokenizer::decode gives for all ids at once.
#pragma once

#include <apertus/text/tokenizer.hpp>
#include <apertus/text/utf8.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

APERTUS_BEGIN_NAMESPACE

/// Belongs to one stream and one thread at a time; the tokenizer must outlive it. The views that it returns are valid until
/// the next call. Allocates when made, and again only for a token of more than 250 bytes.
class streaming_decoder {
public:
    explicit streaming_decoder(const tokenizer& tokens, const decode_options& options = {})
        : tokenizer_(&tokens), options_(options) {
        held_.reserve(reserved);
        out_.reserve(reserved);
    }

    /// The text that `id` completes; empty when nothing is complete yet.
    [[nodiscard]] std::string_view push(std::int32_t id) {
        tokenizer_->append_token_bytes(held_, id, options_, first_);
        out_.clear();
        std::string_view rest = held_;
        while (!rest.empty()) {
            const std::size_t good = utf8_valid_prefix(rest);
            out_.append(rest.data(), good);
            rest.remove_prefix(good);
            if (rest.empty()) break;
            const utf8_step step = utf8_first(rest);
            if (step.kind == utf8_step::truncated) break;
            out_.append(utf8_replacement);
            rest.remove_prefix(step.size);
        }
        held_.erase(0, held_.size() - rest.size());
        return out_;
    }

    /// What was held back: a U+FFFD when the ids ended inside a character, else nothing. The decoder is as new afterwards.
    [[nodiscard]] std::string_view flush() {
        out_.clear();
        append_utf8_lossy(out_, held_);
        held_.clear();
        first_ = true;
        return out_;
    }

private:
    static constexpr std::size_t reserved = 256;

    const tokenizer* tokenizer_;
    decode_options options_;
    std::string held_; ///< at most three bytes between calls
    std::string out_;
    bool first_ = true;
};

APERTUS_END_NAMESPACE
