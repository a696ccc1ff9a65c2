// SPDX-License-Identifier: Apache-2.0
//
// Reads JSON lines {"template": ..., "variables": {...}, "now": [y, m, d, H, M, S]} on stdin and prints one JSON line
// each: {"text": ...} or {"error": ...}. A missing template means the one of the previous line.
// tools/compare_template.py drives it against Python's jinja2.
#include <apertus/run/value_json.hpp>
#include <apertus/text/jinja/engine.hpp>

#include <iostream>
#include <memory>
#include <string>

int main() {
    std::ios::sync_with_stdio(false);
    std::unique_ptr<apertus::jinja_template> parsed;
    std::string parse_error;
    for (std::string line; std::getline(std::cin, line);) {
        apertus::value_map answer;
        try {
            const apertus::json request = apertus::parse_json(line, "request");
            if (request.contains("template")) {
                parsed.reset();
                parse_error.clear();
                try {
                    parsed = std::make_unique<apertus::jinja_template>(request["template"].get<std::string>());
                } catch (const apertus::error& e) {
                    parse_error = e.what();
                }
            }
            if (!parsed) throw apertus::error(apertus::error_category::chat_template, parse_error);
            apertus::civil_time now{2025, 9, 21, 13, 5, 9};
            if (request.contains("now")) {
                const auto& n = request["now"];
                now = {n[0], n[1], n[2], n[3], n[4], n[5]};
            }
            const apertus::detail::time_source clock{
                [](const void* context) { return *static_cast<const apertus::civil_time*>(context); }, &now};
            const apertus::value variables = apertus::value_from_json(request["variables"]);
            answer.set("text", apertus::value(parsed->render(variables.as_map(), {}, clock)));
        } catch (const std::exception& e) {
            answer.set("error", apertus::value(std::string(e.what())));
        }
        std::cout << apertus::to_json(apertus::value(answer)) << '\n';
    }
    std::cout.flush();
}
