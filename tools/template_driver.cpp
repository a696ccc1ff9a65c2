// SPDX-License-Identifier: Apache-2.0
//
// Reads JSON lines on stdin and prints one JSON line each: {"text": ...} or {"error": ...}.
//   {"template": ..., "variables": {...}, "now": [Y, m, d, H, M, S]}   the engine alone
//   {"template": ..., "messages": [...], "options": {...}}              chat_template::apply, verbatim style
// A missing template means the one of the line before. tools/compare_template.py drives it against Python's jinja2.
#include <apertus/run/chat_json.hpp>
#include <apertus/text/chat_template.hpp>
#include <apertus/text/jinja/engine.hpp>

#include <iostream>
#include <memory>
#include <string>

namespace {

using apertus::value;

class driver {
public:
    std::string answer(const std::string& line) {
        apertus::value_map out;
        try {
            const value request = apertus::value_from_json(line, "request", apertus::text_origin::host);
            if (request.get("template").is_string()) parse(std::string(request.get("template").as_string()));
            if (!parsed_) throw apertus::error(apertus::error_category::chat_template, parse_error_);
            if (request.get("messages").is_list()) out.set("text", value(apply(request)));
            else out.set("text", value(render(request)));
        } catch (const std::exception& e) {
            out.set("error", value(std::string(e.what())));
        }
        return apertus::to_json(value(out));
    }

private:
    void parse(const std::string& source) {
        source_ = source;
        parsed_.reset();
        chat_.reset();
        try {
            parsed_ = std::make_unique<apertus::jinja_template>(source);
        } catch (const apertus::error& e) {
            parse_error_ = e.what();
        }
    }

    apertus::marked_text render(const value& request) const {
        apertus::civil_time now{2025, 9, 21, 13, 5, 9};
        if (const value n = request.get("now"); n.is_list()) {
            const auto part = [&](std::size_t i) { return static_cast<int>(n.items().at(i).as_integer()); };
            now = {part(0), part(1), part(2), part(3), part(4), part(5)};
        }
        const apertus::detail::jinja::time_source clock{
            [](const void* context) { return *static_cast<const apertus::civil_time*>(context); }, &now};
        const value variables = request.get("variables");
        return parsed_->render(variables.is_mapping() ? variables.as_map() : apertus::value_map(), {}, clock);
    }

    std::string apply(const value& request) {
        if (!chat_)
            chat_ = std::make_unique<apertus::chat_template>(
                source_, apertus::value_map{{"bos_token", "<s>"}, {"eos_token", "</s>"}});
        apertus::chat_options options;
        const value o = request.get("options");
        options.style = apertus::message_style::verbatim;
        options.date = "2025-09-21 13:05:09";
        options.tools = o.get("tools");
        options.add_generation_prompt = o.get("add_generation_prompt") == value(true);
        const value continued = o.get("continue_final_message");
        options.continue_final_message = continued.is_string() || continued == value(true);
        if (continued.is_string()) options.continue_field = std::string(continued.as_string());
        if (o.get("variables").is_mapping()) options.variables = o.get("variables").as_map();
        return chat_->apply(request.get("messages"), options).text;
    }

    std::string source_;
    std::string parse_error_;
    std::unique_ptr<apertus::jinja_template> parsed_;
    std::unique_ptr<apertus::chat_template> chat_;
};

} // namespace

int main() {
    std::ios::sync_with_stdio(false);
    driver d;
    for (std::string line; std::getline(std::cin, line);) std::cout << d.answer(line) << '\n';
    std::cout.flush();
}
