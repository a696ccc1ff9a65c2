// SPDX-License-Identifier: Apache-2.0
//
// tokenize, detokenize, render: need only the tokenizer's files of a folder.
#include "common.hpp"

#include <charconv>
#include <functional>
#include <iostream>

namespace cli {

namespace {

using apertus::error_category;
using apertus::fail;
using apertus::json;

std::string id_list(std::span<const std::int32_t> ids) {
    std::string out = "[";
    char digits[16];
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (i != 0) out += ',';
        out.append(digits, std::to_chars(digits, digits + sizeof digits, ids[i]).ptr);
    }
    return out + "]";
}

/// Calls f(line, number) for every line of stdin; the last one may lack its newline.
void for_each_line(const std::function<void(std::string&, std::size_t)>& f) {
    std::ios::sync_with_stdio(false);
    std::string line;
    for (std::size_t number = 1; std::getline(std::cin, line); ++number) f(line, number);
    if (std::cin.bad()) fail(error_category::io, "stdin", "cannot be read");
}

std::string line_name(std::size_t number) { return "stdin, line " + std::to_string(number); }

/// Ids of a line: "1 2 3", "1,2,3", "[1, 2, 3]" or {"ids":[1,2,3]}.
std::vector<std::int32_t> parse_ids(std::string_view line, std::size_t number) {
    std::vector<std::int32_t> ids;
    if (!line.empty() && line.front() == '{') {
        const json root = apertus::parse_json(line, line_name(number));
        const auto list = root.find("ids");
        if (list == root.end() || !list->is_array()) {
            fail(error_category::format, line_name(number), "ids", "a list of integers", "none");
        }
        for (const json& id : *list) {
            if (!id.is_number_integer()) {
                fail(error_category::format, line_name(number), "ids", "integers", apertus::describe_json(id));
            }
            ids.push_back(id.get<std::int32_t>());
        }
        return ids;
    }
    const char* at = line.data();
    const char* const end = at + line.size();
    while (at != end) {
        if (*at == ' ' || *at == ',' || *at == '[' || *at == ']' || *at == '\t' || *at == '\r') {
            ++at;
            continue;
        }
        std::int32_t id = 0;
        const auto [next, code] = std::from_chars(at, end, id);
        if (code != std::errc{}) {
            fail(error_category::format, line_name(number), "ids", "integers",
                 apertus::quoted(std::string_view(at, static_cast<std::size_t>(end - at)), 16));
        }
        ids.push_back(id);
        at = next;
    }
    return ids;
}

} // namespace

int tokenize(const model_options& options, const tokenize_arguments& arguments) {
    const apertus::tokenizer tokenizer = apertus::load_tokenizer(model_folder(options));
    apertus::encode_options encode;
    encode.add_special_tokens = !arguments.no_special;
    encode.untrusted = arguments.untrusted;

    const auto show = [&](std::string_view text) {
        const auto ids = tokenizer.encode(text, encode);
        if (arguments.json) {
            print("{\"ids\":" + id_list(ids) + "}\n");
            return;
        }
        std::string out;
        for (const std::int32_t id : ids) {
            out += std::to_string(id) + "\t" + apertus::quoted(tokenizer.decode(std::span(&id, 1)), 200) + "\n";
        }
        print(out);
    };
    if (arguments.text_given) {
        show(arguments.text);
    } else if (arguments.json_in) {
        for_each_line([&](std::string& line, std::size_t number) {
            const json text = apertus::parse_json(line, line_name(number));
            if (!text.is_string()) {
                fail(error_category::format, line_name(number), "input", "a JSON string", apertus::describe_json(text));
            }
            show(text.get_ref<const std::string&>());
        });
    } else if (arguments.json) {
        for_each_line([&](std::string& line, std::size_t) { show(line); });
    } else {
        show(read_stdin());
    }
    return 0;
}

int detokenize(const model_options& options, const detokenize_arguments& arguments) {
    const apertus::tokenizer tokenizer = apertus::load_tokenizer(model_folder(options));
    const auto show = [&](std::span<const std::int32_t> ids) {
        const std::string text = tokenizer.decode(ids, {arguments.skip_special});
        if (arguments.json) print_json({{"text", text}});
        else print(text + "\n");
    };
    if (!arguments.ids.empty()) {
        show(arguments.ids);
    } else {
        for_each_line([&](std::string& line, std::size_t number) { show(parse_ids(line, number)); });
    }
    return 0;
}

int render(const model_options& options, const render_arguments& arguments) {
    constexpr std::uint64_t largest = 64u << 20;
    const auto read = [&](const std::string& path) {
        return path == "-" ? read_stdin() : apertus::read_file(path, largest);
    };
    const auto tokenizer = apertus::auto_tokenizer::from_pretrained(model_folder(options));
    apertus::chat_options chat;
    chat.add_generation_prompt = !arguments.no_generation_prompt && !arguments.continue_final_message;
    chat.continue_final_message = arguments.continue_final_message;
    chat.enable_thinking = arguments.thinking;
    chat.trust_content = arguments.trust_content;
    chat.date = arguments.date;
    if (!arguments.tools.empty()) chat.tools = apertus::tools_from_json(read(arguments.tools), arguments.tools);
    const apertus::value messages = apertus::messages_from_json(read(arguments.messages), arguments.messages);
    const apertus::rendered_chat prompt = tokenizer.render(messages, chat);
    if (!arguments.json) {
        print(prompt.text);
        return 0;
    }
    const json text = prompt.text;
    print("{\"text\":" + text.dump(-1, ' ', false, json::error_handler_t::replace) +
          ",\"ids\":" + id_list(tokenizer.encode(prompt)) + "}\n");
    return 0;
}

} // namespace cli
