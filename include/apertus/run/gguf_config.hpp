// SPDX-License-Identifier: Apache-2.0
//
// The metadata of a GGUF file of architecture `apertus` or `llama` -> model_config and generation_config. What would
// change the arithmetic and is not implemented (experts, soft caps, scales of other families) is refused by its key.
// Sources: the keys of gguf-py/gguf/constants.py and the graphs of src/models/{apertus,llama}.cpp in
// https://github.com/ggml-org/llama.cpp.
#pragma once

#include <apertus/generate/generation_config.hpp>
#include <apertus/io/gguf_checkpoint.hpp>
#include <apertus/model/config.hpp>

APERTUS_BEGIN_NAMESPACE

/// The configuration of the model, validated. A tensor rope_freqs.weight (divisors of the rotary frequencies, in which
/// converters store Llama 3's scaling) becomes RoPE of type longrope with these divisors at every length.
/// Throws error(format) for missing and ill-typed keys, error(config) for values that are not supported.
APERTUS_DECLARATION [[nodiscard]] model_config config_from_gguf(const gguf_checkpoint& files);

/// Special tokens (every token that the file names as an end of a text, a turn or a message ends a generation) and, where
/// the file has them, recommended sampling options (general.sampling.*).
APERTUS_DECLARATION [[nodiscard]] generation_config generation_config_from_gguf(const gguf_checkpoint& files);

APERTUS_END_NAMESPACE

#ifndef APERTUS_DECLARATIONS_ONLY
#include <apertus/run/gguf_config_definitions.hpp>
#endif
