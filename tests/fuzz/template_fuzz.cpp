// SPDX-License-Identifier: Apache-2.0
//
// Hostile chat templates over hostile variables. Input: template text, then optionally a line "===" and JSON: an object
// is the variables, an array a conversation for the front door. Whatever happens must be a rendering or an apertus::error.
#include <apertus/run/chat_json.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

constexpr std::string_view default_variables =
    R"({"messages": [{"role": "user", "content": "é <|x|>"}, {"role": "assistant", "content": "b", "n": 1}], "bos_token": "<s>",
        "s": "a b", "i": 3, "f": 2.5, "l": [3, 1, 2], "d": {"a": 1, "items": [null, true]}})";

/// What every rendering must satisfy.
void check(const apertus::marked_text& text) {
    std::size_t end = 0;
    for (const auto& range : text.user_ranges()) {
        if (range.begin < end || range.begin >= range.end) std::abort();
        end = range.end;
    }
    if (end > text.size()) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::size_t cut = input.find("\n===\n");
    const std::string_view source = input.substr(0, cut);
    const std::string_view json = cut == std::string_view::npos ? default_variables : input.substr(cut + 5);
    apertus::render_limits limits;
    limits.max_steps = 100'000;
    limits.max_output = 1U << 20;
    const apertus::detail::jinja::time_source clock{[](const void*) { return apertus::civil_time{2025, 9, 21}; },
                                                    nullptr};
    try {
        const apertus::value variables = apertus::value_from_json(json);
        if (variables.is_list()) {
            const apertus::chat_template chat{std::string(source), {{"bos_token", "<s>"}}};
            apertus::chat_options options;
            options.limits = limits;
            options.date = "2025-09-21";
            options.parse_json = apertus::parse_tool_arguments;
            options.continue_final_message = size % 2 == 0;
            const apertus::rendered_chat rendered = chat.apply(variables, options);
            std::size_t at = 0;
            for (const auto& segment : rendered.segments) {
                if (segment.offset != at || segment.length == 0) std::abort();
                at += segment.length;
            }
            if (at != rendered.text.size()) std::abort();
        } else {
            const apertus::jinja_template parsed(source);
            check(parsed.render(variables.is_mapping() ? variables.as_map() : apertus::value_map(), limits, clock));
        }
    } catch (const apertus::error&) {
    }
    return 0;
}
