// SPDX-License-Identifier: Apache-2.0
//
// The bodies of io/json.hpp: the JSON library's parser, compiled at one place, and what builds a DOM from its events.
#pragma once

#include <apertus/io/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail {

APERTUS_DEFINITION bool run_json_parser(std::string_view text, nlohmann::json_sax<json>& handler) {
    return json::sax_parse(text.begin(), text.end(), &handler);
}

/// Builds a DOM from the events of the parser. A repeated key keeps its first place and its last value.
class dom_builder {
public:
    dom_builder(std::string_view document, std::string_view text) : document_(document), text_(text) {}

    [[nodiscard]] json take() { return std::move(root_); }

    bool null() { return add(json()); }
    bool boolean(bool v) { return add(v); }
    bool number_integer(std::int64_t v) { return add(v); }
    bool number_unsigned(std::uint64_t v) { return add(v); }
    bool number_float(double v, const std::string&) { return add(v); }
    bool string(std::string& v) { return add(std::move(v)); }
    bool binary(json::binary_t&) { return false; } // not in a text
    bool start_object(std::size_t) { return open(json(json::value_t::object)); }
    bool start_array(std::size_t) { return open(json(json::value_t::array)); }
    bool key(std::string& k) {
        slot_ = &(*open_.back())[k];
        return true;
    }
    bool end_object() { return close(); }
    bool end_array() { return close(); }
    bool parse_error(std::size_t byte, const std::string&, const nlohmann::detail::exception& e) {
        json_parse_failure(document_, text_, byte, e.what());
    }

private:
    json* place(json&& value) {
        if (open_.empty()) return &(root_ = std::move(value));
        if (open_.back()->is_array()) return &open_.back()->emplace_back(std::move(value));
        return &(*slot_ = std::move(value));
    }
    bool add(json value) {
        place(std::move(value));
        return true;
    }
    bool open(json&& value) {
        open_.push_back(place(std::move(value)));
        return true;
    }
    bool close() {
        open_.pop_back();
        return true;
    }

    std::string_view document_;
    std::string_view text_;
    json root_;
    json* slot_ = nullptr;    // where the value of the last key goes
    std::vector<json*> open_; // containers that are not closed yet; only the innermost one grows
};

} // namespace detail

APERTUS_DEFINITION json parse_json(std::string_view text, std::string_view document) {
    detail::check_json_limits(text, document);
    detail::dom_builder builder(document, text);
    if (!parse_json_sax(text, builder)) detail::json_parse_failure(document, text, 0, "not a JSON text");
    return builder.take();
}

APERTUS_DEFINITION std::string describe_json(const json& value) {
    switch (value.type()) {
    case json::value_t::null: return "null";
    case json::value_t::string: return quoted(value.get_ref<const std::string&>());
    case json::value_t::array: return "an array of " + std::to_string(value.size());
    case json::value_t::object: return "an object";
    case json::value_t::boolean: return value.get<bool>() ? "true" : "false";
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
    case json::value_t::number_float: return value.dump();
    case json::value_t::binary:
    case json::value_t::discarded: break;
    }
    return "nothing";
}

APERTUS_END_NAMESPACE
