// SPDX-License-Identifier: Apache-2.0
//
// The one exception type of the library. Everything that can go wrong outside of a programming error (a bad file, an
// impossible option, no memory, a cancellation) is reported as an `apertus::error` whose message names the component,
// the thing, what was expected and what was found. The library never aborts, exits or prints.
#pragma once

#include <apertus/version.hpp>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

APERTUS_BEGIN_NAMESPACE

/// What kind of thing failed; stable, for programs that react differently to each.
enum class error_category {
    io,            ///< a file, a mapping, a reader callback
    format,        ///< bytes that are not what the file format says (JSON, safetensors)
    config,        ///< config.json, generation_config.json, options of ours
    tokenizer,     ///< tokenizer.json, encode, decode
    chat_template, ///< parsing or rendering a chat template
    resource,      ///< memory, limits
    shape,         ///< tensors or arguments whose sizes do not fit together
    backend,       ///< a compute backend or an instruction set that is not available
    cancelled,     ///< a stop token or a deadline
};

/// The category's name in lower case ("io", "format", ...).
[[nodiscard]] constexpr std::string_view to_string(error_category category) noexcept {
    switch (category) {
    case error_category::io: return "io";
    case error_category::format: return "format";
    case error_category::config: return "config";
    case error_category::tokenizer: return "tokenizer";
    case error_category::chat_template: return "chat_template";
    case error_category::resource: return "resource";
    case error_category::shape: return "shape";
    case error_category::backend: return "backend";
    case error_category::cancelled: return "cancelled";
    }
    return "unknown";
}

/// The exception of this library. `what()` is one line: "component: thing: expected X, found Y".
class error : public std::runtime_error {
public:
    error(error_category category, const std::string& message) : std::runtime_error(message), category_(category) {}

    [[nodiscard]] error_category category() const noexcept { return category_; }

private:
    error_category category_;
};

/// Throws `error` with the message "component: what".
[[noreturn]] inline void fail(error_category category, std::string_view component, std::string_view what) {
    std::string message(component);
    message += ": ";
    message += what;
    throw error(category, message);
}

/// Throws `error` with the message "component: thing: expected `expected`, found `found`".
[[noreturn]] inline void fail(error_category category, std::string_view component, std::string_view thing,
                              std::string_view expected, std::string_view found) {
    std::string message(component);
    message.append(": ").append(thing).append(": expected ").append(expected).append(", found ").append(found);
    throw error(category, message);
}

/// A piece of untrusted text made fit for a one-line message: control characters escaped, cut after `limit` bytes.
[[nodiscard]] inline std::string quoted(std::string_view text, std::size_t limit = 64) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out = "'";
    for (const char c : text.substr(0, limit)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            out += "\\x";
            out += digits[byte >> 4];
            out += digits[byte & 15];
        } else {
            out += c;
        }
    }
    out += text.size() > limit ? "...'" : "'";
    return out;
}
/// The same for std::string: without these two, argument-dependent lookup would prefer std::quoted.
[[nodiscard]] inline std::string quoted(const std::string& text, std::size_t limit = 64) {
    return quoted(std::string_view(text), limit);
}
[[nodiscard]] inline std::string quoted(std::string& text, std::size_t limit = 64) {
    return quoted(std::string_view(text), limit);
}

APERTUS_END_NAMESPACE
