// SPDX-License-Identifier: Apache-2.0
//
// The bodies of text/tokenizer.hpp: the tables of a tokenizer and what encode and decode do with them.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/text/added_tokens.hpp>
#include <apertus/text/bpe.hpp>
#include <apertus/text/normalizer.hpp>
#include <apertus/text/pretokenize_steps.hpp>
#include <apertus/text/tokenizer.hpp>
#include <apertus/text/tokenizer_encoding.hpp>
#include <apertus/text/tokenizer_spec.hpp>
#include <apertus/text/utf8.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

APERTUS_BEGIN_NAMESPACE
namespace detail {

/// See tokenizer: what its members say, these do.
class tokenizer_engine {
public:
    explicit tokenizer_engine(tokenizer_spec spec)
        : normalizer_(spec.normalizers), pre_tokenizer_(spec.pre_tokenizers), spec_(std::move(spec)),
          model_(std::move(spec_.model), pre_tokenizer_.byte_level()) {
        enter_added_tokens();
        check_template();
    }

    [[nodiscard]] std::vector<std::int32_t> encode(std::string_view text, const encode_options& options) const {
        std::string storage;
        text = checked(text, storage);
        std::vector<std::int32_t> ids;
        encode_between_specials(text, options.untrusted ? trust{{}, false} : trust{}, options.add_special_tokens, ids);
        return ids;
    }

    [[nodiscard]] std::vector<std::int32_t> encode_segments(std::span<const text_segment> segments,
                                                            const encode_options& options) const {
        std::string text;
        trust trusted{{}, false};
        for (const text_segment& segment : segments) {
            const std::size_t begin = text.size();
            append_utf8_lossy(text, segment.text);
            if (!segment.trusted || options.untrusted) continue;
            if (!trusted.ranges.empty() && trusted.ranges.back().end == begin) {
                trusted.ranges.back().end = text.size();
            } else {
                trusted.ranges.push_back({begin, text.size()});
            }
        }
        check_size(text);
        std::vector<std::int32_t> ids;
        encode_between_specials(text, trusted, options.add_special_tokens, ids);
        return ids;
    }

    [[nodiscard]] encoding encode_with_offsets(std::string_view text, const encode_options& options,
                                               offset_unit unit) const {
        std::vector<encoding> sequences;
        sequences.push_back(encode_sequence(text, 0, options, unit));
        return post_process(spec_.post_processors, std::move(sequences), options.add_special_tokens);
    }

    [[nodiscard]] encoding encode_pair(std::string_view first, std::string_view second, const encode_options& options,
                                       offset_unit unit) const {
        std::vector<encoding> sequences;
        sequences.push_back(encode_sequence(first, 0, options, unit));
        sequences.push_back(encode_sequence(second, 1, options, unit));
        return post_process(spec_.post_processors, std::move(sequences), options.add_special_tokens);
    }

    [[nodiscard]] std::string decode(std::span<const std::int32_t> ids, const decode_options& options) const {
        std::string bytes;
        bool first = true;
        for (const std::int32_t id : ids) append_token_bytes(bytes, id, options, first);
        if (is_valid_utf8(bytes)) return bytes;
        std::string text;
        append_utf8_lossy(text, bytes);
        return text;
    }

    [[nodiscard]] std::optional<std::int32_t> token_to_id(std::string_view token) const {
        if (const auto found = added_ids_.find(std::string(token)); found != added_ids_.end()) return found->second;
        const std::int32_t id = model_.token_to_id(token);
        return id >= 0 ? std::optional<std::int32_t>(id) : std::nullopt;
    }
    [[nodiscard]] std::optional<std::string_view> id_to_token(std::int32_t id) const {
        if (const entry* e = find(id); e != nullptr && e->added >= 0)
            return normal_text_[static_cast<std::size_t>(e->added)];
        return model_.contains(id) ? std::optional<std::string_view>(model_.id_to_token(id)) : std::nullopt;
    }

    [[nodiscard]] std::size_t vocab_size() const noexcept { return size_; }
    [[nodiscard]] std::int32_t id_limit() const noexcept { return static_cast<std::int32_t>(entries_.size()); }

    [[nodiscard]] std::optional<std::int32_t> bos_token_id() const { return named(spec_.bos_token); }
    [[nodiscard]] std::optional<std::int32_t> eos_token_id() const { return named(spec_.eos_token); }
    [[nodiscard]] std::optional<std::int32_t> pad_token_id() const { return named(spec_.pad_token); }
    [[nodiscard]] std::optional<std::int32_t> unk_token_id() const { return named(spec_.unk_token); }

    [[nodiscard]] bool is_special(std::int32_t id) const noexcept {
        const entry* e = find(id);
        return e != nullptr && e->special;
    }
    [[nodiscard]] bool is_control(std::int32_t id) const noexcept {
        const entry* e = find(id);
        return e != nullptr && e->control;
    }

    [[nodiscard]] std::size_t template_size() const noexcept { return before_.size() + after_.size(); }
    [[nodiscard]] std::size_t template_prefix_size() const noexcept { return before_.size(); }

    [[nodiscard]] const tokenizer_spec& spec() const noexcept { return spec_; }

    /// Appends what `id` decodes to, before the repair of UTF-8. `first` is true until a token has been written.
    void append_token_bytes(std::string& out, std::int32_t id, const decode_options& options, bool& first) const {
        const entry* e = find(id);
        const bool added = e != nullptr && e->added >= 0;
        if (!added && !model_.contains(id)) return;
        if (options.skip_special_tokens && e->special) return;
        if (spec_.decoder == decoder_kind::byte_level && !added && model_.byte_level()) {
            out.append(model_.decoded(id));
            return;
        }
        const std::string_view token =
            added ? std::string_view(normal_text_[static_cast<std::size_t>(e->added)]) : model_.id_to_token(id);
        if (spec_.decoder == decoder_kind::byte_level) {
            if (!append_alphabet_bytes(out, token)) out.append(token);
            return;
        }
        if (spec_.decoder == decoder_kind::none && !first) out += ' ';
        first = false;
        out.append(token);
    }

private:
    static constexpr std::string_view component = "tokenizer";

    /// Where special tokens may match: everywhere, or inside `ranges` (ascending, disjoint).
    struct trust {
        std::vector<origin_range> ranges;
        bool everywhere = true;

        [[nodiscard]] bool covers(std::size_t begin, std::size_t end) const {
            if (everywhere) return true;
            const auto after = std::upper_bound(ranges.begin(), ranges.end(), begin,
                                                [](std::size_t at, const origin_range& r) { return at < r.begin; });
            return after != ranges.begin() && end <= std::prev(after)->end;
        }
    };
    /// What is known of an id.
    struct entry {
        std::int32_t added = -1; ///< index of the added token, or -1
        bool special = false, control = false;
    };

    [[nodiscard]] const entry* find(std::int32_t id) const noexcept {
        return id >= 0 && static_cast<std::size_t>(id) < entries_.size() ? &entries_[static_cast<std::size_t>(id)]
                                                                         : nullptr;
    }
    [[nodiscard]] std::optional<std::int32_t> named(const std::optional<std::string>& token) const {
        return token ? token_to_id(*token) : std::nullopt;
    }
    static void check_size(std::string_view text) {
        if (text.size() >= 0xFFFFFFFFu) {
            fail(error_category::resource, component, "text to encode", "less than 4 GiB",
                 std::to_string(text.size()) + " bytes");
        }
    }
    [[nodiscard]] static std::string_view checked(std::string_view text, std::string& storage) {
        check_size(text);
        return utf8_repaired(text, storage);
    }

    /// As Hugging Face adds the tokens of tokenizer.json: the vocabulary's id where it has the token, else the next free one.
    void enter_added_tokens() {
        const std::vector<added_token>& added = spec_.added_tokens;
        auto next_id = static_cast<std::int64_t>(model_.size());
        entries_.resize(static_cast<std::size_t>(model_.id_limit()));
        size_ = model_.size();
        std::unordered_map<std::string, bool> special_texts;
        for (std::size_t i = 0; i < added.size(); ++i) {
            std::int32_t id = -1;
            if (added[i].content.empty()) { // ignored, as Hugging Face does
                token_ids_.push_back(-1);
                normal_text_.emplace_back();
                continue;
            }
            if (const auto known = token_to_id(added[i].content)) {
                id = *known;
            } else {
                id = static_cast<std::int32_t>(next_id++);
                ++size_;
            }
            if (added[i].id >= 0 && added[i].id != id) {
                fail(error_category::tokenizer, component, "added_tokens: id of " + quoted(added[i].content),
                     std::to_string(id) + " (from the vocabulary, or the next free id)", std::to_string(added[i].id));
            }
            if (static_cast<std::size_t>(id) >= entries_.size()) entries_.resize(static_cast<std::size_t>(id) + 1);
            added_ids_[added[i].content] = id;
            entries_[static_cast<std::size_t>(id)].added = static_cast<std::int32_t>(i);
            token_ids_.push_back(id);
            normal_text_.push_back(added[i].normalized ? normalizer_(added[i].content) : added[i].content);
            if (added[i].special) special_texts[added[i].content] = true;
        }
        std::vector<added_token_matcher::pattern> raw, normalized;
        std::vector<std::int32_t> control;
        for (std::size_t id = 0; id < entries_.size(); ++id) {
            entry& e = entries_[id];
            if (e.added < 0) continue;
            const auto index = static_cast<std::size_t>(e.added);
            (added[index].normalized ? normalized : raw).push_back({normal_text_[index], index});
            e.special = special_texts.contains(normal_text_[index]);
            e.control = added[index].special && !model_.is_symbol(static_cast<std::int32_t>(id));
            if (e.control) control.push_back(static_cast<std::int32_t>(id));
            special_normalized_ = special_normalized_ || (added[index].normalized && added[index].special);
        }
        raw_ = added_token_matcher(std::move(raw));
        normalized_ = added_token_matcher(std::move(normalized));
        model_.forbid(control);
    }

    void check_template() {
        const template_step* found = nullptr;
        for (const post_processor_step& step : spec_.post_processors) {
            const auto* pieces = std::get_if<template_step>(&step);
            if (pieces == nullptr) continue;
            if (found != nullptr)
                fail(error_category::tokenizer, component, "post_processor", "at most one template", "two");
            found = pieces;
            const auto uses_b = [](const template_piece& piece) { return piece.kind == template_piece::sequence_b; };
            if (std::any_of(pieces->single.begin(), pieces->single.end(), uses_b)) {
                fail(error_category::tokenizer, component, "post_processor: template for one sequence",
                     "sequence A only", "sequence B");
            }
        }
        if (found == nullptr) {
            template_sequences_ = 1;
            return;
        }
        for (const template_piece& piece : found->single) {
            if (piece.kind == template_piece::sequence_a) {
                ++template_sequences_;
            } else {
                auto& side = template_sequences_ == 0 ? before_ : after_;
                side.insert(side.end(), piece.ids.begin(), piece.ids.end());
            }
        }
    }

    /// Appends the ids of valid `text`, with what the template puts around it.
    void encode_between_specials(std::string_view text, const trust& trusted, bool add_special_tokens,
                                 std::vector<std::int32_t>& ids) const {
        if (template_sequences_ != 1) { // a template without the text, or with several copies of it
            std::vector<std::int32_t> text_ids;
            encode_text(text, trusted, text_ids);
            for (const post_processor_step& step : spec_.post_processors) {
                const auto* pieces = std::get_if<template_step>(&step);
                if (pieces == nullptr) continue;
                for (const template_piece& piece : pieces->single) {
                    const bool special = piece.kind == template_piece::special;
                    const auto& part = special ? piece.ids : text_ids;
                    if (!special || add_special_tokens) ids.insert(ids.end(), part.begin(), part.end());
                }
            }
            return;
        }
        ids.reserve(text.size() / 3 + before_.size() + after_.size() + 4);
        if (add_special_tokens) ids.insert(ids.end(), before_.begin(), before_.end());
        encode_text(text, trusted, ids);
        if (add_special_tokens) ids.insert(ids.end(), after_.begin(), after_.end());
    }

    /// A predicate for added_token_matcher: whether a token may match at a place, whose original range is origin(begin, end).
    template <class Origin> [[nodiscard]] auto allowed_in(const trust& trusted, Origin origin) const {
        return [this, &trusted, origin](std::size_t index, std::size_t begin, std::size_t end) {
            if (trusted.everywhere || !spec_.added_tokens[index].special) return true;
            const origin_range range = origin(begin, end);
            return trusted.covers(range.begin, range.end);
        };
    }

    void encode_text(std::string_view text, const trust& trusted, std::vector<std::int32_t>& ids) const {
        bpe_model::scratch scratch;
        const auto pieces = [&](std::string_view part) {
            pre_tokenizer_.split(part, [&](std::string_view piece, std::size_t, bool) {
                model_.encode(piece, !trusted.everywhere, scratch, ids);
            });
        };
        const auto token = [&](std::size_t index, std::size_t, std::size_t) { ids.push_back(token_ids_[index]); };
        raw_.split(
            text, spec_.added_tokens,
            allowed_in(trusted, [](std::size_t begin, std::size_t end) { return origin_range{begin, end}; }),
            [&](std::size_t begin, std::size_t end) {
                const std::string_view part = text.substr(begin, end - begin);
                if (normalizer_.empty() && normalized_.empty()) return pieces(part);
                if (normalizer_.empty()) {
                    const auto origin = [&](std::size_t b, std::size_t e) {
                        return origin_range{begin + b, begin + e};
                    };
                    normalized_.split(
                        part, spec_.added_tokens, allowed_in(trusted, origin),
                        [&](std::size_t b, std::size_t e) { pieces(part.substr(b, e - b)); }, token);
                    return;
                }
                aligned_text normal(part, begin, !trusted.everywhere && special_normalized_);
                normalizer_.apply(normal);
                const auto origin = [&](std::size_t b, std::size_t e) { return normal.range(b, e); };
                normalized_.split(
                    normal.text, spec_.added_tokens, allowed_in(trusted, origin),
                    [&](std::size_t b, std::size_t e) { pieces(std::string_view(normal.text).substr(b, e - b)); },
                    token);
            },
            token);
    }

    /// One sequence with tokens and offsets, before the post-processors.
    [[nodiscard]] encoding encode_sequence(std::string_view text, std::int32_t type_id, const encode_options& options,
                                           offset_unit unit) const {
        std::string storage;
        text = checked(text, storage);
        const trust trusted = options.untrusted ? trust{{}, false} : trust{};
        const std::optional<codepoint_index> index =
            unit == offset_unit::codepoints ? std::optional<codepoint_index>(text) : std::nullopt;
        encoding out;
        bpe_model::scratch scratch;
        const auto put = [&](std::int32_t id, std::string_view spelling, origin_range range) {
            out.ids.push_back(id);
            out.tokens.emplace_back(spelling);
            out.offsets.push_back(index ? (*index)(range.begin, range.end) : std::pair(range.begin, range.end));
        };
        raw_.split(
            text, spec_.added_tokens,
            allowed_in(trusted, [](std::size_t begin, std::size_t end) { return origin_range{begin, end}; }),
            [&](std::size_t begin, std::size_t end) {
                aligned_text normal(text.substr(begin, end - begin), begin, true);
                normalizer_.apply(normal);
                const auto origin = [&](std::size_t b, std::size_t e) { return normal.range(b, e); };
                normalized_.split(
                    normal.text, spec_.added_tokens, allowed_in(trusted, origin),
                    [&](std::size_t b, std::size_t e) { put_pieces(normal, b, e, options.untrusted, scratch, put); },
                    [&](std::size_t token, std::size_t b, std::size_t e) {
                        put(token_ids_[token], std::string_view(normal.text).substr(b, e - b), normal.range(b, e));
                    });
            },
            [&](std::size_t token, std::size_t begin, std::size_t end) {
                put(token_ids_[token], text.substr(begin, end - begin), {begin, end});
            });
        out.type_ids.assign(out.size(), type_id);
        out.special_tokens_mask.assign(out.size(), 0);
        return out;
    }

    /// The tokens of bytes begin..end of normalized text.
    template <class Put>
    void put_pieces(const aligned_text& normal, std::size_t begin, std::size_t end, bool untrusted,
                    bpe_model::scratch& scratch, const Put& put) const {
        std::vector<std::int32_t> ids;
        std::vector<std::uint32_t> sizes;
        std::vector<origin_range> origin; // of each byte of the piece as spelled
        pre_tokenizer_.split(
            std::string_view(normal.text).substr(begin, end - begin),
            [&](std::string_view piece, std::size_t at, bool inserted) {
                ids.clear();
                sizes.clear();
                origin.clear();
                model_.encode(piece, untrusted, scratch, ids, &sizes);
                std::size_t from = begin + at;
                for (std::size_t i = 0; i < piece.size(); ++i) {
                    origin.insert(origin.end(), model_.byte_level() ? alphabet_size(piece[i]) : 1, normal.origin[from]);
                    if (i != 0 || !inserted) ++from;
                }
                std::size_t done = 0;
                for (std::size_t i = 0; i < ids.size(); ++i) {
                    const std::size_t stop = std::min(done + sizes[i], origin.size());
                    put(ids[i], model_.id_to_token(ids[i]), {origin[done].begin, origin[stop - 1].end});
                    done = std::min(stop, origin.size() - 1);
                }
            });
    }

    normalizer normalizer_;
    pre_tokenizer pre_tokenizer_;
    tokenizer_spec spec_;
    bpe_model model_;
    std::vector<std::int32_t> token_ids_;  ///< by added token
    std::vector<std::string> normal_text_; ///< by added token: its text, normalized if it asks for that
    std::unordered_map<std::string, std::int32_t> added_ids_; ///< by text
    std::vector<entry> entries_;                              ///< by id
    added_token_matcher raw_, normalized_;
    bool special_normalized_ = false; ///< some special token is matched after normalisation
    std::size_t size_ = 0;
    std::vector<std::int32_t> before_, after_; ///< what the template puts around one sequence
    std::size_t template_sequences_ = 0;       ///< how often the template for one sequence has the sequence
};

} // namespace detail

APERTUS_DEFINITION tokenizer::tokenizer(tokenizer_spec spec)
    : engine_(std::make_shared<const detail::tokenizer_engine>(std::move(spec))) {}

APERTUS_DEFINITION std::vector<std::int32_t> tokenizer::encode(std::string_view text,
                                                               const encode_options& options) const {
    return engine_->encode(text, options);
}
APERTUS_DEFINITION std::vector<std::int32_t> tokenizer::encode_segments(std::span<const text_segment> segments,
                                                                        const encode_options& options) const {
    return engine_->encode_segments(segments, options);
}
APERTUS_DEFINITION encoding tokenizer::encode_with_offsets(std::string_view text, const encode_options& options,
                                                           offset_unit unit) const {
    return engine_->encode_with_offsets(text, options, unit);
}
APERTUS_DEFINITION encoding tokenizer::encode_pair(std::string_view first, std::string_view second,
                                                   const encode_options& options, offset_unit unit) const {
    return engine_->encode_pair(first, second, options, unit);
}
APERTUS_DEFINITION std::string tokenizer::decode(std::span<const std::int32_t> ids,
                                                 const decode_options& options) const {
    return engine_->decode(ids, options);
}
APERTUS_DEFINITION std::vector<std::string>
tokenizer::batch_decode(std::span<const std::vector<std::int32_t>> sequences, const decode_options& options) const {
    std::vector<std::string> out;
    out.reserve(sequences.size());
    for (const auto& ids : sequences) out.push_back(engine_->decode(ids, options));
    return out;
}
APERTUS_DEFINITION std::optional<std::int32_t> tokenizer::token_to_id(std::string_view token) const {
    return engine_->token_to_id(token);
}
APERTUS_DEFINITION std::optional<std::string_view> tokenizer::id_to_token(std::int32_t id) const {
    return engine_->id_to_token(id);
}
APERTUS_DEFINITION std::size_t tokenizer::vocab_size() const noexcept { return engine_->vocab_size(); }
APERTUS_DEFINITION std::int32_t tokenizer::id_limit() const noexcept { return engine_->id_limit(); }
APERTUS_DEFINITION std::optional<std::int32_t> tokenizer::bos_token_id() const { return engine_->bos_token_id(); }
APERTUS_DEFINITION std::optional<std::int32_t> tokenizer::eos_token_id() const { return engine_->eos_token_id(); }
APERTUS_DEFINITION std::optional<std::int32_t> tokenizer::pad_token_id() const { return engine_->pad_token_id(); }
APERTUS_DEFINITION std::optional<std::int32_t> tokenizer::unk_token_id() const { return engine_->unk_token_id(); }
APERTUS_DEFINITION bool tokenizer::is_special(std::int32_t id) const noexcept { return engine_->is_special(id); }
APERTUS_DEFINITION bool tokenizer::is_control(std::int32_t id) const noexcept { return engine_->is_control(id); }
APERTUS_DEFINITION std::size_t tokenizer::template_size() const noexcept { return engine_->template_size(); }
APERTUS_DEFINITION std::size_t tokenizer::template_prefix_size() const noexcept {
    return engine_->template_prefix_size();
}
APERTUS_DEFINITION const tokenizer_spec& tokenizer::spec() const noexcept { return engine_->spec(); }
APERTUS_DEFINITION void tokenizer::append_token_bytes(std::string& out, std::int32_t id, const decode_options& options,
                                                      bool& first) const {
    engine_->append_token_bytes(out, id, options, first);
}

APERTUS_END_NAMESPACE
