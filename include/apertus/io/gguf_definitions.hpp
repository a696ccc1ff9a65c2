// SPDX-License-Identifier: Apache-2.0
//
// The bodies of io/gguf.hpp: the parser. Nothing that the file says is believed before it is checked: every count
// against the bytes that are left, every product against 63 bits, every offset against the file and its neighbours.
// Memory grows with the bytes read, never with a number read.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/io/byte_source.hpp>
#include <apertus/io/ggml_type.hpp>
#include <apertus/io/gguf.hpp>
#include <apertus/io/gguf_metadata.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail {

/// Reads the header from front to back, from memory or in pieces through a reader.
class gguf_cursor {
public:
    explicit gguf_cursor(const byte_source& source) : source_(source) {}

    [[nodiscard]] std::uint64_t position() const noexcept { return position_; }
    [[nodiscard]] std::uint64_t left() const noexcept { return source_.size() - position_; }
    [[nodiscard]] const std::string& document() const noexcept { return source_.document(); }

    /// Throws error(format) unless `count` more bytes are there and the header stays within its limit.
    void need(std::uint64_t count, std::string_view what) const {
        if (count > left()) {
            fail(error_category::format, document(), std::string(what) + " at byte " + std::to_string(position_),
                 std::to_string(count) + " bytes", std::to_string(left()) + " (the file ends)");
        }
        if (position_ + count > gguf_max_header) {
            fail(error_category::format, document(), "header",
                 "at most " + std::to_string(gguf_max_header) + " bytes before the data",
                 "more (" + std::string(what) + ")");
        }
    }

    void read(std::span<std::byte> out, std::string_view what) {
        need(out.size(), what);
        if (source_.zero_copy()) {
            source_.read(position_, out);
            position_ += out.size();
            return;
        }
        while (!out.empty()) {
            if (position_ < piece_begin_ || position_ >= piece_begin_ + piece_.size()) {
                piece_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left(), piece_size)));
                piece_begin_ = position_;
                source_.read(piece_begin_, piece_);
            }
            const auto at = static_cast<std::size_t>(position_ - piece_begin_);
            const std::size_t count = std::min(out.size(), piece_.size() - at);
            std::memcpy(out.data(), piece_.data() + at, count);
            position_ += count;
            out = out.subspan(count);
        }
    }

    /// Appends `count` bytes to `out`; in pieces, so that memory is asked for as bytes arrive.
    void append(std::string& out, std::uint64_t count, std::string_view what) {
        need(count, what);
        while (count > 0) {
            const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(count, piece_size));
            const std::size_t old = out.size();
            out.resize(old + part);
            read(std::as_writable_bytes(std::span(out.data() + old, part)), what);
            count -= part;
        }
    }

    template <class T> [[nodiscard]] T integer(std::string_view what) {
        std::array<std::byte, sizeof(T)> raw{};
        read(raw, what);
        T value = 0;
        for (std::size_t i = sizeof(T); i-- > 0;) value = static_cast<T>(value << 8 | std::to_integer<T>(raw[i]));
        return value;
    }

    [[nodiscard]] std::string text(std::uint64_t longest, std::string_view what) {
        const auto length = integer<std::uint64_t>(what);
        if (length > longest) {
            fail(error_category::format, document(), std::string(what) + " at byte " + std::to_string(position_ - 8),
                 "a length of at most " + std::to_string(longest), std::to_string(length));
        }
        std::string out;
        append(out, length, what);
        return out;
    }

private:
    static constexpr std::uint64_t piece_size = 256u << 10;

    const byte_source& source_;
    std::uint64_t position_ = 0;
    std::vector<std::byte> piece_;
    std::uint64_t piece_begin_ = 0;
};

/// The file behind a cursor: fixed head, metadata, tensor infos, layout.
class gguf_parser {
public:
    explicit gguf_parser(gguf_cursor cursor) : in_(std::move(cursor)) {}

    std::uint32_t version = 0;
    std::vector<std::pair<std::string, gguf_value>> entries;
    std::vector<gguf_tensor> tensors; ///< offsets still count from the start of the data

    void head() {
        std::array<std::byte, 4> magic{};
        in_.read(magic, "magic");
        const std::string_view found(reinterpret_cast<const char*>(magic.data()), magic.size());
        if (found != "GGUF") bad("magic (bytes 0 to 3)", "'GGUF'", quoted(found));
        version = in_.integer<std::uint32_t>("version");
        if (version != 0 && (version & 0xffffu) == 0) {
            bad("byte order", "a little-endian file", "a big-endian one (version " + std::to_string(version) + ")");
        }
        if (version != 2 && version != 3) bad("version", "2 or 3", std::to_string(version));
        const auto tensor_count = in_.integer<std::uint64_t>("number of tensors");
        const auto entry_count = in_.integer<std::uint64_t>("number of metadata entries");
        check_count("number of tensors", tensor_count, 8 + 4 + 4 + 8);
        check_count("number of metadata entries", entry_count, 8 + 4 + 1);
        for (std::uint64_t i = 0; i < entry_count; ++i) entry();
        for (std::uint64_t i = 0; i < tensor_count; ++i) tensor();
    }

    /// Turns offsets into positions in a file of `size` bytes and checks that tensors lie inside it and apart.
    void layout(std::uint64_t alignment, std::uint64_t size) {
        const std::uint64_t start = (in_.position() + alignment - 1) / alignment * alignment; // < 2^63: see alignment
        const std::uint64_t room = start < size ? size - start : 0;
        std::vector<const gguf_tensor*> order;
        order.reserve(tensors.size());
        for (const gguf_tensor& t : tensors) {
            if (t.begin % alignment != 0) {
                bad_tensor(t, " offset", "a multiple of the alignment " + std::to_string(alignment),
                           std::to_string(t.begin));
            }
            if (t.end > room) {
                bad_tensor(t, "", "to end within the " + std::to_string(room) + " bytes of data",
                           "bytes " + std::to_string(t.begin) + " to " + std::to_string(t.end));
            }
            if (t.size_bytes() != 0) order.push_back(&t);
        }
        std::sort(order.begin(), order.end(),
                  [](const gguf_tensor* a, const gguf_tensor* b) { return a->begin < b->begin; });
        for (std::size_t i = 1; i < order.size(); ++i) {
            if (order[i]->begin < order[i - 1]->end) {
                bad_tensor(*order[i], " offset",
                           "at least " + std::to_string(order[i - 1]->end) + ", the end of " +
                               quoted(order[i - 1]->name, 200),
                           std::to_string(order[i]->begin) + " (an overlap)");
            }
        }
        const std::uint64_t first = std::min(start, size); // a file of empty tensors may end before its data begins
        for (gguf_tensor& t : tensors) {
            t.begin += first;
            t.end += first;
        }
    }

private:
    [[noreturn]] void bad(std::string_view thing, std::string_view expected, std::string_view found) const {
        fail(error_category::format, in_.document(), thing, expected, found);
    }
    [[noreturn]] void bad_tensor(const gguf_tensor& t, std::string_view what, std::string_view expected,
                                 std::string_view found) const {
        bad("tensor " + quoted(t.name, 200) + std::string(what), expected, found);
    }

    void check_count(std::string_view what, std::uint64_t count, std::uint64_t least_bytes) const {
        const std::uint64_t most = std::min(gguf_max_entries, in_.left() / least_bytes);
        if (count > most) bad(what, "at most " + std::to_string(most), std::to_string(count));
    }

    [[nodiscard]] gguf_type type(std::string_view what) {
        const auto number = in_.integer<std::uint32_t>(what);
        if (number > static_cast<std::uint32_t>(gguf_type::f64)) bad(what, "a type of 0 to 12", std::to_string(number));
        return static_cast<gguf_type>(number);
    }

    void check_booleans(std::string_view bytes, std::string_view what) const {
        for (const char c : bytes) {
            if (c != 0 && c != 1)
                bad(what, "bool 0 or 1", std::to_string(static_cast<unsigned>(static_cast<unsigned char>(c))));
        }
    }

    void entry() {
        std::string key = in_.text(gguf_max_key, "metadata key");
        const std::string what = "metadata " + quoted(key, 200);
        if (key.empty()) bad("metadata key", "a name", "an empty one");
        gguf_value value;
        value.type = type(what);
        if (value.type == gguf_type::string) {
            value.content = in_.text(gguf_max_header, what);
        } else if (value.type == gguf_type::array) {
            value.content = array(what, 1);
        } else {
            std::array<std::byte, 8> raw{};
            const std::size_t size = size_of(value.type);
            in_.read(std::span(raw).first(size), what);
            if (value.type == gguf_type::boolean)
                check_booleans({reinterpret_cast<const char*>(raw.data()), size}, what);
            value.content = read_gguf_scalar(value.type, raw.data());
        }
        entries.emplace_back(std::move(key), std::move(value));
    }

    // Recursive, but never deeper than gguf_max_array_depth.
    [[nodiscard]] gguf_array array(const std::string& what, std::size_t depth) {
        if (depth > gguf_max_array_depth) {
            bad(what, "arrays nested at most " + std::to_string(gguf_max_array_depth) + " deep", "deeper");
        }
        gguf_array out;
        out.type = type(what);
        const auto count = in_.integer<std::uint64_t>(what);
        const std::size_t fixed = size_of(out.type);
        const std::uint64_t least = out.type == gguf_type::string ? 8 : out.type == gguf_type::array ? 12 : fixed;
        if (count > in_.left() / least) {
            bad(what,
                "an array of at most " + std::to_string(in_.left() / least) + " " + std::string(to_string(out.type)) +
                    " (the file ends)",
                std::to_string(count));
        }
        out.count = static_cast<std::size_t>(count);
        if (out.type == gguf_type::string) {
            for (std::uint64_t i = 0; i < count; ++i) {
                in_.append(out.bytes, in_.integer<std::uint64_t>(what), what);
                out.ends.push_back(out.bytes.size());
            }
        } else if (out.type == gguf_type::array) {
            for (std::uint64_t i = 0; i < count; ++i) {
                if (++nested_ > gguf_max_nested_arrays) {
                    bad(what, "at most " + std::to_string(gguf_max_nested_arrays) + " nested arrays", "more");
                }
                out.arrays.push_back(array(what, depth + 1));
            }
        } else {
            in_.append(out.bytes, count * fixed, what);
            if (out.type == gguf_type::boolean) check_booleans(out.bytes, what);
        }
        return out;
    }

    void tensor() {
        gguf_tensor t;
        t.name = in_.text(gguf_max_tensor_name, "tensor name");
        const std::string what = "tensor " + quoted(t.name, 200);
        if (t.name.empty()) bad("tensor name", "a name", "an empty one");
        const auto rank = in_.integer<std::uint32_t>(what);
        if (rank > gguf_max_rank) {
            bad_tensor(t, "", "at most " + std::to_string(gguf_max_rank) + " dimensions", std::to_string(rank));
        }
        for (std::uint32_t i = 0; i < rank; ++i) t.shape.push_back(in_.integer<std::uint64_t>(what));
        std::reverse(t.shape.begin(), t.shape.end());
        const auto number = in_.integer<std::uint32_t>(what);
        const ggml_type* const known = find_ggml_type(number);
        if (known == nullptr) bad_tensor(t, " type", "a type of ggml", std::to_string(number));
        t.type = *known;
        t.begin = in_.integer<std::uint64_t>(what);
        t.end = end_of(t);
        tensors.push_back(std::move(t));
    }

    /// Where a tensor that begins at t.begin ends. Checks its extents.
    [[nodiscard]] std::uint64_t end_of(const gguf_tensor& t) const {
        static constexpr std::uint64_t limit = ~std::uint64_t{0} >> 1;
        const std::uint64_t cols = t.shape.empty() ? 1 : t.shape.back();
        if (cols % t.type.block_size != 0) {
            bad_tensor(t, "",
                       "rows of a multiple of " + std::to_string(t.type.block_size) + " elements for type " +
                           std::string(t.type.name),
                       std::to_string(cols));
        }
        const auto too_large = [&] {
            std::string text;
            for (const std::uint64_t extent : t.shape) text += (text.empty() ? "[" : ", ") + std::to_string(extent);
            bad_tensor(t, "", "fewer than 2^63 bytes and elements", text + "] at offset " + std::to_string(t.begin));
        };
        // As if no extent were zero: then elements cannot overflow in any order in which somebody multiplies them.
        std::uint64_t elements = 1;
        for (const std::uint64_t extent : t.shape) {
            if (extent > limit) too_large();
            if (extent > 1 && elements > limit / extent) too_large();
            elements *= std::max<std::uint64_t>(extent, 1);
        }
        const std::uint64_t blocks =
            std::find(t.shape.begin(), t.shape.end(), 0u) != t.shape.end() ? 0 : elements / t.type.block_size;
        if (blocks > limit / t.type.block_bytes) too_large();
        const std::uint64_t bytes = blocks * t.type.block_bytes;
        if (t.begin > limit || bytes > limit - t.begin) too_large();
        return t.begin + bytes;
    }

    gguf_cursor in_;
    std::size_t nested_ = 0;
};

} // namespace detail

APERTUS_DEFINITION gguf_file::gguf_file(byte_source from) : tensor_file(std::move(from)) {
    detail::gguf_parser parser(detail::gguf_cursor{source()});
    parser.head();
    version_ = parser.version;
    metadata_ = gguf_metadata(std::move(parser.entries), document());
    constexpr std::string_view alignment_key = "general.alignment";
    const std::uint64_t alignment = metadata_.natural(alignment_key).value_or(gguf_default_alignment);
    if (alignment == 0 || (alignment & (alignment - 1)) != 0 || alignment > (std::uint64_t{1} << 31)) {
        metadata_.bad(alignment_key, "a power of two of at most 2147483648", std::to_string(alignment));
    }
    parser.layout(alignment, source().size());
    set_tensors(std::move(parser.tensors));
}

APERTUS_END_NAMESPACE
