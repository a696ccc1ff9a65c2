// SPDX-License-Identifier: Apache-2.0
//
// The bodies of run/value_json.hpp.
#pragma once

#include <apertus/io/json.hpp>
#include <apertus/run/value_json.hpp>
#include <apertus/text/value.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail {

/// Builds a value while the parser reads; linear time also for objects with very many keys.
class value_builder {
public:
    value_builder(std::string_view document, std::string_view text, text_origin origin)
        : document_(document), text_(text), origin_(origin) {}

    bool null() { return add(value(nullptr)); }
    bool boolean(bool v) { return add(value(v)); }
    bool number_integer(std::int64_t v) { return add(value(v)); }
    bool number_unsigned(std::uint64_t v) {
        if (v > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) too_large(std::to_string(v));
        return add(value(static_cast<std::int64_t>(v)));
    }
    bool number_float(double v, const std::string& text) {
        if (text.find_first_of(".eE") == std::string::npos) too_large(text);
        return add(value(v));
    }
    bool string(std::string& v) { return add(make_text(v)); }
    bool binary(json::binary_t&) { return false; }
    bool start_object(std::size_t) {
        open_.push_back({true, {}, {}, value()});
        return true;
    }
    bool key(std::string& v) {
        open_.back().key = make_text(v);
        return true;
    }
    bool end_object() {
        value v(std::move(open_.back().map));
        open_.pop_back();
        return add(std::move(v));
    }
    bool start_array(std::size_t) {
        open_.push_back({false, {}, {}, value()});
        return true;
    }
    bool end_array() {
        value v = value::list(std::move(open_.back().items));
        open_.pop_back();
        return add(std::move(v));
    }
    bool parse_error(std::size_t byte, const std::string&, const nlohmann::detail::exception& e) {
        json_parse_failure(document_, text_, byte, e.what());
    }
    [[nodiscard]] value take() { return std::move(root_); }

private:
    struct container {
        bool is_object;
        value_map map;
        std::vector<value> items;
        value key;
    };

    [[nodiscard]] value make_text(std::string& v) const {
        return value(marked_text(std::move(v), origin_ == text_origin::user));
    }
    bool add(value v) {
        if (open_.empty()) root_ = std::move(v);
        else if (open_.back().is_object) open_.back().map.set(open_.back().key, std::move(v));
        else open_.back().items.push_back(std::move(v));
        return true;
    }
    [[noreturn]] void too_large(const std::string& number) const {
        fail(error_category::format, document_, "integer", "at most 63 bits and a sign", number.substr(0, 40));
    }

    std::string_view document_;
    std::string_view text_;
    text_origin origin_;
    std::vector<container> open_;
    value root_;
};

} // namespace detail

APERTUS_DEFINITION value value_from_json(std::string_view text, std::string_view document, text_origin origin) {
    detail::check_json_limits(text, document);
    detail::value_builder builder(document, text, origin);
    if (!parse_json_sax(text, builder)) detail::json_parse_failure(document, text, 0, "not a JSON text");
    return builder.take();
}

APERTUS_END_NAMESPACE
