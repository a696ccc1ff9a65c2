// SPDX-License-Identifier: Apache-2.0
//
// How a template is read and what a rendering of it may cost: what callers of the engine set, without the engine.
#pragma once

#include <apertus/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

APERTUS_BEGIN_NAMESPACE

/// How a template is read.
struct jinja_options {
    bool trim_blocks = true;            ///< a newline after a block or comment tag is dropped
    bool lstrip_blocks = true;          ///< spaces and tabs before a block tag at the start of a line are dropped
    std::string name = "chat template"; ///< for error messages
    std::size_t max_source = 4U << 20;  ///< bytes
};

/// A date and a time of day, as a clock on the wall shows them.
struct civil_time {
    int year = 1970;
    int month = 1; ///< 1..12
    int day = 1;   ///< 1..31
    int hour = 0;
    int minute = 0;
    int second = 0;
};

/// Bounds of one rendering.
struct render_limits {
    std::uint64_t max_steps = 20'000'000;   ///< evaluated nodes; 16 bytes of text made count as one
    std::uint64_t max_output = 64ULL << 20; ///< bytes of any one string, the result included
    int max_depth = 800; ///< nested statements, expressions and calls; each takes about half a KiB of stack
};

APERTUS_END_NAMESPACE
