// SPDX-License-Identifier: Apache-2.0
//
// A tokenizer made by hand: single bytes (id = byte), a few merges and special tokens.
#pragma once

#include <apertus/text/bpe_alphabet.hpp>
#include <apertus/text/tokenizer.hpp>

#include <string>

namespace test_support {

/// ids 0..255 bytes; 256 "ab", 257 "abc"; 258 <s>, 259 </s>, 260 <pad> special; 261 "\begin{" added, not special.
inline apertus::tokenizer_spec byte_tokenizer_spec() {
    using namespace apertus;
    tokenizer_spec spec;
    bpe_spec& model = spec.model;
    const auto token = [&](std::string_view text, std::int32_t id) {
        const text_ref ref = model.add(text);
        model.vocab.push_back({ref, id});
    };
    for (std::int32_t b = 0; b < 256; ++b) {
        const char byte = static_cast<char>(static_cast<unsigned char>(b));
        std::string spelled;
        detail::append_alphabet_text(spelled, std::string_view(&byte, 1));
        token(spelled, b);
    }
    token("ab", 256);
    token("abc", 257);
    const text_ref a = model.add("a"), b = model.add("b"), ab = model.add("ab"), c = model.add("c");
    model.merges = {{a, b}, {ab, c}};
    for (const char* name : {"<s>", "</s>", "<pad>"}) {
        added_token added;
        added.content = name;
        added.normalized = false;
        added.special = true;
        spec.added_tokens.push_back(added);
    }
    added_token begin;
    begin.content = "\\begin{";
    begin.normalized = false;
    spec.added_tokens.push_back(begin);
    spec.pre_tokenizers = {byte_level_step{false, true, true}};
    template_piece bos{template_piece::special, 0, {258}, {"<s>"}}, sequence;
    spec.post_processors = {
        template_step{{bos, sequence}, {bos, sequence, bos, {template_piece::sequence_b, 1, {}, {}}}}};
    spec.decoder = decoder_kind::byte_level;
    spec.bos_token = "<s>";
    spec.eos_token = "</s>";
    spec.pad_token = "<pad>";
    return spec;
}

} // namespace test_support
