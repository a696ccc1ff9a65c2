// SPDX-License-Identifier: Apache-2.0
//
// The tokenizer of a GGUF file. Byte-level BPE only (tokenizer.ggml.model "gpt2"), the kind that Apertus, Llama 3 and
// SmolLM use; tokenizer.ggml.pre names the split pattern, for which Hugging Face's is taken: where llama.cpp's version of
// a pattern is an approximation (combining marks under "tekken", NFC under "qwen2"), ids are Hugging Face's.
// Source: llama_vocab in src/llama-vocab.cpp of https://github.com/ggml-org/llama.cpp.
#pragma once

#include <apertus/io/gguf_checkpoint.hpp>
#include <apertus/text/tokenizer_spec.hpp>

APERTUS_BEGIN_NAMESPACE

/// What the metadata tokenizer.ggml.* says. Control tokens become special added tokens, user-defined ones ordinary added
/// tokens; unused ones are left out. Throws error(format) for missing and ill-typed keys, error(tokenizer) for a model or
/// a split pattern that is not supported.
APERTUS_DECLARATION [[nodiscard]] tokenizer_spec tokenizer_spec_from_gguf(const gguf_checkpoint& files);

APERTUS_END_NAMESPACE

#ifndef APERTUS_DECLARATIONS_ONLY
#include <apertus/run/gguf_tokenizer_definitions.hpp>
#endif
