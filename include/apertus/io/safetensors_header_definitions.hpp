// SPDX-License-Identifier: Apache-2.0
//
// The bodies of io/safetensors_header.hpp that read JSON.
#pragma once

#include <apertus/core/dtype.hpp>
#include <apertus/io/json.hpp>
#include <apertus/io/safetensors_header.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail {

/// SAX handler (nlohmann's interface) that fills the table; offsets are still relative to the data.
class safetensors_header_handler {
public:
    safetensors_header_handler(std::string_view document, std::string_view text, safetensors_header& out)
        : document_(document), text_(text), out_(out) {}

    bool null() { return scalar("null"); }
    bool boolean(bool value) { return scalar(value ? "true" : "false"); }
    bool number_integer(std::int64_t value) { return scalar(std::to_string(value)); }
    bool number_unsigned(std::uint64_t value) {
        if (place_ == place::shape) {
            if (entry_.shape.size() == safetensors_max_rank) {
                bad("shape", "at most " + std::to_string(safetensors_max_rank) + " dimensions", "more");
            }
            entry_.shape.push_back(value);
            return true;
        }
        if (place_ == place::offsets) {
            if (offset_count_ == 2) bad("data_offsets", "two numbers", "more");
            (offset_count_ == 0 ? entry_.begin : entry_.end) = value;
            ++offset_count_;
            return true;
        }
        return scalar(std::to_string(value));
    }
    bool number_float(double, const std::string& digits) { return scalar(quoted(digits)); }
    bool binary(std::vector<std::uint8_t>&) { return scalar("binary data"); }
    bool string(std::string& value) {
        if (place_ == place::metadata) {
            out_.metadata.emplace_back(std::move(key_), std::move(value));
            return true;
        }
        if (place_ == place::tensor && field_ == field::dtype) {
            const auto type = parse_dtype(value);
            if (!type) {
                bad("dtype", "one of F32, F16, BF16, F64, I64, I32, I16, I8, U64, U32, U16, U8, BOOL", quoted(value));
            }
            entry_.dtype = *type;
            return true;
        }
        return scalar(quoted(value));
    }
    bool start_object(std::size_t) {
        if (place_ == place::outside) {
            place_ = place::top;
        } else if (place_ == place::top && is_metadata_) {
            place_ = place::metadata;
        } else if (place_ == place::top) {
            place_ = place::tensor;
            entry_ = {};
            entry_.name = std::move(key_);
            seen_ = {};
        } else {
            return scalar("an object");
        }
        return true;
    }
    bool key(std::string& name) {
        if (place_ == place::top) {
            is_metadata_ = name == "__metadata__";
            if (is_metadata_ && metadata_seen_) fail_header("__metadata__", "one", "a second one");
            metadata_seen_ = metadata_seen_ || is_metadata_;
        } else if (place_ == place::tensor) {
            field_ = name == "dtype" ? field::dtype : name == "shape" ? field::shape : field::offsets;
            if (field_ == field::offsets && name != "data_offsets") {
                bad("member", "dtype, shape or data_offsets", quoted(name));
            }
            bool& seen = seen_[static_cast<std::size_t>(field_)];
            if (seen) bad(name, "one", "a second one");
            seen = true;
        }
        key_ = std::move(name);
        return true;
    }
    bool end_object() {
        if (place_ == place::tensor) {
            static constexpr std::array<std::string_view, 3> names{"dtype", "shape", "data_offsets"};
            for (std::size_t i = 0; i < names.size(); ++i) {
                if (!seen_[i]) bad(names[i], "a value", "nothing");
            }
            out_.tensors.push_back(std::move(entry_));
        }
        place_ = place_ == place::top ? place::outside : place::top;
        return true;
    }
    bool start_array(std::size_t) {
        if (place_ != place::tensor || field_ == field::dtype) return scalar("an array");
        place_ = field_ == field::shape ? place::shape : place::offsets;
        offset_count_ = 0;
        return true;
    }
    bool end_array() {
        if (place_ == place::offsets && offset_count_ != 2) {
            bad("data_offsets", "two numbers", std::to_string(offset_count_));
        }
        place_ = place::tensor;
        return true;
    }
    template <class Exception> bool parse_error(std::size_t byte, const std::string&, const Exception& reason) {
        json_parse_failure(std::string(document_) + ": header", text_, byte, reason.what());
    }

private:
    enum class place { outside, top, metadata, tensor, shape, offsets };
    enum class field : std::size_t { dtype, shape, offsets };

    [[noreturn]] void fail_header(std::string_view thing, std::string_view expected, std::string_view found) const {
        fail(error_category::format, std::string(document_) + ": header", thing, expected, found);
    }
    [[noreturn]] void bad(std::string_view thing, std::string_view expected, std::string_view found) const {
        fail(error_category::format, document_, "tensor " + quoted(entry_.name, 200) + " " + std::string(thing),
             expected, found);
    }
    /// A value where the format has no such value.
    [[noreturn]] bool scalar(std::string_view found) const {
        switch (place_) {
        case place::outside: fail_header("top level", "an object", found);
        case place::top:
            if (is_metadata_) fail_header("__metadata__", "an object", found);
            fail(error_category::format, document_, "tensor " + quoted(key_, 200), "an object", found);
        case place::metadata: fail_header("__metadata__ " + quoted(key_), "a string", found);
        case place::tensor:
            if (field_ == field::dtype) bad("dtype", "a string", found);
            bad(field_ == field::shape ? "shape" : "data_offsets", "an array of non-negative integers", found);
        case place::shape: bad("shape", "non-negative integers", found);
        case place::offsets: bad("data_offsets", "non-negative integers", found);
        }
        fail_header("top level", "an object", found);
    }

    std::string_view document_;
    std::string_view text_;
    safetensors_header& out_;
    place place_ = place::outside;
    field field_ = field::dtype;
    tensor_entry entry_;
    std::string key_;
    std::array<bool, 3> seen_{};
    std::size_t offset_count_ = 0;
    bool is_metadata_ = false;
    bool metadata_seen_ = false;
};

/// The data must be tiled by the tensors: sorts by offset, then compares neighbours.
inline void check_safetensors_layout(std::vector<tensor_entry>& tensors, std::uint64_t data_size,
                                     std::string_view document) {
    for (const tensor_entry& t : tensors) {
        const auto bad = [&](std::string_view thing, const std::string& expected, const std::string& found) {
            fail(error_category::format, document, "tensor " + quoted(t.name, 200) + " " + std::string(thing), expected,
                 found);
        };
        const std::string offsets = "[" + std::to_string(t.begin) + ", " + std::to_string(t.end) + "]";
        if (t.begin > t.end || t.end > data_size) {
            bad("data_offsets", "begin <= end <= " + std::to_string(data_size) + " (the size of the data)", offsets);
        }
        const auto bytes = checked_size(t.dtype, t.shape);
        if (!bytes) bad("shape", "fewer than 2^63 bytes", describe_shape(t.shape));
        if (*bytes != t.size_bytes()) {
            bad("data_offsets",
                std::to_string(*bytes) + " bytes for " + std::string(to_string(t.dtype)) + " " +
                    describe_shape(t.shape),
                std::to_string(t.size_bytes()) + " (" + offsets + ")");
        }
    }
    std::sort(tensors.begin(), tensors.end(), [](const tensor_entry& a, const tensor_entry& b) {
        return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
    });
    std::uint64_t covered = 0;
    const tensor_entry* previous = nullptr;
    for (const tensor_entry& t : tensors) {
        if (t.begin != covered) {
            fail(error_category::format, document, "tensor " + quoted(t.name, 200) + " data_offsets",
                 "to begin at " + std::to_string(covered) +
                     (previous == nullptr ? std::string() : ", the end of " + quoted(previous->name, 200)),
                 std::to_string(t.begin) + (t.begin < covered ? " (an overlap)" : " (a hole)"));
        }
        covered = t.end;
        previous = &t;
    }
    if (covered != data_size) {
        fail(error_category::format, document, "data", std::to_string(covered) + " bytes (the end of the last tensor)",
             std::to_string(data_size));
    }
}

} // namespace detail

APERTUS_DEFINITION safetensors_header parse_safetensors_header(std::string_view text, std::uint64_t data_size,
                                                               std::string_view document) {
    if (text.empty() || text.front() != '{') {
        fail(error_category::format, document, "header, first byte", "'{'",
             text.empty() ? "nothing" : quoted(text.substr(0, 1)));
    }
    safetensors_header header;
    detail::safetensors_header_handler handler(document, text, header);
    parse_json_sax(text, handler);
    detail::check_safetensors_layout(header.tensors, data_size, document);
    const std::uint64_t data_start = 8 + text.size();
    for (tensor_entry& t : header.tensors) {
        t.begin += data_start;
        t.end += data_start;
    }
    return header;
}

APERTUS_END_NAMESPACE
