// SPDX-License-Identifier: Apache-2.0
//
// The BPE model: pieces of text -> token ids, exactly as Hugging Face tokenizers' BPE.
// Byte-level models keep their vocabulary twice: as spelled in the file (GPT-2 alphabet) and as the bytes that it stands for,
// so that encoding works on the text itself and the spelling is never produced.
// Not supported, refused by the JSON reader: dropout, continuing_subword_prefix, end_of_word_suffix.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/text/bpe_alphabet.hpp>
#include <apertus/text/bpe_cache.hpp>
#include <apertus/text/bpe_merge.hpp>
#include <apertus/text/bpe_tables.hpp>
#include <apertus/text/tokenizer_spec.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

/// Immutable after construction; const members may be called from several threads at once, each with its own scratch.
class bpe_model {
public:
    /// Working memory of an encode call.
    using scratch = detail::merge_scratch;

    bpe_model() = default;

    /// Throws error(tokenizer) when the vocabulary or the merges contradict themselves.
    bpe_model(bpe_spec spec, bool byte_level) : spec_(std::move(spec)), byte_level_(byte_level) {
        enter_vocabulary();
        enter_merges();
        enter_alphabet();
        forbidden_.assign(spelled_.size(), 0);
        cache_ = detail::piece_cache(cache_slots);
        settled_ = std::make_unique<std::atomic<std::uint8_t>[]>(spec_.ignore_merges ? 1 : spelled_.size());
    }

    /// The number of tokens of the model (without added tokens); ids may be larger.
    [[nodiscard]] std::size_t size() const noexcept { return spec_.vocab.size(); }
    /// One more than the largest id.
    [[nodiscard]] std::int32_t id_limit() const noexcept { return static_cast<std::int32_t>(spelled_.size()); }
    [[nodiscard]] bool byte_level() const noexcept { return byte_level_; }

    /// The id of a token as spelled in the file, or -1.
    [[nodiscard]] std::int32_t token_to_id(std::string_view token) const {
        if (!byte_level_) return find_bytes(token);
        std::string bytes;
        return detail::append_alphabet_bytes(bytes, token) ? find_bytes(bytes) : find_other(token);
    }
    /// Whether `id` is a token of the model.
    [[nodiscard]] bool contains(std::int32_t id) const noexcept {
        return id >= 0 && id < id_limit() && present_[static_cast<std::size_t>(id)] != absent;
    }
    /// A token as spelled in the file; empty when there is none.
    [[nodiscard]] std::string_view id_to_token(std::int32_t id) const {
        return contains(id) ? spec_.text(spelled_[static_cast<std::size_t>(id)]) : std::string_view();
    }
    /// Whether `id` is a single symbol of the base alphabet: a byte (byte-level) or a character.
    [[nodiscard]] bool is_symbol(std::int32_t id) const {
        if (!contains(id) || present_[static_cast<std::size_t>(id)] != matchable) return false;
        const std::string_view bytes = bytes_of(id);
        return !bytes.empty() && bytes.size() == (byte_level_ ? 1 : utf8_size(bytes[0]));
    }

    /// The bytes that a token stands for; of a token that no text can become, its spelling. `id` must be a token.
    [[nodiscard]] std::string_view decoded(std::int32_t id) const {
        return present_[static_cast<std::size_t>(id)] == matchable ? bytes_of(id) : id_to_token(id);
    }

    /// Marks ids that untrusted text must never become; see encode. Symbols of the base alphabet cannot be forbidden.
    void forbid(const std::vector<std::int32_t>& ids) {
        forbidden_.assign(spelled_.size(), 0);
        for (const std::int32_t id : ids) {
            if (contains(id) && !is_symbol(id)) forbidden_[static_cast<std::size_t>(id)] = 1;
        }
    }

    /// Appends the ids of one piece. With `untrusted`, forbidden ids are not produced: the piece is left in smaller tokens.
    /// `sizes`, if given, gets for each id the number of bytes of the piece, as spelled, that Hugging Face counts for it.
    void encode(std::string_view piece, bool untrusted, scratch& s, std::vector<std::int32_t>& out,
                std::vector<std::uint32_t>* sizes = nullptr) const {
        const std::uint64_t hash = pieces_.hash(piece);
        const std::int32_t whole = pieces_.find(piece, hash, [this](std::int32_t id) { return bytes_of(id); });
        if (whole >= 0 && !(untrusted && forbidden_[static_cast<std::size_t>(whole)] != 0) &&
            (spec_.ignore_merges || is_settled(whole, s))) {
            out.push_back(whole);
            if (sizes != nullptr) sizes->push_back(spelled_[static_cast<std::size_t>(whole)].size);
            return;
        }
        const bool cacheable = !untrusted && sizes == nullptr;
        if (cacheable && cache_.find(piece, hash, out)) return;
        s.sizes.clear();
        const bool simple = start_simple(piece, s.symbols);
        if (!simple) {
            start_general(piece, s);
            if (sizes == nullptr) s.sizes.clear();
        }
        merge(simple && all_bytes_ ? piece : std::string_view(), untrusted, s);
        out.insert(out.end(), s.symbols.begin(), s.symbols.end());
        if (cacheable) cache_.store(piece, hash, s.symbols);
        if (sizes == nullptr) return;
        if (!simple) {
            sizes->insert(sizes->end(), s.sizes.begin(), s.sizes.end());
        } else {
            for (const std::int32_t id : s.symbols) sizes->push_back(spelled_[static_cast<std::size_t>(id)].size);
        }
    }

private:
    enum presence : std::uint8_t { absent, matchable, unmatchable };
    static constexpr std::string_view component = "tokenizer";
    static constexpr std::size_t cache_slots = std::size_t{1} << 15; ///< 2 MiB

    [[nodiscard]] std::string_view bytes_of(std::int32_t id) const noexcept {
        const text_ref ref = bytes_[static_cast<std::size_t>(id)];
        return std::string_view(byte_level_ ? arena_ : spec_.arena).substr(ref.offset, ref.size);
    }
    [[nodiscard]] std::int32_t find_bytes(std::string_view bytes) const noexcept {
        return pieces_.find(bytes, [this](std::int32_t id) { return bytes_of(id); });
    }
    [[nodiscard]] std::int32_t find_other(std::string_view token) const noexcept {
        return others_.find(token, [this](std::int32_t id) { return id_to_token(id); });
    }

    void enter_vocabulary() {
        const std::size_t count = spec_.vocab.size();
        const std::size_t id_bound = (std::size_t{1} << 20) + 8 * count; // ids may have holes, but not absurd ones
        std::size_t limit = 0;
        for (const bpe_spec::entry& entry : spec_.vocab) {
            if (entry.id < 0 || static_cast<std::size_t>(entry.id) >= id_bound) {
                fail(error_category::tokenizer, component, "id of token " + quoted(spec_.text(entry.token)),
                     "0 to " + std::to_string(id_bound - 1) + " for " + std::to_string(count) + " tokens",
                     std::to_string(entry.id));
            }
            limit = std::max(limit, static_cast<std::size_t>(entry.id) + 1);
        }
        spelled_.resize(limit);
        bytes_.resize(limit);
        present_.assign(limit, absent);
        seed_ = detail::hash_bytes(spec_.arena, 0x5851F42D4C957F2Du);
        if (byte_level_) arena_.reserve(spec_.arena.size());
        std::size_t unmatched = 0;
        std::vector<std::uint64_t> hashes; // of what each entry is found by
        hashes.reserve(count);
        for (const bpe_spec::entry& entry : spec_.vocab) {
            const auto id = static_cast<std::size_t>(entry.id);
            const std::string_view token = spec_.text(entry.token);
            if (present_[id] != absent) {
                fail(error_category::tokenizer, component, "vocabulary: id " + std::to_string(entry.id), "one token",
                     quoted(id_to_token(entry.id)) + " and " + quoted(token));
            }
            spelled_[id] = entry.token;
            present_[id] = matchable;
            if (byte_level_) {
                bytes_[id].offset = static_cast<std::uint32_t>(arena_.size());
                if (!detail::append_alphabet_bytes(arena_, token)) present_[id] = unmatchable;
                bytes_[id].size = static_cast<std::uint32_t>(arena_.size() - bytes_[id].offset);
                unmatched += present_[id] == unmatchable ? 1 : 0;
            } else {
                bytes_[id] = entry.token;
            }
            hashes.push_back(detail::hash_bytes(present_[id] == matchable ? bytes_of(entry.id) : token, seed_));
        }
        pieces_ = detail::token_table(count - unmatched, seed_);
        others_ = detail::token_table(unmatched, seed_);
        constexpr std::size_t ahead = 16;
        for (std::size_t i = 0; i < count; ++i) {
            if (i + ahead < count) pieces_.prefetch(hashes[i + ahead]);
            const bpe_spec::entry& entry = spec_.vocab[i];
            const bool entered = present_[static_cast<std::size_t>(entry.id)] == matchable
                                     ? pieces_.insert(bytes_of(entry.id), hashes[i], entry.id,
                                                      [this](std::int32_t id) { return bytes_of(id); })
                                     : others_.insert(spec_.text(entry.token), hashes[i], entry.id,
                                                      [this](std::int32_t id) { return id_to_token(id); });
            if (!entered) {
                fail(error_category::tokenizer, component, "vocabulary: token " + quoted(spec_.text(entry.token)),
                     "one entry", "two");
            }
        }
    }

    [[nodiscard]] std::int32_t merge_operand(std::string_view token, std::size_t index) const {
        const std::int32_t id = token_to_id(token);
        if (id < 0) {
            fail(error_category::tokenizer, component, "merges[" + std::to_string(index) + "]",
                 "tokens of the vocabulary", quoted(token));
        }
        return id;
    }

    /// The merges go through in blocks, so that the cache misses of a block's look-ups overlap.
    void enter_merges() {
        struct operands {
            std::size_t begin = 0, middle = 0, end = 0;    // in `bytes`; all equal when they are no byte strings
            std::uint64_t left = 0, right = 0, joined = 0; // hashes
        };
        constexpr std::size_t block = 32;
        const std::size_t count = spec_.merges.size();
        merges_ = detail::merge_table(count, seed_);
        const auto text_of = [this](std::int32_t id) { return bytes_of(id); };
        std::array<operands, block> waiting;
        std::array<std::array<std::int32_t, 3>, block> ids;
        std::string bytes, spelling; // reused: a merge costs no allocation
        for (std::size_t base = 0; base < count; base += block) {
            const std::size_t size = std::min(block, count - base);
            bytes.clear();
            for (std::size_t i = 0; i < size; ++i) {
                operands& w = waiting[i];
                w.begin = w.middle = w.end = bytes.size();
                if (!byte_level_ || !detail::append_alphabet_bytes(bytes, spec_.text(spec_.merges[base + i].left))) {
                    continue;
                }
                const std::size_t middle = bytes.size();
                if (!detail::append_alphabet_bytes(bytes, spec_.text(spec_.merges[base + i].right))) continue;
                w.middle = middle;
                w.end = bytes.size();
            }
            const std::string_view all = bytes;
            for (operands& w : std::span(waiting).first(size)) {
                if (w.begin == w.end) continue;
                pieces_.prefetch(w.left = pieces_.hash(all.substr(w.begin, w.middle - w.begin)));
                pieces_.prefetch(w.right = pieces_.hash(all.substr(w.middle, w.end - w.middle)));
                pieces_.prefetch(w.joined = pieces_.hash(all.substr(w.begin, w.end - w.begin)));
            }
            for (std::size_t i = 0; i < size; ++i) {
                const operands& w = waiting[i];
                auto& [left, right, made] = ids[i];
                left = right = made = -1;
                if (w.begin != w.end) {
                    left = pieces_.find(all.substr(w.begin, w.middle - w.begin), w.left, text_of);
                    right = pieces_.find(all.substr(w.middle, w.end - w.middle), w.right, text_of);
                    made = pieces_.find(all.substr(w.begin, w.end - w.begin), w.joined, text_of);
                }
                const std::string_view left_token = spec_.text(spec_.merges[base + i].left);
                const std::string_view right_token = spec_.text(spec_.merges[base + i].right);
                if (left < 0) left = merge_operand(left_token, base + i);
                if (right < 0) right = merge_operand(right_token, base + i);
                if (made < 0) {
                    spelling.assign(left_token).append(right_token);
                    made = merge_operand(spelling, base + i);
                }
                merges_.prefetch(left, right);
            }
            for (std::size_t i = 0; i < size; ++i) {
                const auto& [left, right, made] = ids[i];
                merges_.insert(left, right, {static_cast<std::uint32_t>(base + i), made});
            }
        }
        std::vector<bpe_spec::merge>().swap(spec_.merges);
        rank_limit_ = count;
    }

    void enter_alphabet() {
        byte_ids_.fill(-1);
        all_bytes_ = byte_level_;
        if (byte_level_) {
            for (std::size_t b = 0; b < 256; ++b) {
                const char byte = static_cast<char>(static_cast<unsigned char>(b));
                byte_ids_[b] = find_bytes(std::string_view(&byte, 1));
                all_bytes_ = all_bytes_ && byte_ids_[b] >= 0;
            }
            byte_pair_ranks_.assign(std::size_t{256} * 256, detail::no_rank);
            for (std::size_t a = 0; a < 256; ++a) {
                for (std::size_t b = 0; b < 256; ++b) {
                    if (byte_ids_[a] < 0 || byte_ids_[b] < 0) continue;
                    byte_pair_ranks_[a * 256 + b] = merges_.find(byte_ids_[a], byte_ids_[b]).rank;
                }
            }
        }
        if (spec_.unk_token) unk_id_ = token_to_id(*spec_.unk_token);
        if (spec_.byte_fallback) {
            for (unsigned b = 0; b < 256; ++b) {
                char name[8];
                std::snprintf(name, sizeof name, "<0x%02X>", b);
                fallback_ids_[b] = token_to_id(name);
            }
        }
    }

    /// Symbols of a piece whose every symbol is in the vocabulary; false when one is not.
    [[nodiscard]] bool start_simple(std::string_view piece, std::vector<std::int32_t>& symbols) const {
        symbols.clear();
        if (byte_level_) {
            symbols.resize(piece.size());
            if (all_bytes_) {
                for (std::size_t i = 0; i < piece.size(); ++i)
                    symbols[i] = byte_ids_[static_cast<unsigned char>(piece[i])];
                return true;
            }
            for (std::size_t i = 0; i < piece.size(); ++i) {
                symbols[i] = byte_ids_[static_cast<unsigned char>(piece[i])];
                if (symbols[i] < 0) return false;
            }
            return true;
        }
        for (std::size_t i = 0; i < piece.size();) {
            const std::size_t size = utf8_size(piece[i]);
            const std::int32_t id = find_bytes(piece.substr(i, size));
            if (id < 0) return false;
            symbols.push_back(id);
            i += size;
        }
        return true;
    }

    /// The general case, step by step as Hugging Face's merge_word: unknown symbols become byte tokens, or the unknown token
    /// (fused or not), or nothing. s.sizes gets the sizes. A pending unknown token is not written before byte tokens: theirs, too.
    void start_general(std::string_view piece, scratch& s) const {
        s.symbols.clear();
        s.sizes.clear();
        const auto put = [&](std::int32_t id, std::uint32_t size) {
            s.symbols.push_back(id);
            s.sizes.push_back(size);
        };
        std::uint32_t pending_size = 0; // of the unknown token that waits to be written; 0 when none
        std::string spelling;
        for (std::size_t i = 0; i < piece.size();) {
            const std::size_t size = byte_level_ ? 1 : utf8_size(piece[i]);
            const std::string_view symbol = piece.substr(i, size);
            i += size;
            spelling.assign(byte_level_ ? std::string_view() : symbol);
            if (byte_level_) detail::append_alphabet_text(spelling, symbol);
            const auto spelled_size = static_cast<std::uint32_t>(spelling.size());
            if (const std::int32_t id = find_bytes(symbol); id >= 0) {
                if (pending_size != 0) put(unk_id_, std::exchange(pending_size, 0u));
                put(id, spelled_size);
                continue;
            }
            if (spec_.byte_fallback) {
                bool all = true;
                for (const char c : spelling) all = all && fallback_ids_[static_cast<unsigned char>(c)] >= 0;
                if (all) {
                    for (const char c : spelling) put(fallback_ids_[static_cast<unsigned char>(c)], 1);
                    continue;
                }
            }
            if (!spec_.unk_token) continue;
            if (unk_id_ < 0) {
                fail(error_category::tokenizer, component, "unk_token", "a token of the vocabulary",
                     quoted(*spec_.unk_token));
            }
            if (pending_size != 0 && !spec_.fuse_unk) put(unk_id_, std::exchange(pending_size, 0u));
            pending_size += spelled_size;
        }
        if (pending_size != 0) put(unk_id_, pending_size);
    }

    /// Merges s.symbols; `bytes` is their text when every symbol is one byte, else empty.
    void merge(std::string_view bytes, bool untrusted, scratch& s) const {
        const auto find = [this](std::int32_t left, std::int32_t right) { return merges_.find(left, right); };
        if (untrusted) {
            const auto allowed = [&](std::int32_t left, std::int32_t right) {
                const detail::merge_value found = merges_.find(left, right);
                const bool blocked = found.id >= 0 && forbidden_[static_cast<std::size_t>(found.id)] != 0;
                return blocked ? detail::merge_value{detail::no_rank, -1} : found;
            };
            detail::merge_symbols(s, rank_limit_, allowed,
                                  [&](std::size_t i) { return allowed(s.symbols[i], s.symbols[i + 1]).rank; });
        } else if (!bytes.empty()) {
            detail::merge_symbols(s, rank_limit_, find, [&](std::size_t i) {
                return byte_pair_ranks_[std::size_t{static_cast<unsigned char>(bytes[i])} * 256 +
                                        static_cast<unsigned char>(bytes[i + 1])];
            });
        } else {
            detail::merge_symbols(s, rank_limit_, find,
                                  [&](std::size_t i) { return find(s.symbols[i], s.symbols[i + 1]).rank; });
        }
    }

    /// Whether the merges turn the bytes of token `id` into that token. Asked of a model without ignore_merges, where it makes the
    /// short cut of `encode` exact; computed when first needed (1 yes, 2 no; threads that race write the same value).
    [[nodiscard]] bool is_settled(std::int32_t id, scratch& s) const {
        std::atomic<std::uint8_t>& known = settled_[static_cast<std::size_t>(id)];
        std::uint8_t value = known.load(std::memory_order_relaxed);
        if (value == 0) {
            value = 2;
            s.sizes.clear();
            if (start_simple(bytes_of(id), s.symbols)) {
                merge(all_bytes_ ? bytes_of(id) : std::string_view(), false, s);
                if (s.symbols.size() == 1 && s.symbols[0] == id) value = 1;
            }
            known.store(value, std::memory_order_relaxed);
        }
        return value == 1;
    }

    bpe_spec spec_;
    bool byte_level_ = false;
    std::uint64_t seed_ = 0;
    std::vector<text_ref> spelled_,
        bytes_; ///< by id: the token as in the file (spec_.arena); its bytes (arena_, or spec_.arena)
    std::vector<presence> present_; ///< by id
    std::string arena_;
    detail::token_table pieces_; ///< tokens by their bytes
    detail::token_table others_; ///< byte-level: tokens with characters outside the alphabet, which no text can become
    detail::merge_table merges_;
    std::size_t rank_limit_ = 0;
    bool all_bytes_ = false;
    std::array<std::int32_t, 256> byte_ids_{}, fallback_ids_{};
    std::vector<std::uint32_t> byte_pair_ranks_; ///< byte-level: the merge of two bytes, [256, 256]
    std::int32_t unk_id_ = -1;
    std::vector<std::uint8_t> forbidden_;                  ///< by id
    std::unique_ptr<std::atomic<std::uint8_t>[]> settled_; ///< by id: see is_settled
    detail::piece_cache cache_;                            ///< pieces of several tokens
};

APERTUS_END_NAMESPACE
