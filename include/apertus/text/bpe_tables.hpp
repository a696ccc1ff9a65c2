// SPDX-License-Identifier: Apache-2.0
//
// The two hash tables of the BPE model: token text -> id, and pair of ids -> merge. Open addressing with linear probing, filled
// once. Keys of up to eight bytes lie in the slot itself, so that the common look-up touches one cache line.
// The seed comes from the content of the vocabulary, so that a file cannot aim at collisions without a fixed point of the hash.
#pragma once

#include <apertus/version.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

APERTUS_BEGIN_NAMESPACE
namespace detail {

inline constexpr std::uint64_t hash_factor_1 = 0x9E3779B97F4A7C15u, hash_factor_2 = 0xD6E8FEB86659FD93u;

/// Both halves of the 128-bit product, folded.
[[nodiscard]] inline std::uint64_t hash_mix(std::uint64_t a, std::uint64_t b) noexcept {
    __extension__ using wide = unsigned __int128;
    const wide product = static_cast<wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

template <class Word> [[nodiscard]] inline Word load_word(const char* p) noexcept {
    Word word;
    std::memcpy(&word, p, sizeof word);
    return word;
}

/// Up to eight bytes as a number; with the length it determines the bytes.
[[nodiscard]] inline std::uint64_t short_key(std::string_view text) noexcept {
    const char* p = text.data();
    const std::size_t n = text.size();
    if (n >= 4) return load_word<std::uint32_t>(p) | std::uint64_t{load_word<std::uint32_t>(p + n - 4)} << 32;
    if (n == 0) return 0;
    const auto at = [&](std::size_t i) { return std::uint64_t{static_cast<unsigned char>(p[i])}; };
    return at(0) | at(n / 2) << 8 | at(n - 1) << 16;
}

[[nodiscard]] inline std::uint64_t hash_bytes(std::string_view text, std::uint64_t seed) noexcept {
    const std::size_t n = text.size();
    if (n <= 8) return hash_mix(short_key(text) ^ seed, hash_factor_1 ^ n);
    const char* p = text.data();
    std::uint64_t h = seed ^ n;
    for (std::size_t i = 0; i + 8 < n; i += 8) h = hash_mix(h ^ load_word<std::uint64_t>(p + i), hash_factor_1);
    return hash_mix(h ^ load_word<std::uint64_t>(p + n - 8), hash_factor_2);
}

/// Says for most absent keys that they are absent, from one bit each: most look-ups of merging find nothing, and the bits stay in a
/// near cache where the table does not.
class absence_filter {
public:
    absence_filter() = default;
    explicit absence_filter(std::size_t entries)
        : words_(std::bit_ceil(entries / 8 + 1)), shift_(64 - std::countr_zero(words_.size() * 64)) {}

    void add(std::uint64_t hash) noexcept { words_[hash >> shift_ >> 6] |= std::uint64_t{1} << (hash >> shift_ & 63); }
    [[nodiscard]] bool may_contain(std::uint64_t hash) const noexcept {
        return (words_[hash >> shift_ >> 6] >> (hash >> shift_ & 63) & 1) != 0;
    }
    /// The word that may_contain reads.
    [[nodiscard]] const std::uint64_t* word(std::uint64_t hash) const noexcept { return &words_[hash >> shift_ >> 6]; }

private:
    std::vector<std::uint64_t> words_; ///< 8 to 16 bits per entry
    int shift_ = 0;
};

/// token text -> id. The texts longer than eight bytes are not stored but asked for through `text_of(id)`.
class token_table {
public:
    token_table() = default;
    token_table(std::size_t entries, std::uint64_t seed)
        : slots_(std::bit_ceil(entries + entries / 2 + 2)), filter_(entries), mask_(slots_.size() - 1), seed_(seed) {}

    /// The id of `text`, or -1.
    template <class TextOf>
    [[nodiscard]] std::int32_t find(std::string_view text, const TextOf& text_of) const noexcept {
        return slots_.empty() ? -1 : find(text, hash(text), text_of);
    }
    /// The same when the hash is known already.
    template <class TextOf>
    [[nodiscard]] std::int32_t find(std::string_view text, std::uint64_t hash, const TextOf& text_of) const noexcept {
        return filter_.may_contain(hash) ? slots_[locate(text, hash, text_of)].id : -1;
    }
    [[nodiscard]] std::uint64_t hash(std::string_view text) const noexcept { return hash_bytes(text, seed_); }
    /// Starts to fetch what a look-up with this hash will read.
    void prefetch(std::uint64_t hash) const noexcept {
        __builtin_prefetch(filter_.word(hash));
        __builtin_prefetch(slots_.data() + (hash & mask_));
    }

    /// Enters `text`; returns false when it is there already. Must not be called more often than `entries` times.
    template <class TextOf>
    bool insert(std::string_view text, std::uint64_t hash, std::int32_t id, const TextOf& text_of) {
        slot& place = slots_[locate(text, hash, text_of)];
        if (place.id >= 0) return false;
        filter_.add(hash);
        place = {text.size() <= 8 ? short_key(text) : hash, static_cast<std::uint32_t>(text.size()), id};
        return true;
    }

private:
    struct slot {
        std::uint64_t key = 0;
        std::uint32_t size = 0;
        std::int32_t id = -1;
    };

    template <class TextOf>
    [[nodiscard]] std::size_t locate(std::string_view text, std::uint64_t hash, const TextOf& text_of) const noexcept {
        const std::uint64_t key = text.size() <= 8 ? short_key(text) : hash;
        for (std::size_t i = hash & mask_;; i = (i + 1) & mask_) {
            const slot& s = slots_[i];
            if (s.id < 0) return i;
            if (s.key == key && s.size == text.size() && (text.size() <= 8 || text_of(s.id) == text)) return i;
        }
    }

    std::vector<slot> slots_;
    absence_filter filter_;
    std::size_t mask_ = 0;
    std::uint64_t seed_ = 0;
};

/// A merge: its priority (smaller goes first) and the token that it makes.
struct merge_value {
    std::uint32_t rank;
    std::int32_t id;
};
inline constexpr std::uint32_t no_rank = 0xFFFFFFFFu;

/// (left id, right id) -> merge.
class merge_table {
public:
    merge_table() = default;
    merge_table(std::size_t entries, std::uint64_t seed)
        : slots_(std::bit_ceil(entries + entries / 2 + 2)), filter_(entries), mask_(slots_.size() - 1), seed_(seed) {}

    /// The merge of a pair; rank no_rank when there is none.
    [[nodiscard]] merge_value find(std::int32_t left, std::int32_t right) const noexcept {
        const std::uint64_t key = key_of(left, right), hash = hash_mix(key ^ seed_, hash_factor_1);
        if (!filter_.may_contain(hash)) return {no_rank, -1};
        return slots_[locate(key, hash)].value;
    }

    /// Starts to fetch what find and insert of this pair will touch.
    void prefetch(std::int32_t left, std::int32_t right) const noexcept {
        const std::uint64_t hash = hash_mix(key_of(left, right) ^ seed_, hash_factor_1);
        __builtin_prefetch(filter_.word(hash));
        __builtin_prefetch(slots_.data() + (hash & mask_));
    }

    /// Enters a merge; a later one for the same pair replaces the earlier, as in Hugging Face's map.
    void insert(std::int32_t left, std::int32_t right, merge_value value) {
        const std::uint64_t key = key_of(left, right), hash = hash_mix(key ^ seed_, hash_factor_1);
        slots_[locate(key, hash)] = {key, value};
        filter_.add(hash);
    }

private:
    struct slot {
        std::uint64_t key = empty;
        merge_value value = {no_rank, -1};
    };
    static constexpr std::uint64_t empty = ~std::uint64_t{0}; // ids are not negative, so no key has all bits set

    [[nodiscard]] static std::uint64_t key_of(std::int32_t left, std::int32_t right) noexcept {
        return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
    }
    [[nodiscard]] std::size_t locate(std::uint64_t key, std::uint64_t hash) const noexcept {
        for (std::size_t i = hash & mask_;; i = (i + 1) & mask_) {
            if (slots_[i].key == key || slots_[i].key == empty) return i;
        }
    }

    std::vector<slot> slots_;
    absence_filter filter_;
    std::size_t mask_ = 0;
    std::uint64_t seed_ = 0;
};

} // namespace detail
APERTUS_END_NAMESPACE
