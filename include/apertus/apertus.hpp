// SPDX-License-Identifier: Apache-2.0
//
// The whole CPU side of the library in one include. Each room's headers can be included by themselves; this is the list.
// With APERTUS_SEPARATE_COMPILATION (the CMake target apertus::compiled) the templates behind `causal_lm` are compiled
// once, elsewhere.
#pragma once

#include <apertus/version.hpp>

#include <apertus/core/cancellation.hpp>
#include <apertus/core/concepts.hpp>
#include <apertus/core/dtype.hpp>
#include <apertus/core/error.hpp>
#include <apertus/core/executor.hpp>
#include <apertus/core/memory.hpp>
#include <apertus/core/tensor.hpp>

#include <apertus/io/checkpoint.hpp>

#include <apertus/generate/generate.hpp>
#include <apertus/generate/generation_config.hpp>
#include <apertus/generate/padded.hpp>
#include <apertus/generate/streamer.hpp>

#include <apertus/model/padded_forward.hpp>

#include <apertus/text/chat_message.hpp>
#include <apertus/text/chat_template.hpp>
#include <apertus/text/streaming_decoder.hpp>
#include <apertus/text/tokenizer.hpp>

#include <apertus/run/causal_lm.hpp>
#include <apertus/run/conversation.hpp>
#include <apertus/run/importance_file.hpp>
#include <apertus/run/pretrained_tokenizer.hpp>

#ifndef APERTUS_SEPARATE_COMPILATION
#include <apertus/run/load_model.hpp>
#endif
