// SPDX-License-Identifier: Apache-2.0
//
// Names of the types that a program passes around, without their definitions: for headers that only mention them.
#pragma once

#include <apertus/version.hpp>

APERTUS_BEGIN_NAMESPACE

class any_executor;
class causal_lm;
class chat_template;
class checkpoint;
class conversation;
class error;
class pretrained_tokenizer;
class session_handle;
class streaming_decoder;
class tokenizer;
struct cancellation;
struct chat_message;
struct generate_options;
struct generation_config;
struct generation_result;
struct load_options;
struct memory_plan;
struct model_config;
struct segment;
struct session_options;

APERTUS_END_NAMESPACE
