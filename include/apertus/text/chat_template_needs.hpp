// SPDX-License-Identifier: Apache-2.0
//
// What a chat template may need done to OpenAI-style messages and tools before it reads them
// (chat_template_normalize.hpp does it, chat_template_definitions.hpp finds out).
//
//   bare_tools        {"type": "function", "function": {...}} is unwrapped; a missing or null description becomes ""
//   string_arguments  argument objects become JSON text (", " and ": ", as json.dumps); calls get the OpenAI wrapping
//   object_arguments  argument strings become objects, when chat_options::parse_json is there to read them
//   string_content    a list of text parts becomes one string, the parts joined by line breaks
//   filled_content    null content becomes ""; missing content too, for the assistant
//   no_developer      developer messages before the first other turn join the system message (made when there is none)
#pragma once

#include <apertus/text/value.hpp>

#include <string_view>

APERTUS_BEGIN_NAMESPACE

/// What a template needs; see the head of this file.
struct template_needs {
    bool bare_tools = false;
    bool string_arguments = false;
    bool object_arguments = false;
    bool string_content = false;
    bool filled_content = false;
    bool no_developer = false;
};

/// Reads JSON text into a value; throws apertus::error when it is none.
using json_text_reader = value (*)(std::string_view text);

APERTUS_END_NAMESPACE
