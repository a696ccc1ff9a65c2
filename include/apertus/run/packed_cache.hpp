// SPDX-License-Identifier: Apache-2.0
//
// Packed matrices in a file of their own, so that the next load maps them instead of packing again. The file is a
// safetensors file: one U8 tensor [bands of rows, bytes] for each matrix that was turned into another format, and
// "__metadata__" with the version, the source's identity, the formats, for each matrix its format, shape and checksum, and
// a checksum of all that. What the model uses as it is stored stays in the source, which must be there.
//
//     the file is missing, of another version, source or choice of formats    packed again and (re)written
//     it is damaged, or something else than a packed cache                    error(format); it is never replaced
//     it cannot be written (no room, no permission)                           error(io); nothing is left behind
//
// The table is checked at every load, the matrices only on request: reading them all would cost what the file saves.
#pragma once

#include <apertus/core/cancellation.hpp>
#include <apertus/core/error.hpp>
#include <apertus/core/executor.hpp>
#include <apertus/format/formats.hpp>
#include <apertus/io/checksum.hpp>
#include <apertus/io/file.hpp>
#include <apertus/io/safetensors.hpp>
#include <apertus/io/safetensors_writer.hpp>
#include <apertus/model/importance_matrix.hpp>
#include <apertus/model/matrix_converter.hpp>
#include <apertus/model/weight_source.hpp>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail {

/// Goes up when a file of before must not be used any more: another table, other blocks or better packing.
inline constexpr std::string_view packed_cache_version = "2";

[[nodiscard]] inline std::string hex_text(std::uint64_t value) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    for (int shift = 60; shift >= 0; shift -= 4) out += digits[value >> shift & 15U];
    return out;
}

/// What a source is known by: config.json's text, and of every file its name, size, time of change, first and last MiB.
/// (The first has a safetensors header; of a GGUF file it may be all vocabulary, and only the last has weights.)
/// Throws error(io).
[[nodiscard]] inline std::string source_identity(std::string_view config_text, std::span<const std::string> paths) {
    constexpr std::uint64_t most = 1U << 20;
    std::string all = hex_text(checksum(config_text));
    for (const std::string& path : paths) {
        const readable_file file(path);
        const auto part = static_cast<std::size_t>(std::min(most, file.size()));
        std::string ends(2 * part, '\0');
        file.read(0, std::as_writable_bytes(std::span(ends).first(part)));
        file.read(file.size() - part, std::as_writable_bytes(std::span(ends).last(part)));
        all.append("\n").append(path, path.find_last_of("/\\") + 1).append(" ").append(std::to_string(file.size()));
        all.append(" ").append(std::to_string(file.changed())).append(" ").append(hex_text(checksum(ends)));
    }
    return hex_text(checksum(all));
}

/// "int4 16x256 2304 bytes", or "stored".
[[nodiscard]] inline std::string format_text(const format_info* f) {
    if (f == nullptr) return "stored";
    return std::string(f->name) + " " + std::to_string(f->block_rows) + "x" + std::to_string(f->block_size) + " " +
           std::to_string(f->block_bytes) + " bytes";
}

/// A packed cache that is there and fits.
class packed_file {
public:
    struct entry {
        const tensor_entry* stored;
        const format_info* format;
        std::size_t rows;
        std::size_t cols;
        std::uint64_t sum;
    };

    explicit packed_file(safetensors_file file) : file_(std::move(file)) {
        for (const auto& [key, value] : file_.metadata()) {
            if (key.starts_with(tensor_key)) add(std::string_view(key).substr(tensor_key.size()), value);
        }
        if (entries_.size() != file_.tensors().size()) damaged("tensors", "as many as the table has", "others");
        sort_by_name(entries_, name_of, [this](const entry&) { return std::string_view(file_.document()); });
    }

    [[nodiscard]] const safetensors_file& file() const noexcept { return file_; }
    [[nodiscard]] const entry* find(std::string_view name) const noexcept {
        const auto at = find_by_name(entries_, name, name_of);
        return at == entries_.end() ? nullptr : &*at;
    }

    /// Reads everything. Throws error(format) naming the first matrix whose bytes have changed.
    void verify(const any_executor& executor, const cancellation& cancel) const {
        for (const entry& e : entries_) {
            cancel.throw_if_requested("load");
            std::vector<std::byte> copy(file_.zero_copy() ? 0 : static_cast<std::size_t>(e.stored->size_bytes()));
            if (!file_.zero_copy()) file_.read(*e.stored, copy);
            const auto bytes = file_.zero_copy() ? file_.view(*e.stored) : std::span<const std::byte>(copy);
            if (sum_of(bytes, executor) != e.sum) {
                damaged("tensor " + quoted(e.stored->name, 200), "checksum " + hex_text(e.sum), "another");
            }
        }
    }

    /// Of pieces, so that threads share the work.
    [[nodiscard]] static std::uint64_t sum_of(std::span<const std::byte> bytes, const any_executor& executor) {
        constexpr std::size_t piece = std::size_t{1} << 22;
        std::vector<std::uint64_t> sums((bytes.size() + piece - 1) / piece);
        executor.parallel_for(sums.size(), [&](std::size_t i) {
            sums[i] = checksum(bytes.subspan(i * piece, std::min(piece, bytes.size() - i * piece)));
        });
        return checksum(std::as_bytes(std::span(sums)));
    }

    static constexpr std::string_view tensor_key = "matrix ";

private:
    [[nodiscard]] static std::string_view name_of(const entry& e) noexcept { return e.stored->name; }
    [[noreturn]] void damaged(std::string_view thing, std::string_view expected, std::string_view found) const {
        fail(error_category::format, file_.document(), "damaged packed cache (delete it): " + std::string(thing),
             expected, found);
    }
    /// "int4 rows cols checksum"
    void add(std::string_view name, std::string_view text) {
        const auto bad = [&]() {
            damaged("matrix " + quoted(name, 200), "format, rows, columns, checksum", quoted(text));
        };
        const auto word = [&] {
            const std::string_view out = text.substr(0, text.find(' '));
            text.remove_prefix(std::min(text.size(), out.size() + 1));
            return out;
        };
        const auto number = [&](int base) {
            const std::string_view digits = word();
            std::uint64_t value = 0;
            const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
            if (code != std::errc{} || end != digits.data() + digits.size()) bad();
            return value;
        };
        constexpr std::uint64_t most = 1U << 30; // so that no product overflows
        entry e{};
        e.format = find_format(word());
        const std::uint64_t rows = number(10);
        const std::uint64_t cols = number(10);
        e.sum = number(16);
        e.stored = file_.find(name);
        if (e.format == nullptr || rows == 0 || rows > most || cols == 0 || cols > most || !text.empty()) bad();
        e.rows = static_cast<std::size_t>(rows);
        e.cols = static_cast<std::size_t>(cols);
        const std::size_t bytes = e.format->bytes(e.rows, e.cols);
        if (e.stored == nullptr || e.stored->size_bytes() != bytes) {
            damaged("tensor " + quoted(name, 200), std::to_string(bytes) + " bytes",
                    e.stored == nullptr ? "no such tensor" : std::to_string(e.stored->size_bytes()));
        }
        entries_.push_back(e);
    }

    safetensors_file file_;
    std::vector<entry> entries_; // sorted by name
};

/// A source whose packed matrices come from a packed file.
class packed_source final : public weight_source {
public:
    packed_source(const weight_source& base, std::shared_ptr<const packed_file> file)
        : base_(base), file_(std::move(file)) {}

    [[nodiscard]] std::optional<source_tensor> find(std::string_view name) const override {
        const packed_file::entry* const e = file_->find(name);
        if (e == nullptr) return base_.find(name);
        source_tensor out;
        const std::optional<dtype> element = element_type(*e->format);
        if (element) out.type = *element;
        else out.format = e->format;
        out.shape = {e->rows, e->cols};
        out.byte_size = e->stored->size_bytes();
        if (file_->file().zero_copy()) out.bytes = file_->file().view(*e->stored);
        return out;
    }
    void read(std::string_view name, std::span<std::byte> out, std::uint64_t offset) const override {
        const packed_file::entry* const e = file_->find(name);
        if (e == nullptr) base_.read(name, out, offset);
        else file_->file().read(*e->stored, out, offset);
    }
    [[nodiscard]] bool reads_pieces(std::string_view name) const noexcept override {
        return file_->find(name) == nullptr ? base_.reads_pieces(name) : file_->file().reads_side_by_side();
    }
    void done_with(std::string_view name) const noexcept override {
        if (file_->find(name) == nullptr) base_.done_with(name);
    }
    [[nodiscard]] std::vector<std::string> names() const override { return base_.names(); }
    [[nodiscard]] std::string name() const override { return base_.name(); }
    [[nodiscard]] std::shared_ptr<const void> lifetime() const override {
        return std::make_shared<std::pair<std::shared_ptr<const void>, std::shared_ptr<const packed_file>>>(
            base_.lifetime(), file_);
    }

private:
    const weight_source& base_;
    std::shared_ptr<const packed_file> file_;
};

/// The file at `path` for one source and one choice of formats.
class packed_cache {
public:
    packed_cache(std::string path, std::string identity, const weight_choice& choice)
        : path_(std::move(path)), identity_(std::move(identity)),
          formats_("layers " + format_text(choice.layers) + ", head " + format_text(choice.head) + ", embedding " +
                   format_text(choice.embedding)) {
        if (choice.importance != nullptr) formats_ += ", importance " + importance_text(*choice.importance);
    }

    /// The file, or null when it has to be written (again). Throws error(io), and error(format) as said above.
    [[nodiscard]] std::shared_ptr<const packed_file> open(bool use_mmap) const {
        if (!path_exists(path_)) return nullptr;
        safetensors_file file = use_mmap ? safetensors_file::open(path_) : safetensors_file::open_unmapped(path_);
        const std::string* const version = value(file, version_key);
        if (version == nullptr) {
            fail(error_category::format, path_, "packed cache", "a file that this library wrote",
                 "another safetensors file, which is not replaced");
        }
        if (*version != packed_cache_version) return nullptr;
        const std::string* const sum = value(file, sum_key);
        if (sum == nullptr || *sum != table_sum(file.metadata(), file.tensors())) {
            fail(error_category::format, path_, "damaged packed cache (delete it): table",
                 "the checksum of its content", sum == nullptr ? "none" : quoted(*sum));
        }
        const std::string* const source = value(file, source_key);
        const std::string* const formats = value(file, formats_key);
        if (source == nullptr || *source != identity_ || formats == nullptr || *formats != formats_) return nullptr;
        return std::make_shared<const packed_file>(std::move(file));
    }

    /// Throws error(io) or error(cancelled); then a file that was there is still what it was.
    void write(std::vector<named_matrix> matrices, const any_executor& executor, const cancellation& cancel) const {
        // whole lines first, so that every matrix of blocks begins at one
        std::sort(matrices.begin(), matrices.end(), [](const named_matrix& a, const named_matrix& b) {
            const bool ragged_a = a.matrix.bytes() % 64 != 0;
            const bool ragged_b = b.matrix.bytes() % 64 != 0;
            return ragged_a != ragged_b ? ragged_b : a.name < b.name;
        });
        std::vector<std::pair<std::string, std::string>> metadata{
            {std::string(version_key), std::string(packed_cache_version)},
            {std::string(source_key), identity_},
            {std::string(formats_key), formats_}};
        std::vector<memory_tensor> tensors;
        std::vector<tensor_entry> table;
        for (const named_matrix& m : matrices) {
            cancel.throw_if_requested("load");
            const weight_view<any_format>& w = m.matrix;
            const std::span<const std::byte> bytes(w.data, w.bytes());
            metadata.emplace_back(std::string(packed_file::tensor_key) + m.name,
                                  std::string(w.info->name) + " " + std::to_string(w.rows) + " " +
                                      std::to_string(w.cols) + " " + hex_text(packed_file::sum_of(bytes, executor)));
            const std::size_t bands = (w.rows + w.info->block_rows - 1) / w.info->block_rows;
            tensors.push_back({m.name, dtype::u8, {bands, bytes.size() / bands}, bytes});
            table.push_back({m.name, dtype::u8, tensors.back().shape, 0, bytes.size()});
        }
        metadata.emplace_back(sum_key, table_sum(metadata, table));
        write_safetensors(path_, metadata, tensors, cancel);
    }

private:
    static constexpr std::string_view version_key = "apertus packed cache";
    static constexpr std::string_view source_key = "source";
    static constexpr std::string_view formats_key = "formats";
    static constexpr std::string_view sum_key = "checksum";

    /// A checksum of what it says.
    [[nodiscard]] static std::string importance_text(const importance_matrix& importance) {
        std::string all;
        for (const auto& [matrix, values] : importance.mean_squares()) {
            all.append(matrix).append(" ").append(hex_text(checksum(std::as_bytes(std::span(values))))).append("\n");
        }
        return hex_text(checksum(all));
    }
    [[nodiscard]] static const std::string* value(const safetensors_file& file, std::string_view wanted) noexcept {
        for (const auto& [key, text] : file.metadata()) {
            if (key == wanted) return &text;
        }
        return nullptr;
    }
    /// Of everything in the header but itself. (Offsets follow from the sizes and the order.)
    [[nodiscard]] static std::string table_sum(std::span<const std::pair<std::string, std::string>> metadata,
                                               std::span<const tensor_entry> tensors) {
        std::string all;
        const auto add = [&](std::string_view text) {
            all.append(std::to_string(text.size())).append(":").append(text);
        };
        for (const auto& [key, text] : metadata) {
            if (key == sum_key) continue;
            add(key);
            add(text);
        }
        for (const tensor_entry& t : tensors) {
            add(t.name);
            add(to_string(t.dtype));
            add(describe_shape(t.shape));
        }
        return hex_text(checksum(all));
    }

    std::string path_;
    std::string identity_;
    std::string formats_;
};

} // namespace detail

APERTUS_END_NAMESPACE
